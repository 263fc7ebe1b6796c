// Errors of the Messages API, read from an upstream and written for a client. Knows the kinds of our own errors and nothing of HTTP.
// Source: https://platform.claude.com/docs/en/api/errors

import {
  type ErrorKind,
  type GatewayError,
  type JsonObject,
  type UpstreamError,
  isJsonObject,
} from "../../ir/index.ts";
import { formatFrame } from "../../lib/sse.ts";
import { classifyUpstream, readOverflow } from "../upstream-error.ts";
import { textOf } from "../json-read.ts";

const ERROR_TYPES = {
  blocked: "invalid_request_error",
  cancelled: "api_error",
  conflict: "invalid_request_error",
  forbidden: "permission_error",
  internal: "api_error",
  invalid_request: "invalid_request_error",
  not_configured: "api_error",
  not_found: "not_found_error",
  overloaded: "overloaded_error",
  quota_exceeded: "rate_limit_error",
  rate_limited: "rate_limit_error",
  timeout: "timeout_error",
  too_large: "request_too_large",
  unauthenticated: "authentication_error",
  upstream_malformed: "api_error",
  upstream_rejected: "api_error",
  upstream_unavailable: "api_error",
} as const satisfies Record<ErrorKind, string>;

/** Those that no kind of our own has. */
const OWN_TYPES = new Set<string>([...Object.values(ERROR_TYPES), "billing_error", "conflict_error"]);

/** Reads `{"type":"error","error":{…}}`, what imitations make of it, and bodies that are no JSON at all. */
export function decodeError(status: number | null, body: JsonObject | string): UpstreamError {
  const unknown: UpstreamError = { status, type: null, code: null, param: null, message: "", requestId: null };
  if (typeof body === "string") return { ...unknown, message: describeText(status, body) };
  const requestId = textOf(body["request_id"]) || null;
  const error = body["error"];
  if (!isJsonObject(error)) {
    const message = textOf(error) || textOf(body["message"]) || textOf(body["detail"]);
    return { ...unknown, requestId, message: message || describeText(status, JSON.stringify(body)) };
  }
  const details = isJsonObject(error["details"]) ? error["details"] : {};
  return {
    status,
    type: textOf(error["type"]) || null,
    code: textOf(details["error_code"]) || textOf(error["code"]) || null,
    param: textOf(error["param"]) || null,
    message: textOf(error["message"]) || describeText(status, JSON.stringify(error)),
    requestId,
  };
}

/** At most so much of a body that we cannot read is shown. */
const MAX_SHOWN = 200;

function describeText(status: number | null, text: string): string {
  const visible = text
    .replaceAll(/<(script|style)\b.*?<\/\1>/gis, " ")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  const source = status === null ? "The upstream's stream reported" : `The upstream answered HTTP ${status} with`;
  if (visible === "") return `${source} an error without a message.`;
  return `${source} an error in an unknown form: ${visible.slice(0, MAX_SHOWN)}`;
}

/** The error as clients of this format read it. An upstream's own type stays where it is one of Anthropic's. */
export function encodeError(error: GatewayError, requestId: string): JsonObject {
  const body: JsonObject = { type: typeOf(error), message: messageOf(error) };
  const code = error.code ?? error.upstream?.code;
  // Anthropic's own clients act on this code, for instance where a feature is not served.
  if (code !== undefined && code !== null) body["details"] = { error_code: code };
  return { type: "error", error: body, ...(requestId === "" ? {} : { request_id: requestId }) };
}

/** The error as the last frame of a stream. */
export function encodeErrorFrame(error: GatewayError, requestId: string): string {
  return formatFrame(JSON.stringify(encodeError(error, requestId)), "error");
}

/** Clients know a prompt that does not fit by these words alone, and then compact. */
function messageOf({ upstream, code, message }: GatewayError): string {
  const own: UpstreamError = { status: null, type: null, code: code ?? null, param: null, message, requestId: null };
  const overflow = readOverflow(upstream ?? own);
  if (overflow === null || /^prompt is too long|^input length and `max_tokens`/.test(message)) return message;
  const { tokens, limit } = overflow;
  if (tokens === null || limit === null) return `prompt is too long: ${message}`;
  return `prompt is too long: ${tokens} tokens > ${limit} maximum`;
}

function typeOf(error: GatewayError): string {
  const { upstream } = error;
  if (error.kind !== "upstream_rejected" || upstream === undefined) return ERROR_TYPES[error.kind];
  if (upstream.type !== null && OWN_TYPES.has(upstream.type)) return upstream.type;
  if (readOverflow(upstream) !== null) return "invalid_request_error";
  const kind = classifyUpstream(upstream);
  return kind === "quota_exceeded" ? "billing_error" : ERROR_TYPES[kind];
}
