// What a budget is: a limit on what some calls may cost together within a period. Values only; knows no SQL and no HTTP.

export const PERIODS = ["minute", "hour", "day", "week", "month", "lifetime"] as const;
export type Period = (typeof PERIODS)[number];

/** What is counted: billionths of a US dollar, or all tokens of input and output. */
export const UNITS = ["usd", "tokens"] as const;
export type BudgetUnit = (typeof UNITS)[number];

/** `shadow` counts and tells what it would have refused, and refuses nothing. */
export const MODES = ["enforce", "shadow"] as const;
export type BudgetMode = (typeof MODES)[number];

/** What becomes of a call that a budget in money concerns and whose price nobody knows. */
export const UNPRICED = ["refuse", "allow"] as const;
export type Unpriced = (typeof UNPRICED)[number];

/** Of whom each has the limit for himself. */
export const SUBJECTS = ["user", "key"] as const;
export type Subject = (typeof SUBJECTS)[number];

/** Which calls it concerns: those that fit all that is said. Nothing said: every call. */
export interface BudgetScope {
  userId: string | null;
  apiKeyId: string | null;
  provider: string | null;
  /** A name or a pattern with `*`, held against the name that the client wrote and the one at the provider; case does not matter. */
  model: string | null;
  tag: string | null;
}

export interface Budget extends BudgetScope {
  id: string;
  /** Unique among those that are not deleted. */
  name: string;
  /** Null: one limit for all calls together. */
  each: Subject | null;
  unit: BudgetUnit;
  /** In nano-dollars or tokens; null where there is only a soft limit. */
  hardLimit: number | null;
  /** Beyond it, calls are answered with a warning. */
  softLimit: number | null;
  period: Period;
  /** IANA name, by which days, weeks and months begin. */
  timeZone: string;
  mode: BudgetMode;
  unpriced: Unpriced;
  /** Percent of the hard limit (of the soft one where there is no hard one) at which somebody is told, each once a window. Ascending. */
  alertPercents: number[];
  /** By the gateway's configuration, which alone can change it. */
  isDeclared: boolean;
  /** Rows from before that moment may have been gone by age when it was made; null where none were. */
  removedBefore: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** One that is not on the books yet. */
export type DraftBudget = Omit<Budget, "removedBefore">;

/** What of a call decides which budgets it concerns. */
export interface CallFacts {
  userId: string;
  apiKeyId: string;
  tags: readonly string[];
  provider: string;
  /** As the client wrote it. */
  modelAsked: string;
  /** As the provider knows it. */
  modelSent: string;
  /** When it arrived, by the wall clock: this decides its window, as it does in the ledger. */
  atMs: number;
}

/** What a call costs or may cost. */
export interface Amount {
  /** Null where the price is unknown. */
  costNanos: number | null;
  /** Null where the usage is unknown. */
  tokens: number | null;
  /** The row of the ledger that says so; missing where none does. */
  rowId?: string;
}

/** Of an amount, what a budget counts; null where it is unknown. */
export function measure(unit: BudgetUnit, amount: Amount): number | null {
  return unit === "usd" ? amount.costNanos : amount.tokens;
}

/** The limit that percentages are of. */
export function baseLimit(budget: Pick<Budget, "hardLimit" | "softLimit">): number {
  return budget.hardLimit ?? budget.softLimit ?? Number.POSITIVE_INFINITY;
}

/** For whom a window is counted: empty where it is counted for all together. */
export function subjectOf(budget: Pick<Budget, "each">, facts: Pick<CallFacts, "apiKeyId" | "userId">): string {
  if (budget.each === null) return "";
  return budget.each === "user" ? facts.userId : facts.apiKeyId;
}
