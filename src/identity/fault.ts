// Why a key or a session opens nothing, in words for whoever shows it. Knows no store and no HTTP.

import { GatewayError } from "../ir/index.ts";

/** Why a token does not open the door. */
export type KeyFault = "deleted" | "expired" | "revoked" | "suspended" | "unknown";

export function explainFault(fault: KeyFault): GatewayError {
  switch (fault) {
    case "deleted":
      return unauthenticated("The owner of this API key was deleted, and the key with him. Ask an administrator.");
    case "expired":
      return unauthenticated("This API key has expired. Ask an administrator for a new one.");
    case "revoked":
      return unauthenticated("This API key was revoked. Ask an administrator for a new one.");
    case "suspended":
      return new GatewayError({
        kind: "forbidden",
        code: "user_suspended",
        message: "The owner of this API key is suspended. Ask an administrator.",
      });
    case "unknown":
      return unauthenticated(
        "Incorrect API key provided. Check that it is whole and for this gateway, or ask an administrator for one: tokligence admin api-keys create.",
      );
    default:
      return fault satisfies never;
  }
}

/** Of what goes on for long: it was opened by other rights than there are now. */
export function rightsChanged(): GatewayError {
  return new GatewayError({
    kind: "forbidden",
    code: "rights_changed",
    message: "What this API key may do was changed meanwhile. Connect again.",
  });
}

/** Likewise of a session: whatever the reason, its browser signs in again, but where the user may not. */
export function explainSessionFault(fault: KeyFault): GatewayError {
  if (fault === "suspended") return explainFault(fault);
  return new GatewayError({
    kind: "unauthenticated",
    code: "invalid_session",
    message: "Your session is over. Sign in again.",
  });
}

function unauthenticated(message: string): GatewayError {
  return new GatewayError({ kind: "unauthenticated", code: "invalid_api_key", message });
}
