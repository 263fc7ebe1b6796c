// Who may do what: one line for every route and every command, with the least role and the scopes of which a key needs one. Knows no handler.

import { allows, hasRank } from "../identity/authority.ts";
import type { Caller, Role, Scope } from "../identity/model.ts";
import type { Authority, Route } from "./route.ts";

/** `public`: anyone. `any-key`: whoever holds a valid key or is signed in. `orPublic`: where the operator says so, anyone, too. */
export type Permit = "any-key" | "public" | { role: Role; anyOf: readonly [Scope, ...Scope[]]; orPublic?: boolean };

const user = (...anyOf: [Scope, ...Scope[]]): Permit => ({ role: "gateway_user", anyOf });
const root = (...anyOf: [Scope, ...Scope[]]): Permit => ({ role: "root_admin", anyOf });
const admin = (...anyOf: [Scope, ...Scope[]]): Permit => ({ role: "gateway_admin", anyOf });

/**
 * By method and path; addresses that are made from the tables of formats and families share a line, `calls` and its name. A route says its
 * scopes beside its handler, too: where the two differ, or a line is missing, the gateway does not start.
 */
export const ROUTE_PERMITS = {
  "DELETE /api/v1/admin/api-keys/:id": admin("keys:manage"),
  "DELETE /api/v1/admin/budgets/:id": admin("budgets:manage"),
  "DELETE /api/v1/admin/cache": admin("providers:write"),
  "DELETE /api/v1/admin/identities/:id": admin("users:manage"),
  "DELETE /api/v1/admin/limits/:id": admin("limits:manage"),
  "DELETE /api/v1/admin/providers/:id": admin("providers:write"),
  "DELETE /api/v1/admin/routes/:id": admin("routes:write"),
  "DELETE /api/v1/admin/sessions": admin("sessions:manage", "users:manage"),
  "DELETE /api/v1/admin/sessions/:id": admin("sessions:manage", "users:manage"),
  "DELETE /api/v1/admin/users/:id": admin("users:manage"),
  "DELETE /api/v1/admin/users/:id/sessions": admin("sessions:manage", "users:manage"),
  "DELETE /api/v1/api-keys/:id": user("keys:own"),
  "DELETE /api/v1/auth/identities/:id": user("profile:write"),
  "DELETE /api/v1/auth/sessions": user("profile:write"),
  "DELETE /api/v1/auth/sessions/:id": user("profile:write"),
  "GET /": "public",
  "GET /api/hello": "public",
  "GET /api/v1/admin/api-keys": admin("keys:manage"),
  "GET /api/v1/admin/api-keys/:id": admin("keys:manage"),
  "GET /api/v1/admin/audit": admin("audit:read"),
  "GET /api/v1/admin/audit/export": admin("audit:read"),
  "GET /api/v1/admin/budgets": admin("budgets:manage"),
  "GET /api/v1/admin/budgets/:id": admin("budgets:manage"),
  "GET /api/v1/admin/cache": admin("providers:write"),
  "GET /api/v1/admin/health/providers": admin("routes:read", "metrics:read"),
  "GET /api/v1/admin/limits": admin("limits:manage"),
  "GET /api/v1/admin/limits/:id": admin("limits:manage"),
  "GET /api/v1/admin/providers": admin("providers:read", "providers:write"),
  "GET /api/v1/admin/providers/:id": admin("providers:read", "providers:write"),
  "GET /api/v1/admin/providers/:id/history": admin("providers:read", "providers:write"),
  "GET /api/v1/admin/route": admin("routes:read", "routes:write"),
  "GET /api/v1/admin/routes": admin("routes:read", "routes:write"),
  "GET /api/v1/admin/routes/:id": admin("routes:read", "routes:write"),
  "GET /api/v1/admin/routes/:id/history": admin("routes:read", "routes:write"),
  "GET /api/v1/admin/sessions": admin("sessions:manage", "users:manage"),
  "GET /api/v1/admin/settings": root("settings:read"),
  "GET /api/v1/admin/users": admin("users:manage"),
  "GET /api/v1/admin/users/:id": admin("users:manage"),
  "GET /api/v1/admin/users/:id/api-keys": admin("keys:manage"),
  "GET /api/v1/admin/users/:id/identities": admin("users:manage"),
  "GET /api/v1/admin/users/:id/sessions": admin("sessions:manage", "users:manage"),
  "GET /api/v1/api-keys": user("keys:own"),
  "GET /api/v1/api-keys/:id": user("keys:own"),
  "GET /api/v1/audit/tokens": user("usage:read", "ledger:read"),
  "GET /api/v1/auth/identities": user("profile:read"),
  "GET /api/v1/auth/methods": "public",
  "GET /api/v1/auth/oidc/callback": "public",
  "GET /api/v1/auth/oidc/start": "public",
  "GET /api/v1/auth/sessions": user("profile:read"),
  "GET /api/v1/budgets": user("usage:read"),
  "GET /api/v1/profile": user("profile:read"),
  "GET /api/v1/usage/breakdown": user("usage:read", "ledger:read"),
  "GET /api/v1/usage/export": user("usage:read", "ledger:read"),
  "GET /api/v1/usage/logs": user("usage:read", "ledger:read"),
  "GET /api/v1/usage/logs/:id/payload": user("usage:read", "ledger:read"),
  "GET /api/v1/usage/summary": user("usage:read", "ledger:read"),
  "GET /api/v1/usage/timeseries": user("usage:read", "ledger:read"),
  "GET /docs": "public",
  "GET /docs/page.css": "public",
  "GET /docs/page.js": "public",
  "GET /h5": "public",
  "GET /health": "public",
  "GET /health/live": "public",
  "GET /health/liveliness": "public",
  "GET /health/readiness": "public",
  "GET /health/ready": "public",
  "GET /healthz": "public",
  "GET /metrics": { role: "gateway_admin", anyOf: ["metrics:read"], orPublic: true },
  "GET /openapi.json": "public",
  "GET /ui": "public",
  "GET /ui/": "public",
  "GET /ui/element.js": "public",
  "GET /ui/icon.svg": "public",
  "GET /ui/keys.js": "public",
  "GET /ui/login": "public",
  "GET /ui/page.css": "public",
  "GET /ui/page.js": "public",
  "GET /ui/setup": "public",
  "GET /v1/capabilities": "any-key",
  "GET /version": "public",
  "PATCH /api/v1/admin/api-keys/:id": admin("keys:manage"),
  "PATCH /api/v1/admin/budgets/:id": admin("budgets:manage"),
  "PATCH /api/v1/admin/settings": root("settings:write"),
  "PATCH /api/v1/admin/users/:id": admin("users:manage"),
  "PATCH /api/v1/api-keys/:id": user("keys:own"),
  "POST /api/v1/admin/api-keys": admin("keys:manage"),
  "POST /api/v1/admin/api-keys/:id/revoke": admin("keys:manage"),
  "POST /api/v1/admin/api-keys/:id/rotate": admin("keys:manage"),
  "POST /api/v1/admin/api-keys/revoke": admin("keys:manage"),
  "POST /api/v1/admin/budgets": admin("budgets:manage"),
  "POST /api/v1/admin/health/providers/:provider/disable": admin("providers:write"),
  "POST /api/v1/admin/health/providers/:provider/drain": admin("providers:write"),
  "POST /api/v1/admin/health/providers/:provider/enable": admin("providers:write"),
  "POST /api/v1/admin/health/providers/:provider/reset": admin("providers:write"),
  "POST /api/v1/admin/providers": admin("providers:write"),
  "POST /api/v1/admin/providers/:id/disable": admin("providers:write"),
  "POST /api/v1/admin/providers/:id/enable": admin("providers:write"),
  "POST /api/v1/admin/providers/:id/rollback": admin("providers:write"),
  "POST /api/v1/admin/providers/:id/test": admin("providers:write"),
  "POST /api/v1/admin/providers/rotate-secret": admin("providers:write"),
  "POST /api/v1/admin/route": admin("routes:read", "routes:write"),
  "POST /api/v1/admin/routes": admin("routes:write"),
  "POST /api/v1/admin/routes/:id/rollback": admin("routes:write"),
  "POST /api/v1/admin/users": admin("users:manage"),
  "POST /api/v1/admin/users/:id/api-keys": admin("keys:manage"),
  "POST /api/v1/admin/users/import": admin("users:manage"),
  "POST /api/v1/admin/users/invite": admin("users:manage"),
  "POST /api/v1/api-keys": user("keys:own"),
  "POST /api/v1/api-keys/:id/revoke": user("keys:own"),
  "POST /api/v1/api-keys/:id/rotate": user("keys:own"),
  "POST /api/v1/auth/login": "public",
  "POST /api/v1/auth/logout": "any-key",
  "POST /api/v1/auth/oidc/connect": user("profile:read"),
  "POST /api/v1/auth/verify": "public",
  "PUT /api/v1/admin/limits/:id": admin("limits:manage"),
  "PUT /api/v1/admin/providers/:id": admin("providers:write"),
  "PUT /api/v1/admin/providers/:id/keys": admin("providers:write"),
  "PUT /api/v1/admin/routes/:id": admin("routes:write"),
  "calls audio": user("inference:audio"),
  "calls batches": user("batches"),
  "calls chat": user("inference:chat"),
  "calls compact": user("inference:chat"),
  "calls completions": user("inference:completions"),
  "calls containers": user("containers"),
  "calls conversations": user("conversations"),
  "calls count": user("inference:chat"),
  "calls embeddings": user("inference:embeddings"),
  "calls files": user("files"),
  "calls fine_tuning": user("fine_tuning"),
  "calls images": user("inference:images"),
  "calls message_batches": user("batches"),
  "calls models": user("inference:chat", "inference:embeddings"),
  "calls moderations": user("inference:moderations"),
  "calls passthrough": user("passthrough"),
  "calls realtime": user("inference:realtime"),
  "calls rerank": user("inference:rerank"),
  "calls responses": user("inference:chat"),
  "calls uploads": user("files"),
  "calls vector_stores": user("vector_stores"),
  "calls videos": user("inference:videos"),
} as const satisfies Record<string, Permit>;

