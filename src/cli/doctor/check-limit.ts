// Budgets and rate limits whose rows say what no gateway wrote: somebody changed them in the database.

import { MODES, PERIODS, SUBJECTS, UNITS, UNPRICED } from "../../ledger/index.ts";
import { findZone } from "../../lib/zone.ts";
import { mergeLimits } from "../../server/index.ts";
import { glanceAccounts, glanceBudgets, type RawBudget } from "../../store/glance-limit.ts";
import { createLimitStore } from "../../store/limit.ts";
import { type Check, type Exam, type Finding, failure, ok, type Sight, warning } from "./finding.ts";

export const checkLimits: Check = async (exam) => [...(await judgeBudgets(exam)), ...(await judgeLimits(exam))];

function canBeRead({ glance }: Sight): boolean {
  return glance !== null && glance.schema.pending === 0 && glance.schema.foreign === null;
}

async function judgeBudgets(exam: Exam): Promise<Finding[]> {
  const sight = await exam.ledger();
  if (sight.glance === null || !canBeRead(sight)) return [];
  const budgets = await glanceBudgets(sight.glance.engine);
  const names = new Map(budgets.map(({ id, name }) => [String(id), String(name)]));
  const findings = budgets.flatMap((budget) => judgeBudget(budget, exam));
  const accounts = Map.groupBy(await glanceAccounts(sight.glance.engine), (account) => account.split("/")[0] ?? "");
  for (const id of accounts.keys())
    findings.push(
      warning(`budget ${exam.clean(names.get(id) ?? id)}`, {
        found: "what gateways noted of its spending was damaged: a number in budget_grants or budget_remains is none",
        why: "It counts as nothing there, until the gateways that wrote it note it anew.",
        remedy: "Start the gateways anew: each reads what was spent from the rows of the ledger.",
      }),
    );
  return findings.length > 0 || budgets.length === 0 ? findings : [ok("budgets", `${budgets.length} can be read`)];
}

function judgeBudget(budget: RawBudget, { clean }: Exam): Finding[] {
  const odd = Object.entries(WORDS).flatMap(([name, isRight]) => (isRight(budget[name]) ? [] : [name]));
  if (odd.length === 0) return [];
  const isShut = ["hard_limit", "unit"].some((name) => odd.includes(name));
  const isGone = odd.includes("deleted_at");
  const said = odd.map((name) => `${name} is ${JSON.stringify(String(budget[name])).slice(0, 60)}`);
  return [
    failure(`budget ${clean(String(budget["name"]))}`, {
      found: clean(`its row was damaged: ${said.join(", ")}`),
      why: isGone
        ? "Gateways take it for one that was deleted: it limits nothing."
        : isShut
          ? "A hard limit that cannot be read lets nothing pass: calls that it concerns are refused."
          : "It is taken for what is strictest, which may not be what was meant.",
      remedy:
        'Say it anew ("tokligence admin budgets update"); where its unit, period, time zone, subject or deletion was damaged, delete it and make it anew.',
    }),
  ];
}

const isWordOf =
  (words: readonly string[]) =>
  (value: unknown): boolean =>
    words.some((word) => word === value);
const isOptional =
  (isRight: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === null || isRight(value);

/** PostgreSQL tells 64 bits as text; in SQLite a text there is none. */
function isCount(value: unknown): boolean {
  const number = typeof value === "string" && !/^\d{1,19}$/u.test(value) ? Number.NaN : Number(value);
  return Number.isSafeInteger(number) && number >= 0;
}

function isMoment(value: unknown): boolean {
  const date = value instanceof Date || typeof value === "number" || typeof value === "string" ? new Date(value) : null;
  return date !== null && !Number.isNaN(date.getTime());
}

function isPercents(value: unknown): boolean {
  const list = typeof value === "string" ? attempt(value) : value;
  return Array.isArray(list) && list.every((percent) => typeof percent === "number");
}

function attempt(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const WORDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  alert_percents: isPercents,
  created_at: isMoment,
  deleted_at: (value) => value === null,
  each: isOptional(isWordOf(SUBJECTS)),
  hard_limit: isOptional(isCount),
  mode: isWordOf(MODES),
  period: isWordOf(PERIODS),
  removed_before: isOptional(isMoment),
  soft_limit: isOptional(isCount),
  time_zone: (value) => typeof value === "string" && findZone(value) !== null,
  unit: isWordOf(UNITS),
  unpriced: isWordOf(UNPRICED),
  updated_at: isMoment,
};

async function judgeLimits(exam: Exam): Promise<Finding[]> {
  const sight = await exam.identity();
  if (sight.glance === null || !canBeRead(sight)) return [];
  const rows = await createLimitStore(sight.glance.engine).list();
  return mergeLimits({ limits: [] }, rows).flatMap(({ name, obstacle }) =>
    obstacle === null
      ? []
      : [
          failure(`rate limit ${exam.clean(name)}`, {
            found: exam.clean(`its row cannot be used: ${obstacle}`),
            why: "It is not in force: nothing is limited by it.",
            remedy: 'Say it anew ("tokligence admin limits set"), or delete it ("tokligence admin limits delete").',
          }),
        ],
  );
}
