// Kills the executable again and again at random moments while clients of all kinds ask it, and holds what they and the provider saw against the
// books. Everything random comes from one seed.

import { Database } from "bun:sqlite";
import { join } from "node:path";
import type { SealedEntry } from "../../src/ledger/index.ts";
import { openStore } from "../../src/store/index.ts";
import { listSlots } from "../../src/store/journal/disk.ts";
import { issueKey, run, serve } from "./binary.ts";

export interface KillPlan {
  seed: number;
  kills: number;
  folder: string;
  /** Of the ledger; null for SQLite. */
  dsn: string | null;
  onKill?: (done: number) => void;
}

export interface KillReport {
  kills: number;
  /** Answers that a client had whole. */
  complete: number;
  /** Calls that reached the provider. */
  called: number;
  rows: number;
  interrupted: number;
  /** Request ids of complete answers that have not exactly one settled row. */
  unsettled: string[];
  /** Request ids of calls that the provider received and that have not exactly one row. */
  unbooked: string[];
  /** Request ids of rows that hold fewer attempts than the providers were called. */
  unlisted: string[];
  /** Request ids with several rows. */
  doubled: string[];
  openIntents: number;
  brokenChains: string[];
}

/** How a provider's answer ends. */
type Ending = "breaks" | "error" | "slow" | "whole";

const CLIENTS = 10;
const LONGEST_LIFE_MS = 250;

export async function killAgainAndAgain({ seed, kills, folder, dsn, onKill }: KillPlan): Promise<KillReport> {
  const random = makeRandom(seed);
  const provider = startProvider(random);
  const complete = new Set<string>();
  const env = nameLedger(dsn);
  const config = `log_level = error\nretry_backoff = 40ms\n[provider.scripted]\nbase_url = ${provider.url}/v1
[provider.second]\nbase_url = ${provider.url}/v1\n[routes]\nscripted* = scripted | second\n`;
  const init = { folder, env, config };
  let token = "";
  try {
    for (let done = 0; done < kills; done++) {
      const gateway = await serve(init);
      if (token === "") token = (await issueKey(gateway)).token;
      const clients = Array.from({ length: CLIENTS }, () => ask(gateway.url, { token, random, complete }));
      await Bun.sleep(random() * LONGEST_LIFE_MS);
      gateway.signal("SIGKILL");
      await gateway.exited;
      await Promise.all(clients);
      onKill?.(done + 1);
    }
    // What the last one left open is closed by the next, and delivered.
    const last = await serve(init);
    last.signal("SIGTERM");
    await last.exited;
  } finally {
    await provider.stop();
  }
  return { kills, ...(await judge(folder, dsn, complete, provider.called)) };
}

/** mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Counts what reaches it by the id that the client gave its request. */
function startProvider(random: () => number): { url: string; called: Map<string, number>; stop(): Promise<void> } {
  const called = new Map<string, number>();
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
  const base = { id: "chatcmpl-1", created: 1, model: "scripted-1" };
  const frame = (fields: object): string =>
    `data: ${JSON.stringify({ ...base, object: "chat.completion.chunk", ...fields })}\n\n`;
  const piece = frame({ choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }] });
  const end = `${frame({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}${frame({ choices: [], usage })}data: [DONE]\n\n`;
  async function* stream(ending: Ending) {
    for (let index = 0; index < 8; index++) {
      yield piece;
      if (ending === "slow") await Bun.sleep(random() * 10);
      if (ending === "breaks" && index === 4) return;
    }
    yield end;
  }
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    error: () => new Response(null, { status: 500 }),
    async fetch(request) {
      if (request.method === "GET") return Response.json({ object: "list", data: [] });
      const { user, stream: isStream } = (await request.json()) as { user: string; stream?: boolean };
      called.set(user, (called.get(user) ?? 0) + 1);
      const ending = pick<Ending>(random, ["whole", "whole", "whole", "slow", "error", "breaks"]);
      if (ending === "error") return Response.json({ error: { message: "no", type: "server_error" } }, { status: 500 });
      if (isStream === true) return new Response(stream(ending), { headers: { "content-type": "text/event-stream" } });
      if (ending === "slow") await Bun.sleep(random() * 50);
      const message = { role: "assistant", content: "word" };
      return Response.json({
        ...base,
        object: "chat.completion",
        choices: [{ index: 0, message, finish_reason: "stop" }],
        usage,
      });
    },
  });
  return { url: `http://127.0.0.1:${server.port}`, called, stop: () => server.stop(true) };
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

