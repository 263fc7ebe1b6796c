// What an upstream's refusal means, and what of it a caller may see. Knows no format.

import { ERROR_KINDS, type ErrorKind, GatewayError } from "../ir/index.ts";
import type { Redact } from "../lib/redact.ts";
import { type Wire, classifyUpstream, isOverflow, isRefusal } from "../wire/index.ts";
import { parseObject, readUpstreamId } from "./send.ts";
import { findKeyFault } from "./way/key-fault.ts";

/** `text` is the body, its secrets taken out. */
export function explainRejection(
  {
    upstream,
    provider,
    wire,
    nowMs,
  }: { upstream: Response; provider: string; wire: { error: Pick<Wire["error"], "decode"> }; nowMs: number },
  text: string,
): GatewayError {
  if (upstream.status < 400) {
    return new GatewayError({
      kind: "upstream_malformed",
      message: `Provider "${provider}" answered HTTP ${upstream.status} instead of an answer. Check its base URL.`,
      cause: text,
    });
  }
  const decoded = wire.error.decode(upstream.status, parseObject(text) ?? text);
  const known = {
    ...decoded,
    type: decoded.type ?? readErrorType(upstream.headers),
    requestId: decoded.requestId ?? readUpstreamId(upstream.headers),
  };
  return new GatewayError({
    kind: "upstream_rejected",
    message: known.message,
    upstream: known,
    retryAfterMs: capWait(readWait(upstream.headers, nowMs) ?? known.retryAfterMs),
    cause: text,
  });
}

/** Told in words of ours, a refusal of the gateway's own key says so: whoever reads it must not take it for the key that he has for the gateway. */
export function nameRefused(failure: GatewayError, provider: string): GatewayError {
  const { upstream, message } = failure;
  const status = upstream?.status ?? null;
  if (findKeyFault(failure) === null || (status !== 401 && status !== 403)) return failure;
  const what = status === 401 ? "refused the gateway's own key" : "does not let the gateway's own key do this";
  return copyFailure(failure, { message: `Provider "${provider}" ${what}: ${message}`, upstream });
}

/** Some name the error in a header alone, with an address behind a colon. */
function readErrorType(headers: Headers): string | null {
  for (const [name, value] of headers) if (/error-?type$/u.test(name)) return value.split(":", 1)[0] ?? null;
  return null;
}

/** Nobody waits longer, and more digits are no number that a header can hold. */
const LONGEST_WAIT_MS = 365 * 86_400_000;

function capWait(askedMs: number | undefined): number | undefined {
  return askedMs === undefined ? undefined : Math.min(askedMs, LONGEST_WAIT_MS);
}

/** Seconds, or a date: by the clock of who said it, where that is known. */
function readWait(headers: Headers, nowMs: number): number | undefined {
  const exact = readNumber(headers.get("retry-after-ms"));
  if (exact !== undefined) return exact;
  const seconds = readNumber(headers.get("retry-after"));
  if (seconds !== undefined) return seconds * 1000;
  const date = readDate(headers.get("retry-after"));
  return date === undefined ? undefined : Math.max(0, date - (readDate(headers.get("date")) ?? nowMs));
}

function readDate(text: string | null): number | undefined {
  const date = Date.parse(text ?? "");
  return Number.isNaN(date) ? undefined : date;
}

function readNumber(text: string | null): number | undefined {
  return text !== null && /^\d+(?:\.\d+)?$/u.test(text) ? Number(text) : undefined;
}

/**
 * An error that came inside an answer of status 200 has none of its own, and what it says may be the provider's own trouble. Where its words leave no doubt that it
 * is the request or the key which is refused, it gets the status that says the same, as another try would be told the same.
 */
export function judgeInside(failure: GatewayError): GatewayError {
  const { upstream } = failure;
  if (upstream === undefined || upstream.status !== null) return failure;
  const kind = classifyUpstream(upstream);
  const isPlain = PLAIN.has(kind) || (kind === "invalid_request" && CLIENT_STATUS.test(upstream.code ?? ""));
  return isPlain || isOfRequest(failure) ? giveStatus(failure) : failure;
}

const PLAIN: ReadonlySet<ErrorKind> = new Set([
  "forbidden",
  "not_found",
  "quota_exceeded",
  "too_large",
  "unauthenticated",
]);
const CLIENT_STATUS = /^4\d\d$/u;

/** Whether the provider says in so many words that it is the request which it will not answer: asked again, it would say the same. */
function isOfRequest({ upstream }: GatewayError): boolean {
  return upstream !== undefined && (isOverflow(upstream) || isRefusal(upstream));
}

/** Likewise, for the client: where he was told no status yet, it gets that of what the error means. */
export function giveStatus(failure: GatewayError): GatewayError {
  const { upstream } = failure;
  if (failure.kind !== "upstream_rejected" || upstream === undefined || upstream.status !== null) return failure;
  const { status } = ERROR_KINDS[isOfRequest(failure) ? "invalid_request" : classifyUpstream(upstream)];
  return copyFailure(failure, { message: failure.message, upstream: { ...upstream, status } });
}

/** An upstream may quote part of our credentials in its error; the caller is not to see them. */
export function redactFailure(failure: GatewayError, redact: Redact): GatewayError {
  const message = redact(failure.message);
  if (message === failure.message) return failure;
  const { upstream } = failure;
  return copyFailure(failure, { message, upstream: upstream === undefined ? undefined : { ...upstream, message } });
}

function copyFailure(failure: GatewayError, changed: Pick<GatewayError, "message" | "upstream">): GatewayError {
  const { kind, code, param, retryAfterMs, isOfTarget, cause } = failure;
  const copy = new GatewayError({ kind, code, param, retryAfterMs, isOfTarget, cause, ...changed });
  copy.headers = failure.headers;
  return copy;
}

/** Where the format of an answer is not looked into. */
export function nothingSaid(provider: string): GatewayError {
  return new GatewayError({
    kind: "upstream_malformed",
    code: "answer_empty",
    message: `Provider "${provider}" answered with success, and with nothing in its answer. Ask again.`,
  });
}
