// What role and scopes allow together.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { allows, ROLES, type Role, type Scope, SCOPES } from "../../src/identity/index.ts";

const ALL = Object.keys(SCOPES) as Scope[];
const FOR_ROOTS: Scope[] = ["settings:read", "settings:write"];
const FOR_ADMINS: Scope[] = [
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
  ...FOR_ROOTS,
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
  expect(allowed("gateway_admin", [])).toEqual(ALL.filter((scope) => !FOR_ROOTS.includes(scope)));
  expect(allowed("gateway_user", [])).toEqual(FOR_USERS.filter((scope) => !NAMED.includes(scope)));
});

test("a scope allows itself and what it covers, and nothing beside", () => {
  const covers: Partial<Record<Scope, Scope[]>> = {
    admin: FOR_ADMINS,
    inference: ALL.filter((scope) => scope.startsWith("inference")),
  };
  for (const scope of ALL) expect(allowed("root_admin", [scope])).toEqual(covers[scope] ?? [scope]);
});

test("no scope lifts a user above the role", () => {
  expect(allowed("gateway_user", ALL)).toEqual(FOR_USERS);
  expect(allowed("gateway_user", ["admin"])).toEqual([]);
  expect(allowed("gateway_admin", FOR_ROOTS)).toEqual([]);
});

test("scopes add up", () => {
  for (const role of ROLES)
    expect(allowed(role, ["inference:chat", "usage:read"])).toEqual(["inference:chat", "usage:read"]);
});

describe("laws of scopes", () => {
  const scope = fc.constantFrom(...ALL);
  const scopes = fc.uniqueArray(scope);
  const role = fc.constantFrom(...ROLES);

  test("a scope more takes nothing away from a limited key, and gives what it says", () => {
    fc.assert(
      fc.property(role, scopes, scope, (owner, held, more) => {
        fc.pre(held.length > 0);
        const [before, after] = [allowed(owner, held), allowed(owner, [...held, more])];
        expect(after).toEqual(expect.arrayContaining(before));
        const gained = after.filter((each) => !before.includes(each));
        expect(allowed(owner, [more])).toEqual(expect.arrayContaining(gained));
      }),
    );
  });

  test("neither order nor repetition of scopes says anything", () => {
    fc.assert(
      fc.property(role, scopes, (owner, held) => {
        expect(allowed(owner, [...held, ...held.toReversed()])).toEqual(allowed(owner, held));
      }),
    );
  });

  test("a limited key does no more than one without limits, but for what a user has by name alone", () => {
    fc.assert(
      fc.property(role, scopes, (owner, held) => {
        const beyond = allowed(owner, held).filter((each) => !allowed(owner, []).includes(each));
        expect(beyond.every((each) => owner === "gateway_user" && NAMED.includes(each) && held.includes(each))).toBe(
          true,
        );
      }),
    );
  });

  test("a higher role takes nothing away, and a key's scopes bind the highest, too", () => {
    fc.assert(
      fc.property(scopes, (held) => {
        const [root = [], admin = [], user = []] = ROLES.map((each) => allowed(each, held));
        expect(root).toEqual(expect.arrayContaining(admin));
        expect(admin).toEqual(expect.arrayContaining(user));
        if (held.length > 0) {
          expect(root.every((each) => held.some((one) => allowed("root_admin", [one]).includes(each)))).toBe(true);
        }
      }),
    );
  });
});