interface Client {
  token: string;
  random: () => number;
  complete: Set<string>;
}

/** Asks again and again until the server is gone; hangs up now and then. */
async function ask(url: string, { token, random, complete }: Client): Promise<void> {
  for (;;) {
    const id = `r-${Bun.randomUUIDv7()}`;
    const isStream = random() < 0.5;
    const presence = new AbortController();
    const leaves = random() < 0.15 ? setTimeout(() => presence.abort(), random() * 15) : undefined;
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "x-request-id": id },
        // The provider learns the request's id as the end user's name, which is handed on as it is.
        body: JSON.stringify({
          model: "scripted-1",
          user: id,
          stream: isStream,
          messages: [{ role: "user", content: "x" }],
        }),
        signal: presence.signal,
      });
      const text = await response.text();
      const isWhole = isStream ? text.endsWith("data: [DONE]\n\n") : text.endsWith("}");
      if (isWhole || response.status >= 400) complete.add(id);
    } catch {
      // It hung up, and goes on; or the server is gone, and the connection with it.
      if (!presence.signal.aborted) return;
    } finally {
      clearTimeout(leaves);
    }
  }
}

async function judge(
  folder: string,
  dsn: string | null,
  complete: ReadonlySet<string>,
  called: ReadonlyMap<string, number>,
): Promise<Omit<KillReport, "kills">> {
  const home = join(folder, "home");
  const rows = await readRows(join(home, "identity.db"), dsn ?? join(home, "ledger.db"));
  const byRequest = Map.groupBy(rows, ({ requestId }) => requestId);
  const hasOne = (id: string): boolean => byRequest.get(id)?.length === 1;
  const isSettled = (id: string): boolean => hasOne(id) && byRequest.get(id)?.[0]?.errorKind !== "interrupted";
  const path = join(home, dsn === null ? "ledger.db" : "outbox.db");
  const openIntents = findOpen(path);
  const waiting = dsn === null ? 0 : countIn(path, "ledger_entries");
  return {
    complete: complete.size,
    called: called.size,
    rows: rows.length,
    interrupted: rows.filter(({ errorKind }) => errorKind === "interrupted").length,
    unsettled: [...complete].filter((id) => !isSettled(id)),
    unbooked: [...called.keys()].filter((id) => !hasOne(id)),
    unlisted: rows.flatMap(({ requestId, attempts }) =>
      attempts.length < (called.get(requestId) ?? 0) ? [requestId] : [],
    ),
    doubled: [...byRequest].filter(([, found]) => found.length > 1).map(([id]) => id),
    openIntents: openIntents + waiting,
    brokenChains: await verify(folder, dsn),
  };
}

/** Calls that are under way by the books, and journals: after a stop in which nothing was open, none is left. */
export function findOpen(path: string): number {
  return countIn(path, "ledger_intents") + listSlots(path).length;
}

function countIn(path: string, table: string): number {
  const local = new Database(path, { readonly: true });
  const rows = local.query<{ rows: number }, []>(`select count(*) as rows from ${table}`).get()?.rows ?? -1;
  local.close();
  return rows;
}

export async function readRows(identityPath: string, ledgerPath: string): Promise<SealedEntry[]> {
  const database = { maxConnections: 4, maxIdleMs: 0, maxLifetimeMs: 0 };
  const store = await openStore({ identityPath, ledgerPath, database });
  const rows: SealedEntry[] = [];
  for (let cursor: string | null = null; ;) {
    const page = await store.ledger.page({}, 1_000, cursor);
    rows.push(...page.entries);
    cursor = page.nextCursor;
    if (cursor === null) break;
  }
  await store.close();
  return rows;
}

/** What the program itself finds wrong with its chains, in its words. */
export async function verify(folder: string, dsn: string | null): Promise<string[]> {
  const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home"), ...nameLedger(dsn) };
  const { code, out, err } = await run(["ledger", "verify", "--json"], { cwd: folder, env });
  return code === 0 ? [] : [`${out}${err}`];
}

function nameLedger(dsn: string | null): Record<string, string> {
  return dsn === null ? {} : { TOKLIGENCE_LEDGER_PATH: dsn };
}
