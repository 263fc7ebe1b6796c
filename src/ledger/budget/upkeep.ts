// What keeps budgets true behind the requests' backs: changes by others come in, spending goes out, idle grants go back, windows to come are
// made ready, and what the dead left is freed. Knows no SQL; nothing here waits for a request, nor a request for it.

import { type Account, countSurplus, makePlace, type Place } from "./account.ts";
import { createBeats } from "./beat.ts";
import { createBeside } from "./beside.ts";
import { createDefinitions } from "./definition.ts";
import type { Keeping } from "./keeping.ts";
import { settledWithin } from "./within.ts";

export interface Upkeep {
  /** The first look. Where the database does not answer, budgets are not known before it does; never rejects. */
  load(): Promise<void>;
  /** Looks for changes now. Never rejects. */
  refresh(): Promise<void>;
  /** Somebody else wrote rows of ours: what was spent is read from the rows once more, where that is more. */
  reopen(): void;
  start(): void;
  /** Reports all, gives back all, and is gone for the others. */
  stop(): Promise<void>;
}

/** So that a change elsewhere holds within a second. */
const POLL_MS = 250;
/** Between two rounds of reports. */
const REPORT_MS = 2_000;
/** A word with the database that takes longer goes on behind. */
const WORD_MS = 1_000;
/** Who wanted more is remembered for so long. */
const WANTED_MS = 3_000;
/** A grant that served nobody for so long goes back where there are others. */
const IDLE_MS = 5_000;
/** A window's account is kept so long behind its end, for calls that began in it; so is one that counts for a single user. */
const KEEP_MS = 10 * 60_000;
/** The next window is made ready so long before it begins. */
const AHEAD_MS = 1_500;
/** Lines of windows that ended before that are of no use to anybody. */
const PURGE_AFTER_MS = 2 * 86_400_000;
const PURGE_EVERY_MS = 3_600_000;
/** What the ledger said of a window goes once nobody asked for it that long. */
const TIDY_EVERY_MS = 10 * 60_000;

const CRY = "budget_cry";

