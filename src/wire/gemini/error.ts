// Errors of Google's APIs, read from an upstream and written for a client. Knows the kinds of our own errors and nothing of HTTP.
// Sources: https://ai.google.dev/gemini-api/docs/troubleshooting and https://cloud.google.com/apis/design/errors

import {
  ERROR_KINDS,
  type ErrorKind,
  type GatewayError,
  type Json,
  type JsonObject,
  type UpstreamError,
  isJsonObject,
} from "../../ir/index.ts";
import { classifyUpstream, readOverflow } from "../upstream-error.ts";
import { formatChunk } from "./frame.ts";
import { objectsOf, textOf } from "../json-read.ts";

const STATUS_WORDS = {
  blocked: "INVALID_ARGUMENT",
  cancelled: "CANCELLED",
  conflict: "ABORTED",
  forbidden: "PERMISSION_DENIED",
  internal: "INTERNAL",
  invalid_request: "INVALID_ARGUMENT",
  not_configured: "FAILED_PRECONDITION",
  not_found: "NOT_FOUND",
  overloaded: "UNAVAILABLE",
  quota_exceeded: "RESOURCE_EXHAUSTED",
  rate_limited: "RESOURCE_EXHAUSTED",
  timeout: "DEADLINE_EXCEEDED",
  too_large: "INVALID_ARGUMENT",
  unauthenticated: "UNAUTHENTICATED",
  upstream_malformed: "INTERNAL",
  upstream_rejected: "UNKNOWN",
  upstream_unavailable: "UNAVAILABLE",
} as const satisfies Record<ErrorKind, string>;

const OWN_WORDS = new Set<string>([
  ...Object.values(STATUS_WORDS),
  "ALREADY_EXISTS",
  "DATA_LOSS",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
]);

const DETAIL = "type.googleapis.com/google.rpc.";

/** Reads `{"error":{code,message,status,details}}`, a list of one such, what imitations make of it, and bodies that are no JSON at all. */
export function decodeError(status: number | null, body: JsonObject | string): UpstreamError {
  const unknown: UpstreamError = { status, type: null, code: null, param: null, message: "", requestId: null };
  const whole: Json = typeof body === "string" ? parseJson(body) : body;
  // Streams that are one JSON array begin with an error as its first element.
  const value = Array.isArray(whole) ? whole[0] : whole;
  if (!isJsonObject(value)) return { ...unknown, message: describeText(status, typeof body === "string" ? body : "") };
  const error = value["error"];
  if (!isJsonObject(error)) {
    const message = textOf(error) || textOf(value["message"]);
    return { ...unknown, message: message || describeText(status, JSON.stringify(value)) };
  }
  const details = objectsOf(error["details"]);
  const retryAfterMs = readDelay(findDetail(details, "RetryInfo")?.["retryDelay"]);
  const [violation] = objectsOf(findDetail(details, "BadRequest")?.["fieldViolations"]);
  return {
    status,
    type: textOf(error["status"]) || null,
    code: textOf(findDetail(details, "ErrorInfo")?.["reason"]) || null,
    param: textOf(violation?.["field"]) || null,
    message: textOf(error["message"]) || describeText(status, JSON.stringify(error)),
    requestId: textOf(findDetail(details, "RequestInfo")?.["requestId"]) || null,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  };
}

function findDetail(details: JsonObject[], name: string): JsonObject | undefined {
  return details.find((detail) => detail["@type"] === DETAIL + name);
}

/** Of a duration such as `34.4s`. */
function readDelay(value: Json | undefined): number | null {
  const seconds = /^(\d+(?:\.\d+)?)s$/u.exec(textOf(value))?.[1];
  return seconds === undefined ? null : Math.ceil(Number(seconds) * 1000);
}

/** Null for what is no JSON. */
function parseJson(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** At most so much of a body that we cannot read is shown. */
const MAX_SHOWN = 200;

function describeText(status: number | null, text: string): string {
  const visible = text
    .slice(0, 20_000)
    .replaceAll(/<(script|style|head)\b.*?<\/\1\s*>/gis, " ")
    .replaceAll(/<[^<>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  const source = status === null ? "The upstream's stream reported" : `The upstream answered HTTP ${status} with`;
  if (visible === "") return `${source} an error without a message.`;
  return `${source} an error in an unknown form: ${visible.slice(0, MAX_SHOWN)}`;
}

/** The error as clients of this format read it. An upstream's own word stays where it is one of Google's. */
export function encodeError(error: GatewayError, requestId: string, code: number = error.status): JsonObject {
  const { message, retryAfterMs, upstream } = error;
  const details: JsonObject[] = [];
  const isTooLong = upstream !== undefined && readOverflow(upstream) !== null;
  const reason = error.code ?? (isTooLong ? "context_length_exceeded" : upstream?.code) ?? null;
  if (reason !== null) {
    details.push({ "@type": `${DETAIL}ErrorInfo`, reason: reason.toUpperCase(), domain: "tokligence" });
  }
  const field = error.param ?? upstream?.param ?? null;
  if (field !== null) {
    details.push({ "@type": `${DETAIL}BadRequest`, fieldViolations: [{ field, description: message }] });
  }
  if (retryAfterMs !== undefined) {
    details.push({ "@type": `${DETAIL}RetryInfo`, retryDelay: `${retryAfterMs / 1000}s` });
  }
  if (requestId !== "") details.push({ "@type": `${DETAIL}RequestInfo`, requestId });
  const body: JsonObject = { code, message, status: wordOf(error) };
  return { error: details.length === 0 ? body : { ...body, details } };
}

/** The error as the last chunk of a stream. Clients tell from its code alone whether to try again. */
export function encodeErrorFrame(error: GatewayError, requestId: string): string {
  return formatChunk(encodeError(error, requestId, codeOf(error)));
}

/** The code of an error that came inside a stream, and so without one, is that of what it means. */
function codeOf({ kind, upstream, status }: GatewayError): number {
  if (kind !== "upstream_rejected" || upstream === undefined || upstream.status !== null) return status;
  return ERROR_KINDS[classifyUpstream(upstream)].status;
}

function wordOf({ kind, upstream, status }: GatewayError): string {
  if (kind !== "upstream_rejected" || upstream === undefined) return STATUS_WORDS[kind];
  if (upstream.type !== null && OWN_WORDS.has(upstream.type)) return upstream.type;
  const meant = classifyUpstream(upstream);
  if (meant !== "upstream_rejected") return STATUS_WORDS[meant];
  return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
}