type RouteName = keyof typeof ROUTE_PERMITS;

/** A command that no route stands for: whoever runs it holds the machine's own files, and no role opens it from elsewhere. */
const MACHINE = "machine";

/** What each command takes: what the route takes that does the same. At the machine itself, whoever can write the database may do all. */
export const COMMAND_PERMITS = {
  "admin api-keys create": "POST /api/v1/admin/api-keys",
  "admin api-keys delete": "DELETE /api/v1/admin/api-keys/:id",
  "admin api-keys list": "GET /api/v1/admin/api-keys",
  "admin api-keys revoke": "POST /api/v1/admin/api-keys/revoke",
  "admin api-keys rotate": "POST /api/v1/admin/api-keys/:id/rotate",
  "admin api-keys show": "GET /api/v1/admin/api-keys/:id",
  "admin api-keys update": "PATCH /api/v1/admin/api-keys/:id",
  "admin audit export": "GET /api/v1/admin/audit/export",
  "admin audit list": "GET /api/v1/admin/audit",
  "admin audit verify": MACHINE,
  "admin budgets create": "POST /api/v1/admin/budgets",
  "admin budgets delete": "DELETE /api/v1/admin/budgets/:id",
  "admin budgets list": "GET /api/v1/admin/budgets",
  "admin budgets show": "GET /api/v1/admin/budgets/:id",
  "admin budgets update": "PATCH /api/v1/admin/budgets/:id",
  "admin cache clear": "DELETE /api/v1/admin/cache",
  "admin cache show": "GET /api/v1/admin/cache",
  "admin doctor": MACHINE,
  "admin health disable": "POST /api/v1/admin/health/providers/:provider/disable",
  "admin health drain": "POST /api/v1/admin/health/providers/:provider/drain",
  "admin health enable": "POST /api/v1/admin/health/providers/:provider/enable",
  "admin health list": "GET /api/v1/admin/health/providers",
  "admin health reset": "POST /api/v1/admin/health/providers/:provider/reset",
  "admin identities delete": "DELETE /api/v1/admin/identities/:id",
  "admin identities list": "GET /api/v1/admin/users/:id/identities",
  "admin limits delete": "DELETE /api/v1/admin/limits/:id",
  "admin limits list": "GET /api/v1/admin/limits",
  "admin limits set": "PUT /api/v1/admin/limits/:id",
  "admin limits show": "GET /api/v1/admin/limits/:id",
  "admin login-link": "POST /api/v1/admin/users/invite",
  "admin providers add": "PUT /api/v1/admin/providers/:id",
  "admin providers disable": "POST /api/v1/admin/providers/:id/disable",
  "admin providers enable": "POST /api/v1/admin/providers/:id/enable",
  "admin providers history": "GET /api/v1/admin/providers/:id/history",
  "admin providers list": "GET /api/v1/admin/providers",
  "admin providers remove": "DELETE /api/v1/admin/providers/:id",
  "admin providers rollback": "POST /api/v1/admin/providers/:id/rollback",
  "admin providers rotate-secret": "POST /api/v1/admin/providers/rotate-secret",
  "admin providers set-key": "PUT /api/v1/admin/providers/:id/keys",
  "admin providers show": "GET /api/v1/admin/providers/:id",
  "admin providers test": "POST /api/v1/admin/providers/:id/test",
  "admin route delete": "DELETE /api/v1/admin/routes/:id",
  "admin route history": "GET /api/v1/admin/routes/:id/history",
  "admin route list": "GET /api/v1/admin/routes",
  "admin route rollback": "POST /api/v1/admin/routes/:id/rollback",
  "admin route set": "PUT /api/v1/admin/routes/:id",
  "admin route show": "GET /api/v1/admin/routes/:id",
  "admin routes delete": "DELETE /api/v1/admin/routes/:id",
  "admin routes history": "GET /api/v1/admin/routes/:id/history",
  "admin routes list": "GET /api/v1/admin/routes",
  "admin routes rollback": "POST /api/v1/admin/routes/:id/rollback",
  "admin routes set": "PUT /api/v1/admin/routes/:id",
  "admin routes show": "GET /api/v1/admin/routes/:id",
  "admin sessions list": "GET /api/v1/admin/sessions",
  "admin sessions revoke": "DELETE /api/v1/admin/sessions",
  "admin settings list": "GET /api/v1/admin/settings",
  "admin settings set": "PATCH /api/v1/admin/settings",
  "admin settings unset": "PATCH /api/v1/admin/settings",
  "admin users create": "POST /api/v1/admin/users",
  "admin users delete": "DELETE /api/v1/admin/users/:id",
  "admin users import": "POST /api/v1/admin/users/import",
  "admin users invite": "POST /api/v1/admin/users/invite",
  "admin users list": "GET /api/v1/admin/users",
  "admin users show": "GET /api/v1/admin/users/:id",
  "admin users status": "PATCH /api/v1/admin/users/:id",
  "admin users update": "PATCH /api/v1/admin/users/:id",
  "audit pack": MACHINE,
  "audit reconcile": MACHINE,
  "audit tokens": "GET /api/v1/audit/tokens",
  "audit verify": MACHINE,
  capabilities: "GET /v1/capabilities",
  completion: MACHINE,
  "config show": MACHINE,
  "config validate": MACHINE,
  connect: MACHINE,
  doctor: MACHINE,
  init: MACHINE,
  "ledger heads": MACHINE,
  "ledger key": MACHINE,
  "ledger rebuild": MACHINE,
  "ledger reprice": MACHINE,
  "ledger verify": MACHINE,
  "migrate copy": MACHINE,
  "migrate export": MACHINE,
  "migrate import-legacy": MACHINE,
  "migrate verify": MACHINE,
  "models list": "calls models",
  "models route": "GET /api/v1/admin/route",
  "prices list": MACHINE,
  "prices refresh": MACHINE,
  "prices show": MACHINE,
  serve: MACHINE,
  "usage breakdown": "GET /api/v1/usage/breakdown",
  "usage export": "GET /api/v1/usage/export",
  "usage logs": "GET /api/v1/usage/logs",
  "usage summary": "GET /api/v1/usage/summary",
  "usage timeseries": "GET /api/v1/usage/timeseries",
  version: "GET /version",
} as const satisfies Record<string, RouteName | typeof MACHINE>;

