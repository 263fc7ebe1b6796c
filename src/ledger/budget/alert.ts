// When somebody is told that a budget runs out, and in which words. Knows no channel.

import type { Account } from "./account.ts";
import { type Budget, baseLimit } from "./model.ts";
import { printAmount } from "./refusal.ts";

/** A spending at which somebody is told, once a window. */
export interface Threshold {
  /** `80`, or `soft`. */
  name: string;
  amount: number;
}

/** Ascending. The soft limit is one of its own where there is a hard one, too. */
export function listThresholds(budget: Budget): Threshold[] {
  const limit = baseLimit(budget);
  const { softLimit, hardLimit } = budget;
  const percents = budget.alertPercents.map((percent) => ({ name: String(percent), amount: (limit * percent) / 100 }));
  const isTold = hardLimit === null && budget.alertPercents.includes(100);
  const soft = softLimit === null || isTold ? [] : [{ name: "soft", amount: softLimit }];
  return [...percents, ...soft].toSorted((left, right) => left.amount - right.amount);
}

export interface Alert {
  subject: string;
  text: string;
  data: Readonly<Record<string, number | string | null>>;
  level: "info" | "warn";
}

export function describeAlert(account: Account, { name }: Threshold): Alert {
  const { budget, window, subject, spent, others } = account;
  const total = spent + others.spent;
  const limit = name === "soft" ? (budget.softLimit ?? 0) : baseLimit(budget);
  const what = name === "soft" ? "passed its soft limit" : `reached ${name} %`;
  const whom = subject === "" ? "" : ` of ${budget.each} ${subject}`;
  const endsAt = Number.isFinite(window.endMs) ? new Date(window.endMs).toISOString() : null;
  return {
    subject: `Budget "${budget.name}"${whom} ${what}`,
    text: [
      `${printAmount(budget, total)} of ${printAmount(budget, limit)} are spent.`,
      endsAt === null ? "It does not begin anew." : `It begins anew at ${endsAt}.`,
      budget.mode === "shadow" ? "It only watches: nothing is refused." : "",
    ]
      .filter((line) => line !== "")
      .join("\n"),
    data: {
      type: "budget_alert",
      budget_id: budget.id,
      budget: budget.name,
      threshold: name,
      ...(budget.each === null ? {} : { [budget.each]: subject }),
      unit: budget.unit,
      spent: total,
      limit,
      window_start: new Date(window.startMs).toISOString(),
      resets_at: endsAt,
      mode: budget.mode,
    },
    level: total >= limit ? "warn" : "info",
  };
}
