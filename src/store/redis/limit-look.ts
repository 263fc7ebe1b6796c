// What a Redis has counted of a limit, for whoever looks at it; and by which names. Counts nothing itself.

import type { RedisClient } from "bun";
import type { Figure, Need } from "../../gateway/limit/index.ts";
import { HELD } from "./limit-script.ts";

/** In braces: what one script touches lies on one node. */
const PREFIX = "tokligence:{limit}";
const MOST_SHOWN = 100;

/** What is counted under one limit; of many, some. */
export async function look(client: RedisClient, { limit, unit }: Pick<Need, "limit" | "unit">): Promise<Figure[]> {
  const prefix = `${nameLimit({ limit, unit })}:`;
  const keys = new Set<string>();
  let cursor = "0";
  do {
    const found: unknown = await client.send("SCAN", [cursor, "MATCH", `${prefix}*`, "COUNT", "1000"]);
    const [next, some] = Array.isArray(found) ? (found as [unknown, string[]]) : ["0", []];
    for (const key of some) keys.add(key);
    cursor = String(next);
  } while (cursor !== "0" && keys.size < MOST_SHOWN);
  const figures = [...keys].slice(0, MOST_SHOWN).map(async (key): Promise<Figure> => {
    const subject = key.slice(prefix.length);
    const nowMs = Date.now();
    if (unit === "slots") {
      const used = Number(await client.send("EVAL", [HELD, "1", key]));
      return { unit, subject, used, endsMs: null };
    }
    const [used, leftMs] = await Promise.all([client.get(key), client.send("PTTL", [key])]);
    return { unit, subject, used: Math.max(0, Number(used ?? 0)), endsMs: nowMs + Math.max(0, Number(leftMs)) };
  });
  return Promise.all(figures);
}

export function nameLimit({ limit, unit }: Pick<Need, "limit" | "unit">): string {
  return `${PREFIX}:${unit}:${limit}`;
}
