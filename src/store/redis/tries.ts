// Counts tries to get in for all gateways that know the Redis. While it is away or slow, this process goes by what it has seen itself, which it always counts,
// too. Knows no door.

import type { RedisClient } from "bun";
import type { Tried, Tries, TryRule } from "../../identity/tries.ts";
import type { Clock } from "../../lib/clock.ts";
import { openLink } from "./link.ts";

interface TriesInit {
  url: string;
  clock: Pick<Clock, "after" | "monotonicMs">;
  /** What this process counts by itself. */
  memory: Tries;
  /** Whoever is refused waits for Redis no longer than this. */
  deadlineMs?: number;
  /** Told once for each time that it begins to fail. */
  onFault: (error: Error) => void;
  onRecovery: () => void;
}

const CHANNEL = "tokligence:tries";
const PREFIX = "tokligence:{tries}";
const DEADLINE_MS = 50;
/** One that was slow is not asked for so long. */
const REST_MS = 1_000;

/** KEYS: a window; ARGV: its milliseconds. Answers with how many there are, and what is left of it. */
const COUNT = `
local used = redis.call('INCR', KEYS[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return {used, redis.call('PTTL', KEYS[1])}
`;

const FORGIVE = `
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
return 1
`;

export function createRedisTries(init: TriesInit): Tries & { isConnected(): boolean } {
  const { url, clock, memory, onFault, onRecovery, deadlineMs = DEADLINE_MS } = init;
  let restsUntilMs = 0;
  const link = openLink({
    url,
    clock,
    channel: CHANNEL,
    hear: () => undefined,
    opened: () => Promise.resolve(),
    onFault,
    onRecovery,
  });

  const client = (): RedisClient | null => (clock.monotonicMs() < restsUntilMs ? null : link.client());

  /** Null where it did not answer in time. */
  const within = async (work: Promise<unknown>): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<null>();
    const cancel = clock.after(deadlineMs, () => resolve(null));
    const answer = await Promise.race([work.catch(() => null), promise]);
    cancel();
    if (answer === null) restsUntilMs = clock.monotonicMs() + REST_MS;
    return answer;
  };

  return {
    isConnected: () => client() !== null,
    async count(rule, subject) {
      const own = await memory.count(rule, subject);
      const asked = client()?.send("EVAL", [COUNT, "1", nameKey(rule, subject), String(rule.windowS * 1_000)]);
      const shared = asked === undefined ? null : readTried(await within(asked));
      return shared !== null && shared.used > own.used ? shared : own;
    },
    async forgive(rule, subject) {
      await memory.forgive(rule, subject);
      link.use((each) => each.send("EVAL", [FORGIVE, "1", nameKey(rule, subject)]));
    },
    stop() {
      memory.stop();
      link.stop();
    },
  };
}

function nameKey({ name }: TryRule, subject: string): string {
  return `${PREFIX}:${name}:${subject}`;
}

function readTried(answer: unknown): Tried | null {
  if (!Array.isArray(answer)) return null;
  const [used, leftMs] = answer.map(Number);
  return used === undefined || leftMs === undefined ? null : { used, leftMs: Math.max(0, leftMs) };
}