/** Words of a command behind the program's name; null where it has no line. */
export function findCommandPermit(words: readonly string[]): Permit | typeof MACHINE | null {
  const name = words.join(" ");
  if (!Object.hasOwn(COMMAND_PERMITS, name)) return null;
  const found = COMMAND_PERMITS[name as keyof typeof COMMAND_PERMITS];
  return found === MACHINE ? MACHINE : ROUTE_PERMITS[found];
}

/** The permit of each route. Throws where one has no line, or says of itself something else than its line. */
export function matchPermits(routes: readonly Route[]): Map<Route, Permit> {
  const permits = new Map<Route, Permit>();
  const faults: string[] = [];
  for (const route of routes) {
    const name = route.entry ?? `${route.method} ${route.path}`;
    const permit = Object.hasOwn(ROUTE_PERMITS, name) ? ROUTE_PERMITS[name as RouteName] : null;
    if (permit === null) faults.push(`${name} has no line: say there who may call it`);
    else if (!agrees(route.authority, permit)) faults.push(`${name} says something else there than at its handler`);
    else permits.set(route, route.authority === "public" ? "public" : permit);
  }
  if (faults.length > 0) throw new Error(`src/server/permit.ts: ${faults.join("; ")}.`);
  return permits;
}

/** Whether a caller's role and scopes are enough. */
export function isPermitted(caller: Pick<Caller, "role" | "scopes">, permit: Permit): boolean {
  if (typeof permit === "string") return true;
  return hasRank(caller.role, permit.role) && permit.anyOf.some((scope) => allows(caller, scope));
}

function agrees(authority: Authority, permit: Permit): boolean {
  if (typeof permit === "string") return authority === permit;
  if (typeof authority === "string") return authority === "public" && permit.orPublic === true;
  return authority.anyOf.join() === permit.anyOf.join();
}
