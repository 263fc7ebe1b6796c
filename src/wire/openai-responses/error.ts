// Errors of Responses: the body is OpenAI's common one; in a stream the error is told twice, as an event of its own and as the response that
// failed. Knows no status line and no headers.

import type { GatewayError, Json, JsonObject } from "../../ir/index.ts";
import { formatFrame } from "../../lib/sse.ts";
import { encodeError } from "../openai-error.ts";
import type { Told } from "../type.ts";
import { classifyUpstream } from "../upstream-error.ts";
import { objectOf } from "../json-read.ts";

export { decodeError, encodeError } from "../openai-error.ts";

/** The last frames of a forwarded stream: they go on from what the client was told. */
export function encodeErrorFrame(error: GatewayError, requestId: string, told?: Told): string {
  const begun = objectOf(readData(told?.first)["response"] ?? null);
  const last = readData(told?.last);
  const { sequence_number: number } = last;
  return encodeFailure(error, {
    requestId,
    response: { id: "", object: "response", created_at: 0, model: "", output: [], ...begun },
    sequence: typeof number === "number" ? number + 1 : 0,
    isTold: last["type"] === "error",
  });
}

function readData(data = ""): JsonObject {
  try {
    return objectOf(JSON.parse(data));
  } catch {
    return {};
  }
}

/**
 * `error`, on which the SDKs raise, and `response.failed`, in which other clients look for the code. The event says what it has to say at its
 * own top and under `error`: the documentation has the former, the servers send the latter.
 */
export function encodeFailure(
  error: GatewayError,
  {
    requestId,
    response,
    sequence,
    isTold = false,
  }: {
    requestId: string;
    response: JsonObject;
    sequence: number;
    /** Whether the event of its own has been sent already. */
    isTold?: boolean;
  },
): string {
  const told = objectOf(encodeError(error, requestId)["error"]);
  const { code = null, message = "", param = null } = told;
  const event = { type: "error", sequence_number: sequence, code, message, param, error: told };
  const failed = { ...response, status: "failed", error: { code: isWord(code) ? code : nameCode(error), message } };
  const end = { type: "response.failed", sequence_number: isTold ? sequence : sequence + 1, response: failed };
  const first = isTold ? "" : formatFrame(JSON.stringify(event), "error");
  return first + formatFrame(JSON.stringify(end), "response.failed");
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
