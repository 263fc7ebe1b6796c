// Counts limits in a Redis, for all gateways that know it. Where it is away or slow, this process counts by itself: what it was told last it knows.
// Places among requests at once are leased: those of a gateway that died are free again when their lease ends.

import type { RedisClient } from "bun";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Counters, MemoryCounters, Need, Seen, Verdict } from "../../gateway/limit/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { type Count, createGroupClient } from "./limit-group.ts";
import { look, nameLimit } from "./limit-look.ts";
import { createOwed } from "./limit-owed.ts";
import { ADJUST, RENEW } from "./limit-script.ts";
import { openLink } from "./link.ts";

interface LimitsInit {
  url: string;
  clock: Pick<Clock, "after">;
  /** The insurance. */
  memory: MemoryCounters;
  /** A call waits for Redis no longer than this. */
  deadlineMs?: number;
  /** How long a place is taken without a sign of life; such signs are given thrice in that time. */
  leaseMs?: number;
  /** Told once for each time that it begins to fail. */
  onFault: (error: Error) => void;
  onRecovery: () => void;
}

export interface RedisCounters extends Counters {
  isConnected(): boolean;
}

const CHANNEL = "tokligence:limits";
export const DEADLINE_MS = 4;
/** Nor does whoever only looks wait longer than this. */
const LOOK_MS = 5_000;
/** One that was slow is not asked for so long; then it is tried by a question that nobody waits for. */
const REST_MS = 500;
/** So often in a row it is late before that is told: what lasts no longer is a busy moment. */
const LATE_TOLD = 4;
const LEASE_MS = 15_000;
const WINDOW_S = "60";
const MOST_KEYS = 500;
/** Between our clock and that of Redis lies the way there. */
const MARGIN_MS = 50;

