// One budget's count in one window, as this process keeps it: what was spent, what running calls hold, and how much it was granted of the
// whole. Pure arithmetic; knows no database and no clock.
//
// Of each window there is one limit and, where several processes share it, several holders. What a holder was granted nobody else may
// spend, so it decides alone and at once; the sum of all grants stays below the limit, but for the one reservation that reaches beyond it.

import { listThresholds, type Threshold } from "./alert.ts";
import type { Budget } from "./model.ts";
import type { Window } from "./window.ts";

export interface Account {
  readonly id: string;
  /** As it stands now: limits may change while the window lasts. */
  budget: Budget;
  readonly window: Window;
  readonly subject: string;
  /** Known to the database; before that nothing is granted. */
  isOpen: boolean;
  /** It is being made known, and no call waits for that. */
  isOpening: boolean;
  /** Booked by this holder. */
  spent: number;
  /** Reserved by calls that are running here. */
  held: number;
  /** What calls that wait for room may cost. */
  waiting: number;
  /** Calls that wait until running ones need less than they reserved; each is told when that may be so. */
  queue: Set<() => void>;
  /** What `spent + held` may come to. */
  granted: number;
  /** Of the other holders together, as they last said. */
  others: { granted: number; spent: number; held: number };
  /** Calls refused; in shadow mode, calls that would have been. */
  refusals: number;
  /** Calls whose price or usage stayed unknown, and which the count leaves out. */
  unpriced: number;
  /** Something changed that the database does not know. */
  isDirty: boolean;
  /** When it last served a call, on the monotonic clock. */
  usedMs: number;
  /** Others were asked for more in vain; until then they are not asked again. On the monotonic clock. */
  restUntilMs: number;
  /** Another holder wants more: until then it has a share of what falls free here. On the monotonic clock. */
  wantedUntilMs: number;
  wanted: number;
  /** The spending at which somebody is to be told next. */
  nextAlert: number;
  /** How many of the budget's thresholds were told. */
  alerted: number;
  /** What is booked while rows are read that may have it already; null while that makes no difference. */
  late: Booking[] | null;
}

/** What a row came to; null where nobody knows. */
export interface Booking {
  rowId: string;
  cost: number | null;
}

/** Where something is counted: one budget, one window, one subject. */
export interface Place {
  /** All three in one name. */
  id: string;
  budget: Budget;
  window: Window;
  /** Empty where all are counted together. */
  subject: string;
}

export function makePlace(budget: Budget, window: Window, subject = ""): Place {
  return { id: `${budget.id}/${window.startMs}/${subject}`, budget, window, subject };
}

export function createAccount(place: Place): Account {
  return {
    ...place,
    isOpen: false,
    isOpening: false,
    spent: 0,
    held: 0,
    waiting: 0,
    queue: new Set(),
    granted: 0,
    others: { granted: 0, spent: 0, held: 0 },
    refusals: 0,
    unpriced: 0,
    isDirty: false,
    usedMs: 0,
    restUntilMs: 0,
    wantedUntilMs: 0,
    wanted: 0,
    nextAlert: 0,
    alerted: 0,
    late: null,
  };
}

/** `ask`: only the shared count can tell. */
export type Verdict = "ask" | "no" | "yes";

/** Whether a call that may cost `bound` fits. What costs nothing always does, and a budget that enforces nothing never stands in the way. */
export function judge(account: Account, bound: number): Verdict {
  const { hardLimit, mode } = account.budget;
  if (hardLimit === null || mode === "shadow" || bound === 0) return "yes";
  if (!account.isOpen) return "ask";
  const used = account.spent + account.held;
  // Below the limit one last reservation may reach beyond it, which only one holder may have. What it left of that is nobody's to spend, nor
  // is what was granted under a limit that is lower now.
  if (used >= hardLimit - account.others.granted) return "no";
  return used + bound <= account.granted ? "yes" : "ask";
}

/** Whether what was really spent leaves nothing: no running call can change that any more. */
export function isSpent(account: Account): boolean {
  const { hardLimit } = account.budget;
  return hardLimit !== null && countSpent(account) >= hardLimit;
}

/** Whether the whole is used up, as far as is known here: for budgets that only watch. */
export function isExhausted(account: Account, bound: number): boolean {
  const { hardLimit } = account.budget;
  return hardLimit !== null && bound > 0 && countUsed(account) >= hardLimit;
}

/** Spent and held by all holders. */
export function countUsed({ spent, held, others }: Account): number {
  return spent + held + others.spent + others.held;
}

export function countSpent({ spent, others }: Account): number {
  return spent + others.spent;
}

/** What is left of the limit, running calls deducted; never negative. */
export function countLeft(account: Account, limit: number): number {
  return Math.max(0, limit - countUsed(account));
}

export function hold(account: Account, bound: number, nowMs: number): void {
  account.held += bound;
  account.usedMs = nowMs;
  account.isDirty = true;
}

/** The reservation goes, and what it really cost comes in its place; null where nobody knows. `rowId`: the row that says so, if one does. */
export function settle(account: Account, bound: number, cost: number | null, rowId?: string): void {
  account.held -= bound;
  if (cost === null) account.unpriced++;
  else account.spent += cost;
  if (rowId !== undefined) account.late?.push({ rowId, cost });
  account.isDirty = true;
}

/** What of a grant no call holds. */
export function countSurplus({ granted, spent, held }: Account): number {
  return Math.max(0, granted - spent - held);
}

/** Gives up part of the surplus, here at once: only then may others be told of it. */
export function lower(account: Account, by: number): void {
  account.granted -= Math.min(by, countSurplus(account));
  account.isDirty = true;
}

/** Half of what lies idle, and more where another holder cannot go on without. */
export function chooseShare(account: Account, wanted: number): number {
  const surplus = countSurplus(account);
  return Math.min(surplus, Math.max(wanted, Math.ceil(surplus / 2)));
}

/** What was reached since the last time, ascending; sets the next. */
export function takeAlerts(account: Account): Threshold[] {
  const thresholds = listThresholds(account.budget);
  const total = countSpent(account);
  const reached = thresholds.slice(account.alerted).filter(({ amount }) => total >= amount);
  account.alerted += reached.length;
  account.nextAlert = thresholds[account.alerted]?.amount ?? Number.POSITIVE_INFINITY;
  return reached;
}

/** The limits were changed, or the telling failed: what is to be told is looked at once more. */
export function resetAlerts(account: Account): void {
  account.alerted = 0;
  account.nextAlert = 0;
}
