// Budgets as the request path asks them: which concern a call, whether it fits, and the reservation that stands for it until its row is
// settled. From memory and at once, but for the moments in which more must be asked for. Knows no SQL, no HTTP and no format.

import { type GatewayError, toGatewayError } from "../../ir/index.ts";
import {
  type Account,
  countSpent,
  hold,
  isExhausted,
  isSpent,
  judge,
  makePlace,
  type Place,
  settle,
} from "./account.ts";
import { type Keeping, LEASE_MS } from "./keeping.ts";
import { createLessons } from "./lesson.ts";
import { type Amount, type Budget, type CallFacts, measure, subjectOf } from "./model.ts";
import { refuseSpent, refuseUnknown, refuseUnpriced, refuseUnreachable, warnOf } from "./refusal.ts";
import { type BudgetIndex, createBudgetIndex } from "./scope.ts";
import { settledWithin } from "./within.ts";

/** Stands for what a call may cost until it is known what it did. */
export interface Reservation {
  /** For the answer's headers, where a limit is near; null else. */
  headers: Readonly<Record<string, string>> | null;
  /** It came to so much, and its row is to come: the rest is free already, where the amount is known. */
  keep(amount: Amount): void;
  /** Once, however the call ended: what it really cost is booked, and the rest is free again. */
  settle(amount: Amount): void;
}

export interface Reserve {
  /**
   * A reservation; null where no budget concerns the call. Throws or rejects with a GatewayError of kind `quota_exceeded` where it does not fit.
   * `bound` is asked for only where a budget concerns it.
   */
  reserve(facts: CallFacts, bound: () => Amount): Promise<Reservation> | Reservation | null;
  /** Moves with every change of the budgets. */
  version(): number;
  /** A call that is over and was never reserved for, since the budget was not there yet. */
  book(facts: CallFacts, amount: Amount): void;
}

/** We stop using what we were granted a while before others may take it. */
const LEASE_MARGIN_MS = 15_000;
/** More rounds than this are others' luck. */
const MAX_ROUNDS = 100;
/** How long a call waits for running ones to need less than they reserved. */
const ROOM_MS = 2_000;
/** So many of those who wait are told at a time: one call frees what a few need. */
const TOLD_AT_ONCE = 8;
/** The longest that a call waits for a database that does not answer. */
const WAIT_MS = 2_000;
/** Likewise where it answers others meanwhile: something there holds up this account alone. To read the ledger for the first time may take longer. */
const BUSY_MS = 30_000;
const READING_MS = 180_000;
/** Whoever is told so much late that a time is over had no time to hear an answer either. */
const LAG_MS = 500;

interface Hold {
  account: Account;
  bound: number;
}

