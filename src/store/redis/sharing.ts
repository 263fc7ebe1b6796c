// What gateways tell each other of the providers' health, through a Redis: said to those that listen, and kept for those that come later, as long
// as it holds. While Redis is away nothing waits for it; what was said meanwhile is told when it is back.

import type { RedisClient } from "bun";
import type { News, OpenSharing } from "../../gateway/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { openLink } from "./link.ts";

interface SharingInit {
  url: string;
  clock: Pick<Clock, "after" | "monotonicMs">;
  /** Null for what is none of ours. */
  read: (value: unknown) => News | null;
  /** Told once for each time that it begins to fail. */
  onFault: (error: Error) => void;
  onRecovery: () => void;
}

interface Said {
  news: News;
  atMs: number;
}

const CHANNEL = "tokligence:health";
const FINDING = "tokligence:health:finding:";
const CONTROLS = "tokligence:health:controls";
const SCANNED_AT_ONCE = "1000";
/** What waits for Redis to come back; the oldest go first. */
const MOST_WAITING = 1_000;

export function shareByRedis({ url, clock, read, onFault, onRecovery }: SharingInit): OpenSharing {
  return (hear) => {
    const from = crypto.randomUUID();
    /** Oldest first. */
    const waiting: Said[] = [];

    const wait = (said: Said): void => {
      waiting.push(said);
      waiting.sort((left, right) => left.atMs - right.atMs);
      if (waiting.length > MOST_WAITING) waiting.shift();
    };

    const send = async (client: RedisClient, { news, atMs }: Said): Promise<void> => {
      const now = grown(news, clock.monotonicMs() - atMs);
      if (now === null) return;
      await keep(client, now, read);
      await client.publish(CHANNEL, JSON.stringify({ from, news: now }));
    };

    /** Told once more where nobody knows that it arrived. */
    const sendOrWait = (client: RedisClient, said: Said): Promise<void> =>
      send(client, said).catch((error: unknown) => {
        wait(said);
        throw error;
      });

    const link = openLink({
      url,
      clock,
      channel: CHANNEL,
      hear(message) {
        const said = parse(message);
        const news = said?.from === from ? null : read(said?.news);
        if (news !== null) hear(news);
      },
      async opened(client) {
        for (let [next] = waiting; next !== undefined; [next] = waiting) {
          await send(client, next);
          if (waiting[0] === next) waiting.shift();
        }
        for (const news of await recall(client, read)) hear(news);
      },
      onFault,
      onRecovery,
    });

    return {
      tell(news) {
        const said = { news, atMs: clock.monotonicMs() };
        if (link.client() === null) return wait(said);
        link.use((client) => sendOrWait(client, said));
      },
      isConnected: () => link.client() !== null,
      stop: link.stop,
    };
  };
}

/** As it is after so long; null where it holds no more. */
function grown(news: News, ageMs: number): News | null {
  if (news.kind !== "finding" || news.finding.forMs === null) return news;
  const forMs = Math.round(news.finding.forMs - ageMs);
  return forMs <= 0 ? null : { ...news, finding: { ...news.finding, forMs } };
}

/** For those that come later. */
async function keep(client: RedisClient, news: News, read: SharingInit["read"]): Promise<void> {
  switch (news.kind) {
    case "control":
      await client.send("HSET", [CONTROLS, print(news.put), JSON.stringify(news)]);
      return;
    case "finding": {
      const { finding } = news;
      const key = FINDING + finding.kind + print(finding);
      if (finding.forMs === null) await client.send("DEL", [key]);
      else await client.send("SET", [key, JSON.stringify(news), "PX", String(Math.max(1, finding.forMs))]);
      return;
    }
    case "lift":
      await forget(client, { where: CONTROLS, read }, news);
      return;
    case "reset":
      await forget(client, { where: FINDING, read }, news);
      return;
    default:
      news satisfies never;
  }
}

/** All that the name covers: null stands for all. */
async function forget(client: RedisClient, shelf: Shelf, { name }: { name: Name }): Promise<void> {
  const covers = (other: Name): boolean =>
    name.provider === other.provider &&
    (name.account === null || name.account === other.account) &&
    (name.model === null || name.model === other.model);
  for (const { key, news } of await list(client, shelf)) {
    const other = news.kind === "control" ? news.put : news.kind === "finding" ? news.finding : null;
    if (other === null || !covers(other)) continue;
    const isControl = shelf.where === CONTROLS;
    await client.send(isControl ? "HDEL" : "DEL", isControl ? [CONTROLS, key] : [key]);
  }
}

type Name = Extract<News, { kind: "lift" }>["name"];

async function recall(client: RedisClient, read: SharingInit["read"]): Promise<News[]> {
  const found = [...(await list(client, { where: CONTROLS, read })), ...(await list(client, { where: FINDING, read }))];
  const all = await Promise.all(
    found.map(async ({ key, news }) => {
      if (news.kind !== "finding") return [news];
      const leftMs = Number(await client.send("PTTL", [key]));
      return leftMs > 0 ? [{ ...news, finding: { ...news.finding, forMs: leftMs } }] : [];
    }),
  );
  return all.flat();
}

interface Shelf {
  where: typeof CONTROLS | typeof FINDING;
  read: SharingInit["read"];
}

async function list(client: RedisClient, { where, read }: Shelf): Promise<{ key: string; news: News }[]> {
  const pairs = where === CONTROLS ? await readHash(client) : await readKeys(client);
  return pairs.flatMap(([key, text]) => {
    const news = read(parse(text));
    return news === null ? [] : [{ key, news }];
  });
}

async function readHash(client: RedisClient): Promise<[string, string][]> {
  const found: unknown = await client.send("HGETALL", [CONTROLS]);
  // A map in the newer protocol, a list in the older one.
  if (Array.isArray(found)) {
    return found.flatMap((key, index): [string, string][] =>
      index % 2 === 0 ? [[String(key), String(found[index + 1])]] : [],
    );
  }
  return Object.entries((found ?? {}) as Record<string, string>);
}

async function readKeys(client: RedisClient): Promise<[string, string][]> {
  const pairs: [string, string][] = [];
  let cursor = "0";
  do {
    const found: unknown = await client.send("SCAN", [cursor, "MATCH", `${FINDING}*`, "COUNT", SCANNED_AT_ONCE]);
    const [next, keys] = Array.isArray(found) ? (found as [unknown, string[]]) : ["0", []];
    for (const key of keys) {
      const text = await client.get(key);
      if (text !== null) pairs.push([key, text]);
    }
    cursor = String(next);
  } while (cursor !== "0");
  return pairs;
}

function print({ provider, account, model }: Name): string {
  return JSON.stringify([provider, account, model]);
}

function parse(text: string): { from?: unknown; news?: unknown } | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
