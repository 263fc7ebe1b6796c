// The tables of budgets, written once for both engines like the others. Knows no engine.

import { isNull } from "drizzle-orm";
import type { BudgetMode, BudgetUnit, Period, Subject, Unpriced } from "../ledger/budget/model.ts";
import { findZone, UTC } from "../lib/zone.ts";
import type { Kit } from "./postgres/columns.ts";
import { guardColumns, isMoment, readCount, readFigure } from "./row-guard.ts";

const PERIODS = {
  day: true,
  hour: true,
  lifetime: true,
  minute: true,
  month: true,
  week: true,
} satisfies Record<Period, true>;
const SUBJECTS = { key: true, user: true } satisfies Record<Subject, true>;
export const UNITS = { tokens: true, usd: true } satisfies Record<BudgetUnit, true>;

/** As `readCount` has it, but nothing where there is something that is none: a hard limit that somebody damaged lets nothing pass, and is seen. */
function readLimit(value: unknown): number {
  return readCount(value) ?? 0;
}

function isOneOf(words: object, value: unknown): boolean {
  return typeof value === "string" && Object.hasOwn(words, value);
}

function readMoment(value: unknown): Date | null {
  return value instanceof Date && isMoment(value.getTime()) ? value : null;
}

/** Limits of money or tokens, as the operator set them. */
export function defineBudgets(kit: Kit) {
  const table = kit.table(
    "budgets",
    {
      id: kit.text("id").primaryKey(),
      name: kit.text("name").notNull(),
      userId: kit.text("user_id"),
      apiKeyId: kit.text("api_key_id"),
      provider: kit.text("provider"),
      model: kit.text("model"),
      tag: kit.text("tag"),
      each: kit.text("each").$type<Subject>(),
      unit: kit.text("unit").$type<BudgetUnit>().notNull(),
      /** Nano-dollars or tokens. */
      hardLimit: kit.big("hard_limit"),
      softLimit: kit.big("soft_limit"),
      period: kit.text("period").$type<Period>().notNull(),
      timeZone: kit.text("time_zone").notNull(),
      mode: kit.text("mode").$type<BudgetMode>().notNull(),
      unpriced: kit.text("unpriced").$type<Unpriced>().notNull(),
      /** Percentages at which somebody is told. */
      alertPercents: kit.json("alert_percents").$type<number[]>().notNull(),
      /** By the gateway's configuration. */
      isDeclared: kit.bool("is_declared").notNull().default(false),
      /** Rows from before then may have been gone by age when it was made. */
      removedBefore: kit.time("removed_before"),
      createdAt: kit.time("created_at").notNull(),
      updatedAt: kit.time("updated_at").notNull(),
      deletedAt: kit.time("deleted_at"),
      /** Value of the counter `budget_revision` at the last change. */
      revision: kit.big("revision").notNull(),
    },
    (table) => [
      kit.uniqueIndex("budgets_name").on(table.name).where(isNull(table.deletedAt)),
      kit.index("budgets_revision").on(table.revision),
    ],
  );
  // One that somebody damaged must neither stop the gateway nor let more pass than it did: what in it is none is read as what is strictest, or as
  // where nothing was said.
  return guardColumns(table, {
    alertPercents: (value) => (Array.isArray(value) ? value.filter((percent) => readCount(percent) !== null) : []),
    createdAt: (value) => readMoment(value) ?? new Date(0),
    each: (value) => (isOneOf(SUBJECTS, value) ? value : null),
    hardLimit: readLimit,
    mode: (value) => (value === "shadow" ? value : "enforce"),
    period: (value) => (isOneOf(PERIODS, value) ? value : "month"),
    removedBefore: readMoment,
    softLimit: readCount,
    unpriced: (value) => (value === "allow" ? value : "refuse"),
    updatedAt: (value) => readMoment(value) ?? new Date(0),
    timeZone: (value) => (typeof value === "string" && findZone(value) !== null ? value : UTC.name),
  });
}

/** What each gateway was granted of a budget's window, so that all of them together stay within it. */
export function defineGrants(kit: Kit) {
  const table = kit.table(
    "budget_grants",
    {
      /** `account/holder`. */
      id: kit.text("id").primaryKey(),
      /** `budget/window/subject`. */
      accountId: kit.text("account_id").notNull(),
      budgetId: kit.text("budget_id").notNull(),
      /** Whom it is counted for; empty where it is for all together. */
      subject: kit.text("subject").notNull(),
      windowStart: kit.time("window_start").notNull(),
      /** Null where it never ends. */
      windowEnd: kit.time("window_end"),
      /** The chain of the gateway that has it. */
      holder: kit.text("holder").notNull(),
      granted: kit.big("granted").notNull(),
      spent: kit.big("spent").notNull(),
      /** Reserved by running calls. */
      held: kit.big("held").notNull(),
      /** It could not go on with less. */
      wanted: kit.big("wanted").notNull(),
      refusals: kit.big("refusals").notNull(),
      unpriced: kit.big("unpriced").notNull(),
    },
    (table) => [
      kit.index("budget_grants_account").on(table.accountId),
      kit.index("budget_grants_holder").on(table.holder),
      kit.index("budget_grants_end").on(table.windowEnd),
    ],
  );
  return guardColumns(table, {
    granted: readFigure,
    held: readFigure,
    refusals: readFigure,
    spent: readFigure,
    unpriced: readFigure,
    wanted: readFigure,
  });
}

/** What rows of an account came to that were removed by age, each chain's by itself: it counts for as long as the window lasts. */
export function defineBudgetRemains(kit: Kit) {
  const table = kit.table(
    "budget_remains",
    {
      /** `account/chain`. */
      id: kit.text("id").primaryKey(),
      accountId: kit.text("account_id").notNull(),
      budgetId: kit.text("budget_id").notNull(),
      windowEnd: kit.time("window_end"),
      chain: kit.text("chain").notNull(),
      spent: kit.big("spent").notNull(),
      unpriced: kit.big("unpriced").notNull(),
    },
    (table) => [
      kit.index("budget_remains_account").on(table.accountId),
      kit.index("budget_remains_end").on(table.windowEnd),
    ],
  );
  return guardColumns(table, { spent: readFigure, unpriced: readFigure });
}

/** What was told of a window: each threshold once. */
export function defineBudgetAlerts(kit: Kit) {
  return kit.table(
    "budget_alerts",
    {
      /** `account/threshold`. */
      id: kit.text("id").primaryKey(),
      budgetId: kit.text("budget_id").notNull(),
      windowEnd: kit.time("window_end"),
      toldAt: kit.time("told_at").notNull(),
    },
    (table) => [kit.index("budget_alerts_end").on(table.windowEnd)],
  );
}
