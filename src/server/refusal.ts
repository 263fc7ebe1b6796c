// How errors are told under /api/v1: as elsewhere, and what does not hold field by field. Knows no route.

import type { GatewayError } from "../ir/index.ts";

/** Addresses of the gateway's own, which no vendor's clients call. */
export const API_PATHS = "/api/v1/";

/** The request itself cannot be read, whatever it says. */
const UNREADABLE: ReadonlySet<string> = new Set(["invalid_header", "invalid_json", "unsupported_encoding"]);
/** What another has changed, or made, meanwhile. */
const STALE: ReadonlySet<string> = new Set([
  "changed_meanwhile",
  "limit_changed",
  "provider_changed",
  "provider_exists",
  "route_changed",
  "route_exists",
  "settings_changed",
]);

/** 422 where what can be read does not hold, 412 where it was meant for another state; else what it is anywhere. */
export function chooseStatus(error: GatewayError, headers: Headers): number {
  if (error.kind === "invalid_request") return UNREADABLE.has(error.code ?? "") ? 400 : 422;
  const isConditional = headers.has("if-match") || headers.has("if-none-match");
  return error.kind === "conflict" && isConditional && STALE.has(error.code ?? "") ? 412 : error.status;
}
