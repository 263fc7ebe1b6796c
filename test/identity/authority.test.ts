// What role and scopes allow together.

import { expect, test } from "bun:test";
import { allows, ROLES, type Role, type Scope, SCOPES } from "../../src/identity/index.ts";

const ALL = Object.keys(SCOPES) as Scope[];
const FOR_ADMINS: Scope[] = [
  "admin",
  "audit:read",
  "keys:manage",
  "metrics:read",
  "routes:read",
  "routes:write",
  "users:manage",
];
const FOR_USERS = ALL.filter((scope) => !FOR_ADMINS.includes(scope));
/** What an ordinary user has only by name. */
const NAMED: Scope[] = ["passthrough"];

function allowed(role: Role, scopes: Scope[]): Scope[] {
  return ALL.filter((scope) => allows({ role, scopes }, scope));
}

test("a key without scopes may do what its owner's role allows", () => {
  expect(allowed("root_admin", [])).toEqual(ALL);
  expect(allowed("gateway_admin", [])).toEqual(ALL);
  expect(allowed("gateway_user", [])).toEqual(FOR_USERS.filter((scope) => !NAMED.includes(scope)));
});

test("a scope allows itself and what it covers, and nothing beside", () => {
  const covers: Partial<Record<Scope, Scope[]>> = {
    admin: ["admin", "audit:read", "keys:manage", "metrics:read", "routes:read", "routes:write", "users:manage"],
    inference: ALL.filter((scope) => scope.startsWith("inference")),
  };
  for (const scope of ALL) expect(allowed("gateway_admin", [scope])).toEqual(covers[scope] ?? [scope]);
});

test("no scope lifts a user above the role", () => {
  expect(allowed("gateway_user", ALL)).toEqual(FOR_USERS);
  expect(allowed("gateway_user", ["admin"])).toEqual([]);
});

test("scopes add up", () => {
  for (const role of ROLES)
    expect(allowed(role, ["inference:chat", "usage:read"])).toEqual(["inference:chat", "usage:read"]);
});
