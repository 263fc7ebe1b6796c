// Stands before the gateway's way with a call: gives an answer again where it is there already, and keeps what comes where that is allowed. With
// the cache off a call goes through untouched. Knows no format.

import type { LedgerEntry } from "../../ledger/index.ts";
import type { Call, GatewayTools } from "../call.ts";
import { handleCall } from "../handle.ts";
import { type Asked, readAsked } from "./asked.ts";
import { bookReuse } from "./book.ts";
import type { AnswerCache } from "./cache.ts";
import { makeCacheKey } from "./key.ts";
import { cleanStream, makeHeaders, pickHeaders } from "./replay.ts";
import { type CacheRules, type CacheWish, cacheRulesFor, readWish } from "./rules.ts";
import { type StoredAnswer, readSaved } from "./store.ts";

/** Throws what `handleCall` throws. */
export async function handleCached(call: Call, tools: GatewayTools): Promise<Response> {
  const rules = tools.cache === null ? null : cacheRulesFor(tools.scene());
  if (tools.cache === null || rules === null) return handleCall(call, tools);
  const read = await readAsked(call);
  return read.asked === null ? handleCall(read.call, tools) : answer(read.asked, tools, { cache: tools.cache, rules });
}

interface Keeping {
  cache: AnswerCache;
  rules: CacheRules;
}

async function answer(asked: Asked, tools: GatewayTools, { cache, rules }: Keeping): Promise<Response> {
  const wish = readWish(asked.call.headers);
  const key = wish.reads || wish.writes ? makeCacheKey(asked, tools.scene(), rules.scope) : null;
  if (key === null) {
    cache.passed("bypass");
    return mark(await handleCall(asked.call, tools), "bypass");
  }
  if (wish.reads) {
    const looking = cache.find(key, Math.min(wish.maxAgeMs, rules.ttlMs));
    const found = looking instanceof Promise ? await looking : looking;
    if (found !== null) return giveAgain(asked, tools, { cache, found });
    cache.missed();
  } else cache.passed("refresh");
  return keepAnswer(asked, tools, { cache, rules, key, wish });
}

async function giveAgain(
  asked: Asked,
  tools: GatewayTools,
  { cache, found }: { cache: AnswerCache; found: StoredAnswer },
): Promise<Response> {
  const { from, modelServed, saved } = found;
  await bookReuse(asked, tools, { kind: "cache", from, saved, modelServed, status: 200, error: null });
  cache.hit(saved);
  const { call, peek } = asked;
  const ageMs = tools.clock.wallMs() - found.storedMs;
  const headers = makeHeaders({ call, clock: tools.clock, answer: found, word: "hit", stream: peek.stream, ageMs });
  return new Response(found.body, { headers });
}

async function keepAnswer(
  { call }: Asked,
  tools: GatewayTools,
  { cache, rules, key, wish }: Keeping & { key: string; wish: CacheWish },
): Promise<Response> {
  let row: LedgerEntry | null = null;
  const response = mark(
    await handleCall(
      call,
      watchRow(tools, (booked) => {
        // Its mirror has a row of its own.
        if (booked.id === call.id) row = booked;
      }),
    ),
    wish.reads ? "miss" : "refresh",
  );
  if (!wish.writes || response.status !== 200 || response.body === null) return response;
  const { headers } = response;
  const isEvents = headers.get("content-type")?.startsWith("text/event-stream") === true;
  const keep = (bytes: Uint8Array<ArrayBuffer>): void => {
    // Cut short, or refused in the middle: no answer at all.
    if (row === null || row.errorKind !== null || row.status !== 200) return;
    const { id, modelServed } = row;
    const answer = { from: id, modelServed, saved: readSaved(row), headers: pickHeaders(headers) };
    const body = isEvents ? cleanStream(bytes) : bytes;
    cache.keep(key, { ...answer, storedMs: tools.clock.wallMs(), body }, rules.ttlMs);
  };
  if (isStream(headers)) {
    return new Response(collect(response.body, rules.maxEntryBytes, keep), { headers });
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.byteLength <= rules.maxEntryBytes) keep(bytes);
  return new Response(bytes, { headers });
}

/** Tells of the row that the call is booked with, once it is durable. */
export function watchRow(tools: GatewayTools, tell: (row: LedgerEntry) => void): GatewayTools {
  const settled = (row: LedgerEntry): void => {
    tools.metrics.settled(row);
    tell(row);
  };
  return { ...tools, metrics: { ...tools.metrics, settled } };
}

/** Streams alone ask that nobody between us holds them back. */
export function isStream(headers: Headers): boolean {
  return headers.has("x-accel-buffering");
}

/** The same pieces; `keep` gets all of them once the stream has come to its end, unless they are too many. */
async function* collect(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
  keep: (bytes: Uint8Array<ArrayBuffer>) => void,
): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] | null = [];
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) pieces = null;
    pieces?.push(piece);
    yield piece;
  }
  if (pieces !== null) keep(new Uint8Array(Buffer.concat(pieces)));
}

function mark(response: Response, word: "bypass" | "miss" | "refresh"): Response {
  response.headers.set("x-tokligence-cache", word);
  return response;
}
