// Errors in OpenAI's shape, `{"error": {message, type, param, code}}`, both ways: shared by the formats whose clients read it.
// Knows no status line and no headers. https://platform.openai.com/docs/guides/error-codes

import {
  type ErrorKind,
  type GatewayError,
  type Json,
  type JsonObject,
  type UpstreamError,
  isJsonObject,
} from "../ir/index.ts";
import { formatFrame } from "../lib/sse.ts";
import { classifyUpstream, isErrorWord, readOverflow } from "./upstream-error.ts";

/** What the SDKs branch on: `type`, and `code` where the error brings none of its own. */
const WORDS: Record<ErrorKind, { type: string; code: string | null }> = {
  invalid_request: { type: "invalid_request_error", code: null },
  unauthenticated: { type: "invalid_request_error", code: "invalid_api_key" },
  forbidden: { type: "permission_error", code: "permission_denied" },
  not_found: { type: "invalid_request_error", code: "not_found" },
  conflict: { type: "invalid_request_error", code: "conflict" },
  too_large: { type: "invalid_request_error", code: "request_too_large" },
  rate_limited: { type: "requests", code: "rate_limit_exceeded" },
  quota_exceeded: { type: "insufficient_quota", code: "insufficient_quota" },
  blocked: { type: "invalid_request_error", code: "content_policy_violation" },
  upstream_rejected: { type: "server_error", code: "upstream_rejected" },
  upstream_unavailable: { type: "server_error", code: "upstream_unavailable" },
  upstream_malformed: { type: "server_error", code: "upstream_malformed" },
  not_configured: { type: "server_error", code: "provider_not_configured" },
  timeout: { type: "server_error", code: "upstream_timeout" },
  overloaded: { type: "server_error", code: "overloaded" },
  cancelled: { type: "server_error", code: "cancelled" },
  internal: { type: "server_error", code: "internal_error" },
};

/** At most this much of a page that is no JSON is shown to the caller. */
const MAX_EXCERPT = 200;

/** The error as OpenAI's clients read it. An upstream's own error keeps its words. An empty `requestId` is left out. */
export function encodeError(error: GatewayError, requestId: string): JsonObject {
  const words = WORDS[error.kind];
  const id: JsonObject = requestId === "" ? {} : { request_id: requestId };
  const { upstream } = error;
  if (error.kind === "upstream_rejected" && upstream !== undefined) {
    const { type, code } = nameUpstream(upstream);
    return { error: { message: error.message, type, param: upstream.param, code, ...id } };
  }
  const code = error.code ?? words.code;
  const type = error.limited ?? words.type;
  return { error: { message: error.message, type, param: error.param ?? null, code, ...id } };
}

/** The error inside a stream: one `data:` frame, after which the stream just ends. The SDKs raise on it. */
export function encodeErrorFrame(error: GatewayError, requestId: string): string {
  return formatFrame(JSON.stringify(encodeError(error, requestId)));
}

/**
 * Reads an error body of OpenAI or of a server that imitates it: `{error: {…}}`, `{error: "…"}`, `{message}`, `{detail}` (FastAPI), an
 * array of those, plain text, a proxy's HTML page.
 */
export function decodeError(status: number | null, body: JsonObject | string): UpstreamError {
  const value: Json = typeof body === "string" ? (parseJson(body) ?? body) : body;
  const first = Array.isArray(value) ? value[0] : value;
  if (!isJsonObject(first)) {
    return { ...blank(status), message: describeText(status, typeof first === "string" ? first : "") };
  }
  const inner = first["error"] ?? first;
  const error: JsonObject = isJsonObject(inner) ? inner : { ...first, message: inner };
  return {
    status,
    type: readWord(error["type"]),
    code: readWord(error["code"]),
    param: readWord(error["param"]),
    message: readMessage(error) ?? describeUnknown(status, first),
    requestId: readWord(first["request_id"]) ?? readWord(error["request_id"]),
  };
}

function blank(status: number | null): UpstreamError {
  return { status, type: null, code: null, param: null, message: "", requestId: null };
}

function readWord(value: Json | undefined): string | null {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value : null;
}

function readMessage(error: JsonObject): string | null {
  for (const value of [error["message"], error["detail"], error["error_description"]]) {
    if (typeof value === "string" && value !== "") return value;
    if (isJsonObject(value)) return readMessage(value) ?? JSON.stringify(value);
    if (Array.isArray(value) && value.length > 0) return value.map(describeDetail).join("; ");
  }
  return null;
}

/** One finding of FastAPI's validation: `{loc: ["body", "messages", 0], msg}`. */
function describeDetail(detail: Json): string {
  if (!isJsonObject(detail)) return typeof detail === "string" ? detail : JSON.stringify(detail);
  const place = Array.isArray(detail["loc"])
    ? detail["loc"].map((step) => JSON.stringify(step).replaceAll('"', "")).join(".")
    : "";
  const text = readWord(detail["msg"]) ?? readWord(detail["message"]) ?? JSON.stringify(detail);
  return place === "" ? text : `${place}: ${text}`;
}

function describeUnknown(status: number | null, body: JsonObject): string {
  return `${nameStatus(status)} with an error that says nothing more: ${JSON.stringify(body).slice(0, MAX_EXCERPT)}`;
}

function describeText(status: number | null, text: string): string {
  const visible = text
    .slice(0, 20_000)
    .replaceAll(/<(script|style|head)\b.*?<\/\1\s*>/gis, " ")
    .replaceAll(/<[^<>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, MAX_EXCERPT);
  const start = `${nameStatus(status)} with a body that is not JSON`;
  return visible === "" ? `${start}.` : `${start}: ${visible}`;
}

function nameStatus(status: number | null): string {
  return status === null ? "An error in the stream" : `HTTP ${status}`;
}

/** The types that are OpenAI's own: its clients get them as they came. */
const OWN_TYPES = new Set([...Object.values(WORDS).map(({ type }) => type), "tokens"]);

/** An upstream's error in OpenAI's words; its own ones where they are. Clients stop and compact on the code for a prompt that is too long. */
function nameUpstream(upstream: UpstreamError): { type: string; code: string | null } {
  if (readOverflow(upstream) !== null) return { type: "invalid_request_error", code: "context_length_exceeded" };
  const kind = classifyUpstream(upstream);
  const words = kind === "upstream_rejected" ? { type: "server_error", code: null } : WORDS[kind];
  if (upstream.type === null) return { type: words.type, code: upstream.code };
  // A word that no format has is a server's own.
  const isOwn = OWN_TYPES.has(upstream.type) || !isErrorWord(upstream.type);
  return { type: isOwn ? upstream.type : words.type, code: upstream.code ?? (isOwn ? null : words.code) };
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
