// The headers of an answer: who served it, at what cost, and how long each side took. Knows no format.

import type { JsonObject } from "../ir/index.ts";
import { formatUsd } from "../ledger/index.ts";
import type { Endpoint, Provider } from "../provider/index.ts";
import type { Call, GatewayTools, Scene } from "./call.ts";
import type { Plan } from "./plan.ts";
import type { CallRecord } from "./record.ts";
import type { Line } from "./send.ts";
import type { Deadlines } from "./way/deadline.ts";

/** All that is known of a call once the upstream has answered. */
export interface CallState {
  call: Call;
  tools: GatewayTools;
  scene: Scene;
  plan: Plan;
  record: CallRecord;
  line: Line;
  deadlines: Deadlines;
  /** The client's request. */
  body: JsonObject;
  upstream: Response;
  stream: boolean;
  /** Keeps the answer as the client has it; to be waited for before the client learns that it is complete. Null where it is not to be kept. */
  keep: ((answer: JsonObject, text: string) => Promise<unknown> | undefined) | null;
  /** What the provider makes in the background, as far as it is its own to make; null where the client waits for the answer. */
  elsewhere: Elsewhere | null;
  /** Whether an answer that is a refusal gives way to another provider's. */
  watchesRefusals: boolean;
  /** When the upstream was called, on the monotonic clock. */
  sentMs: number;
  /** Milliseconds spent waiting for the upstream. */
  upstreamMs: number;
}

/** Answers that the provider goes on making after it has answered. */
export interface Elsewhere {
  isOver(answer: JsonObject): boolean;
  /** Follows it to its end, and writes the row then: only then is it known what it cost. Never rejects. */
  watch(state: CallState, answer: JsonObject): Promise<void>;
}

/** The provider's credentials, and what of the client's headers it is to see. */
export function collectHeaders(
  call: Pick<Call, "caller" | "headers">,
  to: { provider: Provider; endpoint?: Pick<Endpoint, "headers" | "requestHeaders">; isForward: boolean },
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const { provider, endpoint, isForward } = to;
  const headers: Record<string, string> = { ...own, ...provider.headers, ...endpoint?.headers };
  hand(headers, provider.requestHeaders, call);
  if (endpoint?.requestHeaders !== undefined) hand(headers, endpoint.requestHeaders, call);
  if (isForward && provider.versionHeaders !== undefined) {
    for (const name of provider.versionHeaders) headers[name] = call.headers.get(name) ?? headers[name] ?? "";
  }
  return headers;
}

/** Of these a call may bear several; of all others, what the operator says stands. */
const IS_LIST = /^(?:tracestate|.+-beta)$/u;

/** The client's headers as they pass through: what the operator says stands, as it does in all other calls. */
export function layOver(given: Readonly<Record<string, string>>, provider: Provider): Record<string, string> {
  const headers = { ...given, ...provider.headers };
  for (const [name, value] of Object.entries(given)) {
    const own = provider.headers[name];
    if (own === undefined) continue;
    if (provider.versionHeaders?.includes(name) === true) headers[name] = value;
    else if (IS_LIST.test(name)) headers[name] = `${own},${value}`;
  }
  return headers;
}

/** What the client says in these is said to the provider, behind what is said there already. */
function hand(
  to: Record<string, string>,
  names: readonly string[],
  { caller, headers }: Pick<Call, "caller" | "headers">,
): void {
  for (const name of names) {
    const given = headers.get(name);
    if (given === null) continue;
    // One account upstream serves many keys here: what one calls its own must not meet another's.
    const value = name === "idempotency-key" ? `${caller.keyId}:${given}` : given;
    const before = to[name];
    if (before === undefined) to[name] = value;
    else if (IS_LIST.test(name)) to[name] = `${before},${value}`;
  }
}

/** Of a call, what its answer's headers tell. */
export type AnswerFacts = Pick<CallState, "record" | "stream" | "upstreamMs"> & {
  call: Pick<Call, "headers" | "requestId" | "startedMs">;
  tools: Pick<GatewayTools, "clock">;
  plan: Pick<Plan, "dropped" | "local" | "provider">;
  upstream: Pick<Response, "headers">;
};

/** `own` is set last. The cost stands in the headers of whole answers only: a stream's is not known yet. */
export function makeHeaders(state: AnswerFacts, own: Record<string, string>): Record<string, string> {
  const { call, plan, record, tools, upstream } = state;
  const headers: Record<string, string> = {};
  const passed = plan.provider.responseHeaders;
  const described = record.describe();
  // Where limits of ours are told of, the provider's are not to be taken for them.
  const isLimited = tellsAnyLimit(described);
  const rename = (name: string): string => (isLimited && tellsLimit(name) ? UPSTREAM + name : name);
  // As one object: stepping through them costs twice as much.
  const given = upstream.headers.toJSON();
  for (const name in given) {
    if (passed.some((start) => name.startsWith(start))) headers[rename(name)] = given[name] ?? "";
  }
  const overheadMs = tools.clock.monotonicMs() - call.startedMs - state.upstreamMs;
  headers["x-request-id"] = call.requestId;
  headers["request-id"] = call.requestId;
  for (const name in described) headers[name] = described[name] ?? "";
  headers["x-tokligence-cache"] = "off";
  headers["x-tokligence-overhead-ms"] = overheadMs.toFixed(2);
  headers["server-timing"] = `upstream;dur=${state.upstreamMs.toFixed(1)}, gateway;dur=${overheadMs.toFixed(2)}`;
  if (plan.dropped.length > 0) headers["x-tokligence-dropped"] = cleanHeader(plan.dropped.join(", "));
  if (plan.local !== undefined) headers["x-tokligence-count"] = "estimate";
  const trace = call.headers.get("traceparent");
  if (trace !== null) headers["traceparent"] = trace;
  if (!state.stream) {
    const price = record.price();
    if (price !== null) headers["x-tokligence-cost-usd"] = formatUsd(price.costNanos);
  }
  for (const name in own) headers[rename(name)] = own[name] ?? "";
  for (const name in NO_PAGE) headers[name] = NO_PAGE[name] ?? "";
  return headers;
}

/** Of a stream of events, which nobody between us is to keep or to hold back. */
export const EVENTS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache",
  "x-accel-buffering": "no",
};

/**
 * A key in the address brings an answer before a browser by a link alone. Whatever the provider calls it, it is no page of ours, and no script in it
 * runs beside our cookies.
 */
export const NO_PAGE: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; sandbox",
  "x-content-type-options": "nosniff",
};

/** Before a provider's headers that would stand where ours do. */
const UPSTREAM = "x-tokligence-upstream-";

function tellsAnyLimit(headers: Readonly<Record<string, string>>): boolean {
  for (const name in headers) if (tellsLimit(name)) return true;
  return false;
}

/** All of them have it in their names. */
function tellsLimit(name: string): boolean {
  return name.includes("ratelimit");
}

const UNPRINTABLE = /[^\x20-\x7e]/gu;

/** Header values are printable ASCII; a model's name comes from outside. */
export function cleanHeader(value: string): string {
  return value.replace(UNPRINTABLE, "?").slice(0, 1_000);
}
