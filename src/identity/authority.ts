// What a caller may do: role and scopes together. Knows no routes.

import type { Caller, Scope } from "./model.ts";

/** Scopes that mean something only to an administrator. */
const ADMIN_SCOPES: ReadonlySet<Scope> = new Set<Scope>(["admin", "keys:manage", "routes:read", "users:manage"]);

/** The wider scopes that include this one. */
const COVERED_BY: Partial<Record<Scope, Scope>> = {
  "inference:chat": "inference",
  "inference:embeddings": "inference",
  "keys:manage": "admin",
  "routes:read": "admin",
  "users:manage": "admin",
};

/** Whether the caller's role and the key's scopes both allow `scope`. A key without scopes may do all that the role allows. */
export function allows(caller: Pick<Caller, "role" | "scopes">, scope: Scope): boolean {
  if (ADMIN_SCOPES.has(scope) && caller.role === "gateway_user") return false;
  if (caller.scopes.length === 0) return true;
  const wider = COVERED_BY[scope];
  return caller.scopes.includes(scope) || (wider !== undefined && caller.scopes.includes(wider));
}
