// Stands before the gateway's way with a call: gives an answer again where it is there already, and keeps what comes where that is allowed. With
// nothing of it on, a call goes through untouched. Knows no format.

import type { LedgerEntry } from "../../ledger/index.ts";
import type { Call, GatewayTools } from "../call.ts";
import { handleCall } from "../handle.ts";
import { narrowScene } from "../narrow.ts";
import { type Asked, readAsked } from "./asked.ts";
import { watchRow } from "./book.ts";
import type { AnswerCache } from "./cache.ts";
import { type Place, findPlace } from "./key.ts";
import { cleanStream, giveAgain, isEvents, isStream, pickHeaders } from "./replay.ts";
import { type CacheRules, type CacheWish, readWish } from "./rules.ts";
import { nameRequest, readName } from "./sharing.ts";
import { readSaved } from "./store.ts";

/** Throws what `handleCall` throws. */
export function handleReusable(call: Call, tools: GatewayTools): Promise<Response> {
  const scene = tools.scene();
  const name = scene.sharing.isOn ? readName(call.headers) : null;
  const rules = tools.cache === null ? null : scene.cache.rules;
  return name === null && rules === null ? handleCall(call, tools) : look(call, tools, { name, rules });
}

interface Look {
  /** By which its client names it. */
  name: string | null;
  rules: CacheRules | null;
}

async function look(call: Call, tools: GatewayTools, { name, rules }: Look): Promise<Response> {
  const read = await readAsked(call);
  if (read.asked === null) return handleCall(read.call, tools);
  const { cache } = tools;
  const answer = (asked: Asked, own: GatewayTools): Promise<Response> =>
    cache === null || rules === null ? handleCall(asked.call, own) : answerCached(asked, own, { cache, rules });
  const { asked } = read;
  if (name === null) return answer(asked, tools);
  return tools.sharing.run(asked, tools, nameRequest(asked, name), (signal, own) =>
    answer({ ...asked, call: { ...asked.call, signal } }, own),
  );
}

interface Keeping {
  cache: AnswerCache;
  /** Where its route says nothing else. */
  rules: CacheRules;
}

async function answerCached(asked: Asked, tools: GatewayTools, { cache, rules }: Keeping): Promise<Response> {
  const wish = readWish(asked.call.headers);
  const place =
    wish.reads || wish.writes
      ? findPlace(asked, narrowScene(tools.scene(), asked.call.caller.limits), rules)
      : "bypass";
  if (place === "off") return handleCall(asked.call, tools);
  if (place === "bypass") {
    cache.passed("bypass");
    return mark(await handleCall(asked.call, tools), "bypass");
  }
  if (wish.reads) {
    const looking = cache.find(place.key, Math.min(wish.maxAgeMs, place.rules.ttlMs));
    const found = looking instanceof Promise ? await looking : looking;
    if (found !== null) {
      const response = await giveAgain(asked, tools, { kind: "cache", found });
      cache.hit(found.saved);
      return response;
    }
    cache.missed();
  } else cache.passed("refresh");
  return keepAnswer(asked, tools, { cache, place, wish });
}

async function keepAnswer(
  { call }: Asked,
  tools: GatewayTools,
  { cache, place: { key, rules }, wish }: { cache: AnswerCache; place: Place; wish: CacheWish },
): Promise<Response> {
  let row: LedgerEntry | null = null;
  const watched = watchRow(tools, call, (booked) => (row = booked));
  const response = mark(await handleCall(call, watched), wish.reads ? "miss" : "refresh");
  if (!wish.writes || response.status !== 200 || response.body === null) return response;
  const { headers } = response;
  const keep = (bytes: Uint8Array<ArrayBuffer>): void => {
    // Cut short, or refused in the middle: no answer at all.
    if (row === null || row.errorKind !== null || row.status !== 200) return;
    const { id, modelServed } = row;
    const answer = { from: id, modelServed, saved: readSaved(row), headers: pickHeaders(headers) };
    const body = isEvents(headers) ? cleanStream(bytes) : bytes;
    cache.keep(key, { ...answer, storedMs: tools.clock.wallMs(), body }, rules.ttlMs);
  };
  if (isStream(headers)) return new Response(collect(response.body, rules.maxEntryBytes, keep), { headers });
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.byteLength <= rules.maxEntryBytes) keep(bytes);
  return new Response(bytes, { headers });
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