export function createUpkeep(keeping: Keeping): Upkeep {
  const { init, state } = keeping;
  const { store, clock } = init;
  const beats = createBeats(keeping);
  const definitions = createDefinitions(keeping, () => isOver);
  const beside = createBeside(keeping, () => isOver);
  let cries = 0;
  let reportedMs = Number.NEGATIVE_INFINITY;
  let purgedMs = clock.monotonicMs();
  let tidiedMs = clock.monotonicMs();
  let callOff: (() => void) | null = null;
  let looking: Promise<void> | null = null;
  /** The round under way, and what is said beside it. */
  let tending: Promise<void> | null = null;
  let pulsing: Promise<void> | null = null;
  let telling: Promise<void> | null = null;
  let isStarted = false;
  let isOver = false;

  /** Whether it is done: one account that is held up holds up no other. */
  const inTime = async (word: Promise<void>): Promise<boolean> => {
    const settled = await settledWithin(word, clock, WORD_MS);
    if (settled !== null && settled !== "late") throw settled.failure;
    return settled === null;
  };

  const look = async (): Promise<void> => {
    const counters = await store.readCounters();
    keeping.heard(null);
    beats.note(counters);
    await definitions.refresh(counters);
    const cried = counters.get(CRY) ?? 0;
    if (cried !== cries) {
      cries = cried;
      for (const { accountId, wanted } of await store.listWanted(init.holder())) {
        const account = keeping.accounts.get(accountId);
        if (account !== undefined) Object.assign(account, { wanted, wantedUntilMs: clock.monotonicMs() + WANTED_MS });
      }
    }
    await beside.read(counters);
    await feed();
  };

  /** Somebody cannot go on: of what lies idle here, or will in a moment, a share is theirs. */
  const feed = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    for (const account of keeping.accounts.values()) {
      const { isOpen, isDirty, wanted, wantedUntilMs } = account;
      if (wantedUntilMs <= nowMs || !isOpen) continue;
      if (countSurplus(account) > 0) await inTime(keeping.exchange.share(account, wanted));
      // That there is nothing to hope for is worth to be known, too.
      else if (isDirty) await inTime(keeping.exchange.report(account));
    }
  };

  const report = async (): Promise<void> => {
    const nowMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    for (const account of keeping.accounts.values()) {
      // What is being said of it tells most of it, and may take long.
      if (keeping.exchange.isBusy(account)) continue;
      const isPast = wallMs >= account.window.endMs || definitions.find(account.budget.id) === undefined;
      const isUnused = nowMs - account.usedMs > IDLE_MS && account.held === 0;
      const isLong = nowMs - account.usedMs > KEEP_MS && account.held === 0;
      if (isLong && (isPast || account.subject !== "")) await inTime(retire(account));
      else if (isUnused && (isPast || state.others > 0) && countSurplus(account) > 0)
        await inTime(keeping.exchange.giveBack(account));
      else if (account.isDirty) await inTime(keeping.exchange.report(account));
    }
    await inTime(definitions.prepareAhead(wallMs + AHEAD_MS + REPORT_MS));
  };

  const retire = async (account: Account): Promise<void> => {
    if (account.isOpen) await keeping.exchange.giveBack(account);
    // A call that came meanwhile has it.
    const isWanted = account.held > 0 || account.waiting > 0 || keeping.exchange.isBusy(account);
    const isTold = !account.isOpen || !account.isDirty;
    if (!isWanted && isTold) keeping.accounts.delete(account.id);
  };

  /** What a holder had that is silent for too long is what its rows say, and no more. */
  const bury = async (): Promise<void> => {
    for (const holder of beats.dead()) {
      let isFree = true;
      for (const { accountId, budgetId, subject, startMs } of await store.listHeldBy(holder)) {
        const budget = definitions.find(budgetId);
        if (budget === undefined) continue;
        const place = makePlace(budget, keeping.windowOf(budget, startMs), subject);
        isFree = (await inTime(free(place, accountId, holder))) && isFree;
      }
      if (isFree) await beats.forget(holder);
    }
  };

  const free = async (place: Place, accountId: string, holder: string): Promise<void> => {
    await store.close(accountId, holder, (await beside.readChain(place, holder)).spent);
    const account = keeping.accounts.get(accountId);
    if (account !== undefined) await keeping.exchange.report(account);
  };

  /** While a round takes long: we live, so do the others, and the database answers. */
  const pulse = async (): Promise<void> => {
    beats.note(await store.readCounters());
    keeping.heard(null);
    await beats.send();
  };

  const tend = async (): Promise<void> => {
    await look();
    await beats.send();
    const nowMs = clock.monotonicMs();
    if (nowMs - reportedMs >= REPORT_MS && telling === null) {
      reportedMs = nowMs;
      // Of many accounts it takes long, and what others change holds at once.
      telling = attempt(async () => {
        await bury();
        await report();
      }).finally(() => {
        telling = null;
      });
    }
    if (nowMs - tidiedMs >= TIDY_EVERY_MS) {
      tidiedMs = nowMs;
      keeping.sums.tidy(definitions.listNeeded());
    }
    if (nowMs - purgedMs < PURGE_EVERY_MS) return;
    purgedMs = nowMs;
    await store.purge(new Date(clock.wallMs() - PURGE_AFTER_MS));
  };

  const attempt = async (work: () => Promise<void>): Promise<void> => {
    await work().catch(keeping.heard);
  };

  /** One at a time; whoever comes meanwhile gets a look of his own behind it. */
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const own = (looking ?? Promise.resolve()).then(() => attempt(work));
    looking = own;
    return own;
  };

  const plan = (): void => {
    callOff = clock.after(POLL_MS, () => {
      if (tending === null)
        tending = inTurn(tend).finally(() => {
          tending = null;
        });
      else
        pulsing ??= attempt(pulse).finally(() => {
          pulsing = null;
        });
      if (isStarted) plan();
    });
  };

  return {
    load: () =>
      inTurn(async () => {
        // Before anything is asked for: the others are to count us.
        await beats.send();
        await look();
      }),
    refresh: () => inTurn(look),
    reopen() {
      for (const account of keeping.accounts.values()) keeping.exchange.reopen(account);
    },
    start() {
      if (isStarted) return;
      isStarted = true;
      plan();
    },
    async stop() {
      isStarted = false;
      isOver = true;
      callOff?.();
      await inTurn(async () => {
        await pulsing;
        await telling;
        const open = [...keeping.accounts.values()].filter(({ isOpen }) => isOpen);
        for (const account of open) await inTime(keeping.exchange.giveBack(account));
        await store.forget(init.holder());
      });
    },
  };
}
