// Counts limits in this process's memory. Requests and tokens lie in windows of a minute that begin with the first of them; requests at once are
// plain numbers. The clock is the process's own, which the library reads by itself.

import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { type Counters, type Figure, MOST_SHOWN, type Need, type Seen, type Verdict } from "./counters.ts";
import { type LimitUnit, WINDOW_S } from "./model.ts";

export interface MemoryCounters extends Counters {
  /** The library's own limiter of a need, set to its limit: the insurance of a store that others share. */
  limiterOf(need: Need): RateLimiterMemory;
  /** What a shared store said last, so that it is known here once that is away; of requests at once elsewhere, for a moment. */
  learn(seen: Seen): void;
  /** A place among those at once; false where all are taken, unless they are `granted` elsewhere. */
  enter(need: Need, isGranted?: boolean): boolean;
  /** So many are held, as far as is known here. */
  held(need: Need): number;
}

/** Requests end at any time: how many others had under way is no news for long. */
const NEWS_MS = 2_000;

export function createMemoryCounters(): MemoryCounters {
  const limiters = new Map<string, RateLimiterMemory>();
  /** By limit, then by subject. */
  const slots = new Map<string, Map<string, number>>();
  /** What others hold, by limit and subject. */
  const elsewhere = new Map<string, { count: number; untilMs: number }>();
  /** One decision after the other: what is given back after a refusal must not stand in another one's way meanwhile. */
  let turn: Promise<unknown> = Promise.resolve();

  const limiterOf = ({ limit, unit, most }: Need): RateLimiterMemory => {
    const name = `${unit} ${limit}`;
    let limiter = limiters.get(name);
    if (limiter === undefined) {
      limiter = new RateLimiterMemory({ keyPrefix: "", points: most, duration: WINDOW_S });
      limiters.set(name, limiter);
    }
    // It may have been changed while its window lasts.
    limiter.points = most;
    return limiter;
  };

  const countOwn = ({ limit, subject }: Need): number => slots.get(limit)?.get(subject) ?? 0;

  const held = (need: Need): number => {
    const news = elsewhere.size === 0 ? undefined : elsewhere.get(nameSlot(need));
    return countOwn(need) + (news !== undefined && performance.now() < news.untilMs ? news.count : 0);
  };

  const learnSlots = (seen: Seen): void => {
    const count = seen.used - countOwn(seen.need);
    if (elsewhere.size >= MOST_NEWS) elsewhere.clear();
    if (count > 0) elsewhere.set(nameSlot(seen.need), { count, untilMs: performance.now() + NEWS_MS });
    else elsewhere.delete(nameSlot(seen.need));
  };

  const enter: MemoryCounters["enter"] = (need, isGranted = false) => {
    if (!isGranted && held(need) >= need.most) return false;
    const count = countOwn(need);
    let own = slots.get(need.limit);
    if (own === undefined) slots.set(need.limit, (own = new Map()));
    own.set(need.subject, count + 1);
    return true;
  };

  const leave = (need: Need): void => {
    const own = slots.get(need.limit);
    const count = countOwn(need) - 1;
    if (count > 0) own?.set(need.subject, count);
    else own?.delete(need.subject);
    if (own?.size === 0) slots.delete(need.limit);
  };

  const count = async (need: Need): Promise<Seen> => {
    if (need.unit !== "slots") return limiterOf(need).consume(need.subject, need.amount).then(see(need), see(need));
    const isIn = enter(need);
    return { need, used: held(need), endsMs: null, isOver: !isIn };
  };

  const decide = async (needs: readonly Need[]): Promise<Verdict> => {
    // All of them are counted before anybody else is.
    const seen = await Promise.all(needs.map(count));
    const isTaken = !seen.some(({ isOver }) => isOver);
    return { isTaken, isShared: false, seen: isTaken ? seen : seen.map(giveBack) };
  };

  const giveBack = (seen: Seen): Seen => {
    const { need, used, isOver } = seen;
    if (need.unit !== "slots") void limiterOf(need).reward(need.subject, need.amount);
    else if (isOver) return seen;
    else leave(need);
    return { ...seen, used: used - need.amount };
  };

  return {
    limiterOf,
    held,
    enter,
    leave,
    take(needs) {
      const own = turn.then(() => decide(needs));
      turn = own.catch(() => undefined);
      return own;
    },
    learn(seen) {
      const { need, used, endsMs } = seen;
      if (need.unit === "slots") return learnSlots(seen);
      const leftMs = (endsMs ?? 0) - Date.now();
      if (leftMs > 0) void limiterOf(need).set(need.subject, used, leftMs / 1000);
    },
    adjust(seen, by) {
      const { need } = seen;
      if (need.unit === "slots" || by === 0) return;
      if (by > 0) void limiterOf(need).penalty(need.subject, by);
      else void returnTo(limiterOf(need), seen, -by);
    },
    look: (limit, units) =>
      Promise.resolve(units.flatMap((unit) => show(unit, limiters.get(`${unit} ${limit}`), slots.get(limit)))),
    keep(names) {
      for (const name of limiters.keys()) if (!names.has(name.slice(name.indexOf(" ") + 1))) limiters.delete(name);
    },
    stop: () => undefined,
  };
}

/** Nothing of a window that is over may come back in the next one, whatever became of the clock: two of them end a window's length apart. */
async function returnTo(limiter: RateLimiterMemory, { need, endsMs }: Seen, amount: number): Promise<void> {
  const now = await limiter.get(need.subject);
  if (now === null || now.msBeforeNext <= 0 || endsMs === null) return;
  const apartMs = Math.abs(Date.now() + now.msBeforeNext - endsMs);
  if (apartMs < (WINDOW_S * 1_000) / 2)
    void limiter.reward(need.subject, Math.min(amount, Math.max(0, now.consumedPoints)));
}

/** Of what others hold. */
const MOST_NEWS = 10_000;

function nameSlot({ limit, subject }: Need): string {
  return `${limit} ${subject}`;
}

/** Both what the library resolves with, and what it rejects with. */
function see(need: Need): (result: unknown) => Seen {
  return (result) => {
    if (!(result instanceof RateLimiterRes)) throw result;
    const { consumedPoints: used, msBeforeNext } = result;
    // By a clock that was set back the window would end much later than it does.
    const leftMs = Math.min(msBeforeNext, WINDOW_S * 1_000);
    return { need, used, endsMs: Date.now() + leftMs, isOver: need.amount > 0 && used > need.most };
  };
}

function show(
  unit: LimitUnit,
  limiter: RateLimiterMemory | undefined,
  slots: Map<string, number> | undefined,
): Figure[] {
  if (unit === "slots") {
    const all = [...(slots ?? [])].map(([subject, used]) => ({ unit, subject, used, endsMs: null }));
    return all.slice(0, MOST_SHOWN);
  }
  const now = Date.now();
  const { storage = [] } = limiter?.dump() ?? {};
  return storage
    .map(({ key, value, expiresAt }) => ({ unit, subject: String(key), used: Math.max(0, value), endsMs: expiresAt }))
    .filter(({ endsMs }) => endsMs !== null && endsMs > now)
    .slice(0, MOST_SHOWN);
}
