// One question to Redis for all limits of a call, in the shape that the limiter library knows a client by: what it asks for in one go is sent as
// one script. Knows no limit and no deadline.

import type { RedisClient } from "bun";
import { SLOT, TAKE, WINDOW } from "./limit-script.ts";

/** What is used, and the milliseconds until the window ends. */
export type Count = readonly [used: number, leftMs: number];

export interface Group {
  /** A place among those at once. */
  enter(key: string, place: { most: number; leaseMs: number; id: string }): Promise<Count>;
  /** Asks. Resolves once all promises of the group are settled, with why they were not answered, else null; `late` then hears of an answer that came too late. */
  send(
    client: RedisClient,
    within: (work: Promise<unknown>) => Promise<unknown>,
    late: () => void,
  ): Promise<Error | null>;
}

export interface GroupClient {
  /** What the library takes for its connection. */
  client: object;
  /** All that `ask` makes the library ask for belongs to one group. */
  open<T>(ask: (group: Group) => T): { group: Group; asked: T };
}

interface Pending {
  key: string;
  args: readonly string[];
  resolve: (count: Count) => void;
  reject: (error: unknown) => void;
}

export function createGroupClient(): GroupClient {
  let current: Pending[] | null = null;

  const add = (into: Pending[], key: string, args: readonly string[]): Promise<Count> =>
    new Promise((resolve, reject) => into.push({ key, args, resolve, reject }));

  const client = {
    defineCommand: () => undefined,
    /** Key, points, seconds, limit and the limiter's own seconds. */
    rlflxIncr([key = "", amount = "", seconds = "", most = ""]: string[]): Promise<Count> {
      if (current === null) return Promise.reject(new Error("Asked outside of a group."));
      return add(current, key, [WINDOW, amount, most, seconds, ""]);
    },
  };

  return {
    client,
    open(ask) {
      const pending: Pending[] = [];
      const group: Group = {
        enter: (key, { most, leaseMs, id }) => add(pending, key, [SLOT, "1", String(most), String(leaseMs), id]),
        send: (redis, within, late) => sendAll(redis, pending, within, late),
      };
      current = pending;
      try {
        return { group, asked: ask(group) };
      } finally {
        current = null;
      }
    },
  };
}

async function sendAll(
  redis: RedisClient,
  pending: readonly Pending[],
  within: (work: Promise<unknown>) => Promise<unknown>,
  late: () => void,
): Promise<Error | null> {
  const keys = pending.map(({ key }) => key);
  let isLate = false;
  const work = redis.send("EVAL", [TAKE, String(keys.length), ...keys, ...pending.flatMap(({ args }) => args)]);
  work
    .then((answer) => {
      if (isLate && isTaken(pending, answer)) late();
    })
    .catch(() => undefined);
  try {
    const answer = await within(work);
    const counts = readCounts(answer, pending.length);
    for (const [index, { resolve }] of pending.entries()) resolve(counts[index] ?? [0, 0]);
    return null;
  } catch (error) {
    isLate = true;
    for (const { reject } of pending) reject(error);
    return error instanceof Error ? error : new Error(String(error));
  }
}

function isTaken(pending: readonly Pending[], answer: unknown): boolean {
  return readCounts(answer, pending.length).every(([used], index) => {
    const [, amount, most] = pending[index]?.args ?? [];
    return amount === "0" || used <= Number(most);
  });
}

function readCounts(answer: unknown, length: number): Count[] {
  if (!Array.isArray(answer) || answer.length !== length) throw new Error("Redis gave no count of the limits.");
  return answer.map((pair: unknown): Count => {
    const [used, leftMs] = Array.isArray(pair) ? pair.map(Number) : [];
    if (used === undefined || leftMs === undefined) throw new Error("Redis gave no count of a limit.");
    return [used, leftMs];
  });
}
