// A Redis that is only looked at: whether it answers, how quickly, and what its clock says. Knows nothing of what lies in it.

import { RedisClient } from "bun";
import { explainRedis } from "./explain.ts";

export interface RedisFacts {
  /** As the server writes it; null where it does not tell. */
  version: string | null;
  latencyMs: number;
  /** How far its clock is ahead of ours. */
  skewMs: number;
  /** What it throws away when it is full; null where it does not tell. */
  eviction: string | null;
}

const QUESTIONS = 3;
const PATIENCE_MS = 2_000;

/** Rejects where it cannot be reached, or does not answer in time. */
export async function glanceAtRedis(url: string): Promise<RedisFacts> {
  const client = new RedisClient(url, {
    autoReconnect: false,
    enableOfflineQueue: false,
    connectionTimeout: PATIENCE_MS,
  });
  try {
    await within(client.connect()).catch(async (error: unknown) => {
      throw await explainRedis(url, error);
    });
    let latencyMs = Number.POSITIVE_INFINITY;
    let skewMs = 0;
    for (let asked = 0; asked < QUESTIONS; asked++) {
      const [wall, from] = [Date.now(), performance.now()];
      const [seconds, micros] = (await within(client.send("TIME", []))) as [string, string];
      const tookMs = performance.now() - from;
      if (tookMs >= latencyMs) continue;
      latencyMs = tookMs;
      skewMs = Math.round(Number(seconds) * 1000 + Number(micros) / 1000 - (wall + tookMs / 2));
    }
    const info = String(await within(client.send("INFO", [])).catch(() => ""));
    return {
      version: /^redis_version:(\S+)/mu.exec(info)?.[1] ?? null,
      eviction: /^maxmemory_policy:(\S+)/mu.exec(info)?.[1] ?? null,
      latencyMs: Math.round(latencyMs * 10) / 10,
      skewMs,
    };
  } finally {
    client.close();
  }
}

function within<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
