// Errors of Cohere's API. Knows nothing of HTTP beyond the status that it is given.
// Source: https://docs.cohere.com/reference/errors

import type { JsonObject, UpstreamError } from "../../ir/index.ts";
import { readOverflow } from "../upstream-error.ts";
import { textOf } from "../json-read.ts";

/** At most so much of a body that we cannot read is shown. */
const MAX_SHOWN = 200;

/** `too many tokens: size limit exceeded by 1000 tokens. …` */
const TOO_LONG = /^too many tokens\b/iu;

/** Reads `{"message"}`, and what proxies make of it. */
export function decodeError(status: number | null, body: JsonObject | string): UpstreamError {
  const fields = typeof body === "string" ? {} : body;
  const message =
    textOf(fields["message"]) || textOf(fields["error"]) || textOf(fields["detail"]) || describe(status, body);
  const error: UpstreamError = { status, type: null, code: null, param: null, message, requestId: null };
  const isTooLong = TOO_LONG.test(message) || readOverflow(error) !== null;
  return isTooLong ? { ...error, code: "context_length_exceeded" } : error;
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
