// What a caller may do: role and scopes together. Knows no routes.

import { type Caller, ROLES, type Role, SCOPES, type Scope } from "./model.ts";

/** Scopes that mean something only to an administrator. */
const ADMIN_SCOPES: ReadonlySet<Scope> = new Set<Scope>([
  "admin",
  "audit:read",
  "budgets:manage",
  "keys:manage",
  "ledger:read",
  "limits:manage",
  "metrics:read",
  "providers:read",
  "providers:write",
  "routes:read",
  "routes:write",
  "sessions:manage",
  "settings:read",
  "settings:write",
  "users:manage",
]);

/** Of these, what only a root administrator may do. */
const ROOT_SCOPES: ReadonlySet<Scope> = new Set<Scope>(["settings:read", "settings:write"]);

/** The wider scopes that include this one. */
const COVERED_BY: Partial<Record<Scope, Scope>> = {
  "audit:read": "admin",
  "budgets:manage": "admin",
  "inference:audio": "inference",
  "inference:chat": "inference",
  "inference:completions": "inference",
  "inference:embeddings": "inference",
  "inference:images": "inference",
  "inference:moderations": "inference",
  "inference:realtime": "inference",
  "inference:rerank": "inference",
  "inference:videos": "inference",
  "keys:manage": "admin",
  "ledger:read": "admin",
  "limits:manage": "admin",
  "metrics:read": "admin",
  "providers:read": "admin",
  "providers:write": "admin",
  "routes:read": "admin",
  "routes:write": "admin",
  "sessions:manage": "admin",
  "settings:read": "admin",
  "settings:write": "admin",
  "users:manage": "admin",
};

/** What reaches past the ownership of objects: an ordinary user has it only where an administrator wrote it on the key. */
const NAMED_ONLY: ReadonlySet<Scope> = new Set<Scope>(["passthrough"]);

/** Whether a role is this one or reaches further. */
export function hasRank(role: Role, least: Role): boolean {
  return ROLES.indexOf(role) <= ROLES.indexOf(least);
}

/** Whether the caller's role and the key's scopes both allow `scope`. A key without scopes may do all that the role allows. */
export function allows(caller: Pick<Caller, "role" | "scopes">, scope: Scope): boolean {
  if (ADMIN_SCOPES.has(scope) && caller.role === "gateway_user") return false;
  if (ROOT_SCOPES.has(scope) && caller.role !== "root_admin") return false;
  if (caller.scopes.length === 0) return caller.role !== "gateway_user" || !NAMED_ONLY.has(scope);
  const wider = COVERED_BY[scope];
  return caller.scopes.includes(scope) || (wider !== undefined && caller.scopes.includes(wider));
}

/** Whether a key of somebody with this role may name `scope`: what reaches past his role nobody can write on it. */
export function isWithinRole(role: Role, scope: Scope): boolean {
  return allows({ role, scopes: [scope] }, scope);
}

/** For each role that reaches less far: the scopes that a key without any stands for, but those that would grow with the role. */
export function listFormerReach(role: Role): { role: Role; scopes: Scope[] }[] {
  const all = Object.keys(SCOPES) as Scope[];
  return ROLES.filter((former) => !hasRank(former, role)).map((former) => {
    const isHeld = (scope: Scope): boolean => allows({ role: former, scopes: [] }, scope);
    const grows = (scope: Scope): boolean => all.some((each) => COVERED_BY[each] === scope && !isHeld(each));
    return { role: former, scopes: all.filter((scope) => isHeld(scope) && !grows(scope)) };
  });
}
