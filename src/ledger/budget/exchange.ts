// Between an account and the shared count: brings it on the books of grants, asks for more, reports, and gives back. One word at a time for
// each account, so that no answer overtakes another. Knows no SQL and judges no call.

import type { Clock } from "../../lib/clock.ts";
import { type Account, type Booking, chooseShare, countSurplus, judge, lower } from "./account.ts";
import type { BudgetStore, ReadSum } from "./store.ts";
import type { BudgetSums } from "./sum.ts";

interface ExchangeInit {
  store: Pick<BudgetStore, "claim" | "findRows" | "open">;
  sums: BudgetSums;
  /** Who we are to the others: the chain that our rows are in. */
  holder: () => string;
  /** Makes all rows given so far readable. */
  flushRows: () => Promise<void>;
  clock: Clock;
  /** Holders that are alive besides us. */
  countOthers: () => number;
  /** Of a window that others are to look at, for somebody wants more. */
  cry: () => Promise<void>;
  /** After each word with the database: the account was brought up to date. */
  onTold: (account: Account) => void;
}

export interface Exchange {
  /**
   * Tries to make room for a call that may cost `bound`; resolves once something was learned, which may be that there is none. Rejects where
   * the database cannot be asked.
   */
  ask(account: Account, bound: number): Promise<void>;
  /** Like `ask`, but gives other holders a moment to hand over what lies idle with them. */
  plead(account: Account, bound: number): Promise<void>;
  /** Whether pleading may help: others have something, and they were not asked in vain just now. */
  canPlead(account: Account): boolean;
  /** Whether a word about it is under way. */
  isBusy(account: Account): boolean;
  /** Tells what was spent, and learns what others did. */
  report(account: Account): Promise<void>;
  /** Gives up a share of what lies idle. */
  share(account: Account, wanted: number): Promise<void>;
  /** Gives up all of it. */
  giveBack(account: Account): Promise<void>;
  /** Before the next word all of its rows are read once more. */
  reopen(account: Account): void;
}

/** How long a call waits for what others have to spare. */
const PLEA_MS = 1_000;
const PLEA_STEP_MS = 50;
/** After a plea that brought nothing. */
const PLEA_REST_MS = 500;

/** Of an account, what its rows say. */
const FIGURES = ["spent", "unpriced"] as const;
type Figures = Pick<Account, (typeof FIGURES)[number]>;