export function createRedisCounters(init: LimitsInit): RedisCounters {
  const { url, clock, memory, onFault, onRecovery, deadlineMs = DEADLINE_MS, leaseMs = LEASE_MS } = init;
  const limiters = new Map<string, RateLimiterRedis>();
  const groups = createGroupClient();
  /** Of each key, the ids of the places that this process holds. */
  const leases = new Map<string, string[]>();
  const owed = createOwed(Number(WINDOW_S));
  let isResting = false;
  let timesLate = 0;
  let isFaulty = false;
  let isStopped = false;
  let callOffRest: (() => void) | null = null;
  let callOffRenewal: (() => void) | null = null;

  const fault = (error: Error): void => {
    if (!isFaulty) onFault(error);
    isFaulty = true;
  };
  const recover = (): void => {
    if (isFaulty) onRecovery();
    isFaulty = false;
  };

  const link = openLink({
    url,
    clock,
    channel: CHANNEL,
    hear: () => undefined,
    // What was let in meanwhile is known there from now on.
    async opened(client) {
      await renew(client);
      await owed.pay(client);
    },
    onFault: fault,
    onRecovery() {
      // And what was let in while that was told.
      link.use(owed.pay);
      recover();
    },
  });

  const rest = (cause: Error): void => {
    if (isResting || isStopped) return;
    isResting = true;
    if (++timesLate >= LATE_TOLD) fault(cause);
    callOffRest = clock.after(REST_MS, () => {
      const question = link.client()?.send("PING", []) ?? Promise.resolve();
      within(question).then(
        () => {
          link.use(owed.pay);
          isResting = false;
        },
        (error: unknown) => {
          isResting = false;
          rest(error instanceof Error ? error : explainLate(deadlineMs));
        },
      );
    });
  };

  /** Rejects after the deadline. What Redis has answered by then is heard first, however late this process comes to look. */
  const within = <T>(work: Promise<T>, ms = deadlineMs): Promise<T> => {
    const { promise, reject } = Promise.withResolvers<never>();
    const cancel = clock.after(ms, () => {
      setImmediate(() => reject(explainLate(ms)));
    });
    work.then(cancel, cancel);
    return Promise.race([work, promise]);
  };

  const limiterOf = (need: Need): RateLimiterRedis => {
    const name = nameLimit(need);
    // Made at the same time, and set to the same limit.
    const insurance = memory.limiterOf(need);
    let limiter = limiters.get(name);
    if (limiter === undefined) {
      limiter = new RateLimiterRedis({
        storeClient: groups.client,
        keyPrefix: name,
        points: need.most,
        duration: Number(WINDOW_S),
        insuranceLimiter: insurance,
      });
      limiters.set(name, limiter);
    }
    limiter.points = need.most;
    return limiter;
  };

  const renew = async (client: RedisClient): Promise<void> => {
    const held = [...leases].flatMap(([key, ids]) => ids.map((id) => ({ key, id })));
    for (let start = 0; start < held.length; start += MOST_KEYS) {
      const part = held.slice(start, start + MOST_KEYS);
      const keys = part.map(({ key }) => key);
      await client.send("EVAL", [RENEW, String(keys.length), ...keys, String(leaseMs), ...part.map(({ id }) => id)]);
    }
  };

  const planRenewal = (): void => {
    callOffRenewal = clock.after(leaseMs / 3, () => {
      if (leases.size > 0) link.use(renew);
      planRenewal();
    });
  };
  planRenewal();

  const lease = (need: Need, id: string): void => {
    const key = nameKey(need);
    const ids = leases.get(key);
    if (ids === undefined) leases.set(key, [id]);
    else ids.push(id);
  };

  const leave = (need: Need): void => {
    memory.leave(need);
    const key = nameKey(need);
    const ids = leases.get(key) ?? [];
    const id = ids.pop();
    if (ids.length === 0) leases.delete(key);
    if (id !== undefined) link.use((client) => client.send("ZREM", [key, id]));
  };

  const adjustShared = (need: Need, by: number, leftMs: number | null): void => {
    const left = leftMs === null ? "" : String(Math.round(leftMs));
    link.use((client) => client.send("EVAL", [ADJUST, "1", nameKey(need), String(Math.round(by)), WINDOW_S, left]));
  };

  /** What came too late was counted by us; a place that we gave meanwhile is held there under the same id. */
  const undo = (needs: readonly Need[], ids: readonly string[]): void => {
    for (const [index, need] of needs.entries()) {
      const [key, id] = [nameKey(need), ids[index] ?? ""];
      if (need.unit !== "slots") adjustShared(need, -need.amount, null);
      else if (leases.get(key)?.includes(id) !== true) link.use((client) => client.send("ZREM", [key, id]));
    }
  };

  const take = async (client: RedisClient, needs: readonly Need[]): Promise<Verdict> => {
    const ids = needs.map(({ unit }) => (unit === "slots" ? crypto.randomUUID() : ""));
    const { group, asked } = groups.open((own) =>
      needs.map((need, index) => {
        if (need.unit !== "slots") return limiterOf(need).consume(need.subject, need.amount).then(see(need), see(need));
        const id = ids[index] ?? "";
        return own.enter(nameKey(need), { most: need.most, leaseMs, id }).then(seeCount(need), () => enterHere(need));
      }),
    );
    const all = Promise.all(asked);
    const failure = await group.send(client, within, () => undo(needs, ids));
    const isShared = failure === null;
    if (failure === null) {
      timesLate = 0;
      recover();
    } else rest(failure);
    const seen = await all;
    const isTaken = !seen.some(({ isOver }) => isOver);
    if (!isShared) return { isTaken, isShared, seen: isTaken ? keepHere(seen, ids) : seen.map(giveBackHere) };
    const told = isTaken ? seen : seen.map(withoutOwn);
    if (isTaken) for (const [index, each] of seen.entries()) keepShared(each, ids[index] ?? "");
    for (const each of told) memory.learn(each);
    return { isTaken, isShared, seen: told };
  };

  const keepShared = (seen: Seen, id: string): void => {
    if (seen.need.unit !== "slots") return;
    memory.enter(seen.need, true);
    lease(seen.need, id);
  };

  const keepOne = ({ need, endsMs }: Seen, id: string): void => {
    if (need.unit === "slots") lease(need, id);
    else owed.add(nameKey(need), need.amount, endsMs);
  };

  /** Told to Redis once it can be. */
  const keepHere = (seen: Seen[], ids: readonly string[]): Seen[] => {
    for (const [index, each] of seen.entries()) keepOne(each, ids[index] ?? "");
    return seen;
  };

  const enterHere = (need: Need): Seen => {
    const isIn = memory.enter(need);
    return { need, used: memory.held(need), endsMs: null, isOver: !isIn };
  };

  const giveBackHere = (seen: Seen): Seen => {
    const { need, isOver, used } = seen;
    if (need.unit !== "slots") memory.adjust(seen, -need.amount, false);
    else if (isOver) return seen;
    else memory.leave(need);
    return { ...seen, used: used - need.amount };
  };

  return {
    isConnected: () => link.client() !== null && !isResting,
    async take(needs) {
      const client = link.client();
      if (client !== null && !isResting) return take(client, needs);
      const verdict = await memory.take(needs);
      if (verdict.isTaken) for (const each of verdict.seen) keepOne(each, crypto.randomUUID());
      return verdict;
    },
    adjust(seen, by, isShared) {
      if (by === 0 || seen.need.unit === "slots") return;
      memory.adjust(seen, by, false);
      const leftMs = seen.endsMs === null ? null : seen.endsMs - Date.now();
      const isCurrent = leftMs === null || leftMs > MARGIN_MS;
      const isAway = link.client() === null || isResting;
      if (isAway && !isShared) owed.add(nameKey(seen.need), by, seen.endsMs);
      else if (by > 0 || isCurrent) adjustShared(seen.need, by, by > 0 ? null : leftMs);
    },
    leave,
    look(limit, units) {
      const client = link.client();
      if (client === null || isResting) return memory.look(limit, units);
      const found = Promise.all(units.map((unit) => look(client, { limit, unit })));
      return within(found, LOOK_MS).then(
        (figures) => figures.flat(),
        () => memory.look(limit, units),
      );
    },
    keep(names) {
      for (const name of limiters.keys()) if (!names.has(name.slice(name.lastIndexOf(":") + 1))) limiters.delete(name);
      memory.keep(names);
    },
    stop() {
      isStopped = true;
      callOffRest?.();
      callOffRenewal?.();
      link.stop();
    },
  };
}

function explainLate(deadlineMs: number): Error {
  return new Error(`Redis did not answer within ${deadlineMs} ms.`);
}

/** As the library makes it of its prefix. */
function nameKey(need: Need): string {
  return `${nameLimit(need)}:${need.subject}`;
}

function see(need: Need): (result: unknown) => Seen {
  return (result) => {
    if (!(result instanceof RateLimiterRes)) throw result;
    const { consumedPoints: used, msBeforeNext } = result;
    return { need, used, endsMs: Date.now() + msBeforeNext, isOver: need.amount > 0 && used > need.most };
  };
}

function seeCount(need: Need): (count: Count) => Seen {
  return ([used]) => ({ need, used, endsMs: null, isOver: used > need.most });
}

function withoutOwn(seen: Seen): Seen {
  return seen.isOver ? { ...seen, used: seen.used - seen.need.amount } : seen;
}