export function createReserve(keeping: Keeping): Reserve {
  const { init, state, exchange, accounts } = keeping;
  const { clock } = init;
  const lessons = createLessons();
  let index: BudgetIndex = createBudgetIndex([]);
  let indexed = -1;

  const find = (facts: CallFacts): readonly Budget[] => {
    if (indexed !== state.version) {
      index = createBudgetIndex(keeping.all());
      indexed = state.version;
    }
    return index.find(facts);
  };

  const placeOf = (budget: Budget, facts: CallFacts): Place =>
    makePlace(budget, keeping.windowOf(budget, facts.atMs), subjectOf(budget, facts));

  const holdAll = ({ holds, facts, expected }: Asking): Reservation => {
    const nowMs = clock.monotonicMs();
    let headers: Record<string, string> | null = null;
    for (const { account, bound } of holds) {
      const wouldRefuse = account.budget.mode === "shadow" && isExhausted(account, bound);
      if (wouldRefuse) {
        account.refusals++;
        init.onShadow(account);
      }
      hold(account, bound, nowMs);
      if (!account.isOpen) openBehind(account);
      const { softLimit } = account.budget;
      if (softLimit !== null || wouldRefuse) headers = warnOf(account, wouldRefuse) ?? headers;
    }
    const { version } = state;
    return {
      headers,
      keep(amount) {
        for (const each of holds) {
          const bound = measure(each.account.budget.unit, amount) ?? each.bound;
          hold(each.account, bound - each.bound, clock.monotonicMs());
          each.bound = bound;
          tellWaiting(each.account);
        }
      },
      settle(amount) {
        // Where there is no row, nobody was called, or nobody knows what for.
        if (amount.rowId !== undefined) lessons.learn(facts, expected, amount);
        settleAll(holds, amount);
        // Budgets that were made while it ran count it, too.
        if (state.version !== version) bookBut(holds, facts, amount);
      },
    };
  };

  const bookBut = (holds: readonly Hold[], facts: CallFacts, amount: Amount): void => {
    for (const budget of find(facts)) {
      const account = accounts.get(placeOf(budget, facts).id);
      const isBooked = holds.some((each) => each.account === account);
      // One that is being opened may have read the rows before this one was there; whoever opens it later finds it in both, and counts it once.
      if (!isBooked && account !== undefined) settleAll([{ account, bound: 0 }], amount);
    }
  };

  /** For budgets that let everything pass: nobody waits until they are known. */
  const openBehind = (account: Account): void => {
    if (account.isOpening || !state.isReachable) return;
    account.isOpening = true;
    exchange
      .report(account)
      .catch(keeping.heard)
      .finally(() => {
        account.isOpening = false;
      });
  };

  const settleAll = (holds: readonly Hold[], amount: Amount): void => {
    for (const { account, bound } of holds) {
      settle(account, bound, measure(account.budget.unit, amount), amount.rowId);
      if (account.isOpen && countSpent(account) >= account.nextAlert) keeping.tellAlerts(account);
      tellWaiting(account);
    }
  };

  const tellWaiting = ({ queue }: Account): void => {
    let count = 0;
    for (const tell of queue) {
      if (++count > TOLD_AT_ONCE) return;
      queue.delete(tell);
      tell();
    }
  };

  /** Resolves once there may be room, or at that time. */
  const waitForRoom = async ({ queue }: Account, untilMs: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    queue.add(resolve);
    const callOff = clock.after(Math.max(0, untilMs - clock.monotonicMs()), resolve);
    await promise;
    callOff();
    queue.delete(resolve);
  };

  const refuse = (error: GatewayError, account: Account): GatewayError => {
    account.refusals++;
    account.isDirty = true;
    return error;
  };

  /** Whether what we were granted may be gone to others meanwhile. */
  const isLeaseOver = (): boolean =>
    !state.isReachable && clock.monotonicMs() - state.contactMs > LEASE_MS - LEASE_MARGIN_MS;

  /** The first that stands in the way; null where all is well. */
  const findBlocked = (holds: readonly Hold[]): Hold | null => {
    for (const each of holds) if (judge(each.account, each.bound) !== "yes") return each;
    return null;
  };

  const isFinal = ({ account, bound }: Hold): boolean => judge(account, bound) === "no" && !exchange.canPlead(account);

  /** While it waits, others may come to more than was to be expected. */
  const learn = ({ holds, facts, expected }: Asking): void => {
    const amount = lessons.raise(facts, expected);
    for (const each of holds) {
      const bound = boundOf(each.account, amount);
      each.account.waiting += bound - each.bound;
      each.bound = bound;
    }
  };

  const reserveSlowly = async (asking: Asking): Promise<Reservation> => {
    const { holds, nowMs } = asking;
    const startedMs = clock.monotonicMs();
    const untilMs = startedMs + ROOM_MS;
    for (const { account, bound } of holds) account.waiting += bound;
    try {
      for (let round = 0; ; round++) {
        learn(asking);
        const blocked = findBlocked(holds);
        if (blocked === null) return holdAll(asking);
        const { account, bound } = blocked;
        if (isFinal(blocked) || round === MAX_ROUNDS) {
          const isOver = isSpent(account) || clock.monotonicMs() >= untilMs;
          if (isOver) throw refuse(refuseSpent(account, bound, nowMs), account);
          await waitForRoom(account, untilMs);
          round = 0;
          continue;
        }
        const failure = await makeRoom(blocked, startedMs);
        if (failure === null) continue;
        keeping.heard(failure);
        if (init.whenUnreachable() === "refuse") throw refuse(refuseUnreachable(account, failure), account);
        return holdAll(asking);
      }
    } finally {
      for (const { account, bound } of holds) {
        account.waiting -= bound;
        // Who was told and could not use it, or needs less than there is, passes the word on.
        tellWaiting(account);
      }
    }
  };

  /** Null once something was learned, or may be yet; why not, where the database does not answer. */
  const makeRoom = async ({ account, bound }: Hold, startedMs: number): Promise<GatewayError | null> => {
    const sinceMs = clock.monotonicMs();
    const work = judge(account, bound) === "ask" ? exchange.ask(account, bound) : exchange.plead(account, bound);
    const settled = await settledWithin(work, clock, WAIT_MS);
    if (settled !== "late") return settled === null ? null : toGatewayError(settled.failure);
    // Where much is asked for at once, others were answered meanwhile, or we were held up ourselves: it is not the database that keeps us waiting.
    const nowMs = clock.monotonicMs();
    const isOurs = state.contactMs > sinceMs || nowMs - sinceMs > WAIT_MS + LAG_MS;
    const longestMs = account.isOpen ? BUSY_MS : READING_MS;
    return isOurs && nowMs - startedMs < longestMs ? null : lateAnswer();
  };

  return {
    version: () => state.version,
    reserve(facts, askBound) {
      const budgets = find(facts);
      if (budgets.length === 0) {
        if (state.isKnown || state.isReachable || init.whenUnreachable() === "allow") return null;
        throw refuseUnknown();
      }
      const nowMs = clock.wallMs();
      const expected = askBound();
      const amount = lessons.raise(facts, expected);
      const holds = budgets.map((budget): Hold => {
        const account = keeping.open(placeOf(budget, facts));
        account.budget = budget;
        if (measure(budget.unit, amount) === null && refusesUnpriced(budget))
          throw refuse(refuseUnpriced(account, facts.modelSent, nowMs), account);
        return { account, bound: boundOf(account, amount) };
      });
      const asking = { holds, facts, nowMs, expected };
      const blocked = findBlocked(holds);
      if (blocked === null && !isLeaseOver()) return holdAll(asking);
      const spent = holds.find((each) => judge(each.account, each.bound) === "no" && isSpent(each.account));
      if (spent !== undefined && (!state.isReachable || isFinal(spent)))
        throw refuse(refuseSpent(spent.account, spent.bound, nowMs), spent.account);
      if (state.isReachable) return reserveSlowly(asking);
      const strict = blocked?.account ?? holds.find(({ account }) => isEnforced(account.budget))?.account;
      if (strict === undefined || init.whenUnreachable() === "allow") return holdAll(asking);
      throw refuse(refuseUnreachable(strict, null), strict);
    },
    book: (facts, amount) => bookBut([], facts, amount),
  };
}

interface Asking {
  holds: readonly Hold[];
  facts: CallFacts;
  /** When it is asked, by the wall clock. */
  nowMs: number;
  /** What it may cost, before anything was learned of others. */
  expected: Amount;
}

/** At least the least there is: what is unknown is not free. */
function boundOf({ budget }: Account, amount: Amount): number {
  return measure(budget.unit, amount) ?? 1;
}

function isEnforced({ hardLimit, mode }: Budget): boolean {
  return hardLimit !== null && mode === "enforce";
}

function refusesUnpriced(budget: Budget): boolean {
  return isEnforced(budget) && budget.unpriced === "refuse" && budget.unit === "usd";
}

function lateAnswer(): GatewayError {
  return toGatewayError(new Error(`no answer within ${WAIT_MS} ms`));
}
