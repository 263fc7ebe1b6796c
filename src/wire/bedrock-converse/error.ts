// Errors of Bedrock, in answers and in streams. Knows the kinds of our own errors and nothing of HTTP.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html

import { type ErrorKind, GatewayError, type JsonObject, type UpstreamError } from "../../ir/index.ts";
import { readOverflow } from "../upstream-error.ts";
import { textOf } from "../json-read.ts";

/** What the exceptions of a stream mean, where there is no status to tell; any other is a refusal. */
const KINDS: ReadonlyMap<string, ErrorKind> = new Map<string, ErrorKind>([
  ["internalserverexception", "upstream_unavailable"],
  ["modelstreamerrorexception", "upstream_unavailable"],
  ["modeltimeoutexception", "timeout"],
  ["serviceunavailableexception", "overloaded"],
  ["throttlingexception", "rate_limited"],
]);

/** At most so much of a body that we cannot read is shown. */
const MAX_SHOWN = 200;

/** Reads `{"message"}`, spelled either way, with or without `__type`. */
export function decodeError(status: number | null, body: JsonObject | string): UpstreamError {
  const fields = typeof body === "string" ? {} : body;
  const message = textOf(fields["message"]) || textOf(fields["Message"]) || describe(status, body);
  const type = textOf(fields["__type"]);
  const error: UpstreamError = {
    status,
    // `com.amazon.coral.service#ThrottlingException`
    type: type === "" ? null : type.slice(type.lastIndexOf("#") + 1),
    code: null,
    param: null,
    message,
    requestId: null,
  };
  // Bedrock has no code for it.
  return readOverflow(error) === null ? error : { ...error, code: "context_length_exceeded" };
}

function describe(status: number | null, body: JsonObject | string): string {
  const source = status === null ? "The upstream's stream reported" : `The upstream answered HTTP ${status} with`;
  const text = (typeof body === "string" ? body : JSON.stringify(body))
    .slice(0, 20_000)
    .replaceAll(/<[^<>]*>/gu, " ")
    .replaceAll(/\s+/gu, " ")
    .trim();
  if (text === "" || text === "{}") return `${source} an error without a message.`;
  return `${source} an error in an unknown form: ${text.slice(0, MAX_SHOWN)}`;
}

/** An exception inside a stream. */
export function decodeException(name: string, body: JsonObject): GatewayError {
  const upstream = { ...decodeError(null, body), type: name };
  const kind = KINDS.get(name.toLowerCase()) ?? "upstream_rejected";
  return new GatewayError({ kind, message: upstream.message, upstream });
}