export function createExchange(init: ExchangeInit): Exchange {
  const { store, clock } = init;
  /** The word under way, for each account. */
  const running = new Map<string, Promise<void>>();
  const pleas = new Map<string, Promise<void>>();

  const speak = (account: Account, work: () => Promise<void>): Promise<void> => {
    const before = running.get(account.id) ?? Promise.resolve();
    const own = before
      .catch(() => undefined)
      .then(work)
      .finally(() => {
        if (running.get(account.id) === own) running.delete(account.id);
      });
    running.set(account.id, own);
    return own;
  };

  /**
   * What is booked here while rows are read is on top of what they say, but for what they have already. Where anything was, they are read once more,
   * which is but for what came since, and what is booked then is looked for among them.
   */
  const open = async (account: Account): Promise<void> => {
    let before = figuresOf(account);
    const read = (late: Booking[] | null): Promise<ReadSum[]> =>
      init.sums.read(account, () => {
        before = figuresOf(account);
        account.late = late;
        return init.flushRows();
      });
    try {
      let sums = await read(null);
      if (FIGURES.some((name) => account[name] !== before[name])) sums = await read([]);
      const holder = init.holder();
      const own = sums.find((sum) => sum.chain === holder);
      const twice = await countTwice(account, own);
      await store.open(account, holder, sums);
      for (const name of FIGURES)
        account[name] += Math.max((own?.[name] ?? 0) - twice[name], before[name]) - before[name];
      account.isOpen = true;
    } finally {
      account.late = null;
    }
  };

  /** What was booked late, and is among the rows that were read all the same. */
  const countTwice = async ({ late }: Account, own: ReadSum | undefined): Promise<Figures> => {
    const twice = { spent: 0, unpriced: 0 };
    if (late === null || late.length === 0 || own === undefined) return twice;
    const there = await store.findRows([...new Set(late.map(({ rowId }) => rowId))], own);
    for (const { rowId, cost } of late) {
      if (!there.has(rowId)) continue;
      if (cost === null) twice.unpriced++;
      else twice.spent += cost;
    }
    return twice;
  };

  const claim = async (account: Account, ask: { need: number; parts: number; wanted: number }): Promise<void> => {
    if (!account.isOpen) await open(account);
    const { spent, held, refusals, unpriced, waiting: demand, granted: keep } = account;
    account.isDirty = false;
    const place = { spent, held, refusals, unpriced, keep, demand, ...ask };
    let grant = await store.claim(account, init.holder(), place).catch((error: unknown) => {
      account.isDirty = true;
      throw error;
    });
    if (grant === null) {
      // Its line is gone: the database was put back to an older state.
      await open(account);
      grant = await store.claim(account, init.holder(), { ...place, spent: account.spent });
    }
    if (grant === null) throw new Error("the line of a budget's grants vanished while it was written");
    account.granted = grant.granted;
    account.others = grant.others;
    init.onTold(account);
  };

  const countParts = (): number => {
    const others = init.countOthers();
    return others === 0 ? 1 : 2 * (others + 1);
  };

  const fits = (account: Account, bound: number): boolean => judge(account, bound) === "yes";

  const hasIdle = ({ others }: Account): boolean => others.granted > others.spent + others.held;

  const ask = (account: Account, bound: number, wanted = 0): Promise<void> =>
    speak(account, async () => {
      // Whoever asked before may have been given enough for both.
      if (account.isOpen && bound > 0 && fits(account, bound)) return;
      await claim(account, { need: bound, parts: countParts(), wanted });
    });

  const plead = async (account: Account, bound: number): Promise<void> => {
    const untilMs = clock.monotonicMs() + PLEA_MS;
    await speak(account, () => claim(account, { need: bound, parts: countParts(), wanted: bound }));
    if (!fits(account, bound) && hasIdle(account)) {
      await init.cry();
      while (!fits(account, bound) && hasIdle(account) && clock.monotonicMs() < untilMs) {
        await pause(clock, PLEA_STEP_MS);
        // Others look more rarely than we do: it stands until then.
        await ask(account, bound, bound);
      }
    }
    // It is wanted no more.
    account.isDirty = true;
    account.restUntilMs = fits(account, bound) ? 0 : clock.monotonicMs() + PLEA_REST_MS;
  };

  return {
    ask: (account, bound) => ask(account, bound),
    plead(account, bound) {
      const known = pleas.get(account.id);
      if (known !== undefined) return known;
      const plea = plead(account, bound).finally(() => pleas.delete(account.id));
      pleas.set(account.id, plea);
      return plea;
    },
    canPlead: (account) =>
      pleas.has(account.id) ||
      (account.others.granted > 0 && init.countOthers() > 0 && clock.monotonicMs() >= account.restUntilMs),
    isBusy: ({ id }) => running.has(id),
    report: (account) => speak(account, () => claim(account, { need: 0, parts: 0, wanted: 0 })),
    share: (account, wanted) =>
      speak(account, async () => {
        lower(account, chooseShare(account, wanted));
        await claim(account, { need: 0, parts: 0, wanted: 0 });
      }),
    giveBack: (account) =>
      speak(account, async () => {
        lower(account, countSurplus(account));
        await claim(account, { need: 0, parts: 0, wanted: 0 });
      }),
    reopen(account) {
      close(account);
      // What is being read may be of the time before.
      if (running.has(account.id)) void speak(account, async () => close(account));
    },
  };
}

function close(account: Account): void {
  account.isOpen = false;
  account.isDirty = true;
}

function figuresOf({ spent, unpriced }: Figures): Figures {
  return { spent, unpriced };
}

function pause(clock: Clock, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.after(ms, resolve);
  return promise;
}
