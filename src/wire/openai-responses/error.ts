// Errors of Responses: the body is OpenAI's common one; in a stream the error is told twice, as an event of its own and as the response that
// failed. Knows no status line and no headers.

import type { GatewayError, Json, JsonObject } from "../../ir/index.ts";
import { formatFrame } from "../../lib/sse.ts";
import { encodeError } from "../openai-error.ts";
import { classifyUpstream } from "../upstream-error.ts";
import { objectOf } from "./body.ts";

export { decodeError, encodeError } from "../openai-error.ts";

/** The last two frames of a stream whose response nobody knows here. */
export function encodeErrorFrame(error: GatewayError, requestId: string): string {
  const response: JsonObject = { id: "", object: "response", created_at: 0, model: "", output: [] };
  return encodeFailure(error, { requestId, response, sequence: 0 });
}

/**
 * `error`, on which the SDKs raise, and `response.failed`, in which other clients look for the code. The event says what it has to say at its
 * own top and under `error`: the documentation has the former, the servers send the latter.
 */
export function encodeFailure(
  error: GatewayError,
  { requestId, response, sequence }: { requestId: string; response: JsonObject; sequence: number },
): string {
  const told = objectOf(encodeError(error, requestId)["error"]);
  const { code = null, message = "", param = null } = told;
  const event = { type: "error", sequence_number: sequence, code, message, param, error: told };
  const failed = { ...response, status: "failed", error: { code: isWord(code) ? code : nameCode(error), message } };
  return (
    formatFrame(JSON.stringify(event), "error") +
    formatFrame(
      JSON.stringify({ type: "response.failed", sequence_number: sequence + 1, response: failed }),
      "response.failed",
    )
  );
}

/** Servers that imitate OpenAI put an HTTP status there, which tells these clients nothing. */
function isWord(code: Json): boolean {
  return typeof code === "string" && !/^\d+$/u.test(code);
}

/** The code of an error that brings none: clients wait before they ask again for the one, and not for the other. */
function nameCode({ upstream }: GatewayError): string {
  const isLimit = upstream !== undefined && classifyUpstream(upstream) === "rate_limited";
  return isLimit ? "rate_limit_exceeded" : "server_error";
}
