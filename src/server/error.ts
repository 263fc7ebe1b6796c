// The edge where errors become responses, each in the format of the route that was called. Nothing below it writes an error body.

import { ERROR_KINDS, type GatewayError, listProblems, toGatewayError } from "../ir/index.ts";
import { type Log, explainError } from "../telemetry/log.ts";
import { DEFAULT_WIRE, type Wire } from "../wire/index.ts";
import { chooseStatus } from "./refusal.ts";

export function answerError(
  thrown: unknown,
  options: {
    requestId: string;
    wire: Wire | undefined;
    log: Log;
    from?: string | null;
    /** Of the request, where it was one of the gateway's own addresses. */
    own?: Headers | undefined;
  },
): Response {
  const error = toGatewayError(thrown);
  const { requestId, log, own, from = null } = options;
  reportFailure(error, requestId, log, from);
  const encoded = (options.wire ?? DEFAULT_WIRE).error.encode(error, requestId);
  const status = own === undefined ? error.status : chooseStatus(error, own);
  const body = status === 422 && own !== undefined ? { ...encoded, errors: listProblems(error) } : encoded;
  return Response.json(body, { status, headers: makeErrorHeaders(error, status, requestId) });
}

function makeErrorHeaders(error: GatewayError, status: number, requestId: string): Record<string, string> {
  const headers: Record<string, string> = { ...error.headers, "x-request-id": requestId, "request-id": requestId };
  if (error.kind === "unauthenticated") headers["www-authenticate"] = "Bearer";
  if (error.retryAfterMs !== undefined) {
    headers["retry-after"] = String(Math.ceil(error.retryAfterMs / 1000));
    headers["retry-after-ms"] = String(Math.ceil(error.retryAfterMs));
  }
  // Clients try again on these statuses by themselves; where that cannot help, they are told so.
  const isRetriedByClients = status === 409 || status === 429 || status >= 500;
  const isOurs = error.kind !== "upstream_rejected";
  const canHelp = ERROR_KINDS[error.kind].retry || error.retryAfterMs !== undefined;
  if (isRetriedByClients && isOurs && !canHelp) headers["x-should-retry"] = "false";
  return headers;
}

/** As long as it lasts, each request meets with it: the books say so once when it begins, and once when it is over. */
const TOLD_ONCE: ReadonlySet<string> = new Set(["ledger_journal_full", "ledger_outbox_full", "ledger_unavailable"]);

/** One line; how loud depends on whose fault it is. */
export function reportFailure(error: GatewayError, requestId: string, log: Log, from: string | null = null): void {
  const fields = {
    request_id: requestId,
    kind: error.kind,
    status: error.status,
    ...(from === null ? {} : { from }),
    ...(error.cause === undefined ? {} : { cause: explainError(error.cause).slice(0, 4_000) }),
  };
  if (error.code !== undefined && TOLD_ONCE.has(error.code)) log.debug(error.message, fields);
  else if (error.kind === "internal") log.error(error.message, fields);
  else if (error.status >= 500) log.warn(error.message, fields);
  else log.debug(error.message, fields);
}
