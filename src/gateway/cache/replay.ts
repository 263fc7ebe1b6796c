// Gives an answer again: its headers and bytes as they were, with what concerns this request alone made anew. Knows no format but what all streams
// of events have in common.

import { type ReuseKind, formatUsd } from "../../ledger/index.ts";
import type { GatewayTools } from "../call.ts";
import { admitAgain } from "./admit.ts";
import type { Repeat } from "./asked.ts";
import { type BookAside, bookAside } from "./book.ts";
import type { StoredAnswer } from "./store.ts";

/** Resolves once that is on the books. Rejects where a rate limit of the caller's is used up. */
export async function giveAgain(
  asked: Repeat,
  tools: GatewayTools,
  { kind, found }: { kind: ReuseKind; found: StoredAnswer },
): Promise<Response> {
  const book: BookAside = (aside) => bookAside(asked, tools, aside);
  const limits = await admitAgain(asked, tools, book);
  const { from, modelServed, saved } = found;
  await book({ reuse: { kind, from, saved }, modelServed, status: 200, errorKind: null });
  const { call, peek } = asked;
  call.letGo?.();
  const { clock } = tools;
  const word = kind === "cache" ? "hit" : "shared";
  const ageMs = clock.wallMs() - found.storedMs;
  return new Response(found.body, {
    headers: { ...makeHeaders({ call, clock, answer: found, word, stream: peek.stream, ageMs }), ...limits },
  });
}

/** Streams alone ask that nobody between us holds them back. */
export function isStream(headers: Headers): boolean {
  return headers.has("x-accel-buffering");
}

/** Streams of events may have comments in them. */
export function isEvents(headers: Headers): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") === true;
}

/** What of an answer's headers tells of the answer, and not of the call that it was made for. */
const KEPT = [
  "cache-control",
  "content-security-policy",
  "content-type",
  "x-accel-buffering",
  "x-content-type-options",
  "x-tokligence-dropped",
  "x-tokligence-model",
  "x-tokligence-provider",
  "x-tokligence-route",
];

export function pickHeaders(headers: Headers): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of KEPT) {
    const value = headers.get(name);
    if (value !== null) picked[name] = value;
  }
  return picked;
}

interface Again {
  call: Repeat["call"];
  clock: GatewayTools["clock"];
  answer: Pick<StoredAnswer, "headers" | "saved">;
  /** In `x-tokligence-cache`. */
  word: "hit" | "shared";
  stream: boolean;
  /** Null where it was not kept. */
  ageMs: number | null;
}

export function makeHeaders({ call, clock, answer, word, stream, ageMs }: Again): Record<string, string> {
  const overheadMs = clock.monotonicMs() - call.startedMs;
  const { costNanos } = answer.saved;
  const trace = call.headers.get("traceparent");
  return {
    ...answer.headers,
    "x-request-id": call.requestId,
    "request-id": call.requestId,
    "x-tokligence-attempts": "0",
    "x-tokligence-cache": word,
    "x-tokligence-overhead-ms": overheadMs.toFixed(2),
    "server-timing": `upstream;dur=0.0, gateway;dur=${overheadMs.toFixed(2)}`,
    ...(word === "shared" ? { "idempotent-replayed": "true" } : {}),
    ...(ageMs === null ? {} : { age: String(Math.max(0, Math.floor(ageMs / 1000))) }),
    ...(costNanos === null ? {} : { "x-tokligence-saved-usd": formatUsd(costNanos) }),
    ...(stream ? {} : { "x-tokligence-cost-usd": formatUsd(0) }),
    ...(trace === null ? {} : { traceparent: trace }),
  };
}

/** A frame of a stream of events that is a comment and nothing else. */
const COMMENTS = /(^|\n\n|\r\n\r\n|\r\r)((?::[^\r\n]*(?:\n\n|\r\n\r\n|\r\r))+)/gu;
const COST = /: x-tokligence-cost-usd: [^\r\n]*/u;

/** A stream's bytes as they are given again: without what was said of the call they were made for, which cost something. */
export function cleanStream(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder().decode(bytes);
  const clean = text.replace(COMMENTS, (_all, before: string, comments: string) =>
    COST.test(comments) ? `${before}: x-tokligence-cost-usd: ${formatUsd(0)}\n\n` : before,
  );
  return clean === text ? bytes : new TextEncoder().encode(clean);
}
