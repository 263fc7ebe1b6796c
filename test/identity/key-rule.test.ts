// What a key may be limited to, and how much of one's own rights one may hand on with it.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Actor, ROLES, type Role, SCOPES, type Scope, allows } from "../../src/identity/index.ts";
import { requireNoWider } from "../../src/identity/key-rule.ts";
import { type House, NOON, openHouse } from "./harness.ts";

const OPERATOR: Actor = { kind: "operator" };
const ALL = Object.keys(SCOPES) as Scope[];

let house: House;
beforeEach(async () => {
  house = await openHouse();
});
afterEach(() => house.close());

let serial = 0;
const addUser = (role: Role = "gateway_user") =>
  house.directory.createUser(OPERATOR, { email: `user${++serial}@example.com`, role });

describe("limits", () => {
  test("are tidied and kept", async () => {
    const { id } = await addUser();
    const wish = {
      allowedModels: [" gpt-4o* ", "!*audio*", "gpt-4o*", ""],
      allowedProviders: ["openai"],
      allowedIps: ["10.1.2.3/8", "10.0.0.0/8", "2001:DB8::/32"],
      tags: ["team=a", "env=prod", "team=a"],
    };
    const { key } = await house.directory.createKey(OPERATOR, id, wish);
    expect(key).toMatchObject({
      allowedModels: ["gpt-4o*", "!*audio*"],
      allowedProviders: ["openai"],
      allowedIps: ["10.0.0.0/8", "2001:db8::/32"],
      tags: ["team=a", "env=prod"],
    });
    expect(await house.directory.getKey(key.id)).toEqual(key);
  });

  test.each([
    ["allowed_models", { allowedModels: [""] }],
    ["allowed_ips", { allowedIps: [" ", ""] }],
    ["allowed_models", { allowedModels: ["gpt*4"] }],
    ["allowed_models", { allowedModels: ["!"] }],
    ["allowed_models", { allowedModels: ["a b"] }],
    ["allowed_models", { allowedModels: ["x".repeat(300)] }],
    ["allowed_models", { allowedModels: Array.from({ length: 101 }, (_, index) => `m${index}`) }],
    ["allowed_providers", { allowedProviders: ["open*ai"] }],
    ["allowed_ips", { allowedIps: ["10.0.0.0/40"] }],
    ["allowed_ips", { allowedIps: ["example.com"] }],
    ["tags", { tags: ["a,b"] }],
    ["tags", { tags: ["=x"] }],
    ["tags", { tags: Array.from({ length: 17 }, (_, index) => `t${index}`) }],
  ])("of another shape are refused by the name %s: %j", async (param, wish) => {
    const { id } = await addUser();
    await expect(house.directory.createKey(OPERATOR, id, wish)).rejects.toMatchObject({
      kind: "invalid_request",
      param,
    });
    expect(await house.directory.listKeys(null)).toEqual([]);
  });
});

test("no key goes beyond its owner's role, whoever makes or changes it", async () => {
  for (const role of ROLES) {
    const { id } = await addUser(role);
    const { key } = await house.directory.createKey(OPERATOR, id, {});
    for (const scope of ALL) {
      const make = () => house.directory.createKey(OPERATOR, id, { scopes: [scope] });
      const change = () => house.directory.updateKey(OPERATOR, key.id, { scopes: [scope] });
      if (allows({ role, scopes: [scope] }, scope)) {
        expect((await make()).key.scopes).toEqual([scope]);
        expect((await change()).scopes).toEqual([scope]);
      } else {
        const refusal = { kind: "forbidden", code: "scope_beyond_role", param: "scopes" };
        await expect(make()).rejects.toMatchObject(refusal);
        await expect(change()).rejects.toMatchObject(refusal);
      }
    }
  }
});

describe("a limited key hands on no more than it has", () => {
  const RIGHTS = {
    scopes: ["keys:own", "inference:chat"],
    allowedModels: ["gpt-*"],
    allowedProviders: ["openai"],
    allowedIps: ["10.0.0.0/8"],
    tags: ["team=a"],
    expiresAt: new Date(NOON + 60_000),
  };

  async function limited() {
    const user = await addUser();
    const { key } = await house.directory.createKey(OPERATOR, user.id, RIGHTS);
    const actor: Actor = { kind: "user", userId: user.id, role: user.role, keyId: key.id, scopes: key.scopes };
    return { user, key, actor };
  }

  test.each([
    ["scopes", { scopes: [] }, "scope_not_held"],
    ["scopes", { scopes: ["usage:read"] }, "scope_not_held"],
    ["allowed_models", { allowedModels: [] }, "wider_than_own"],
    ["allowed_models", { allowedModels: ["gpt-4o", "claude*"] }, "wider_than_own"],
    ["allowed_providers", { allowedProviders: ["*"] }, "wider_than_own"],
    ["allowed_ips", { allowedIps: ["10.1.0.0/16", "0.0.0.0/0"] }, "wider_than_own"],
    ["allowed_ips", { allowedIps: [] }, "wider_than_own"],
    ["tags", { tags: ["team=b"] }, "wider_than_own"],
    ["expires_at", { expiresAt: null }, "wider_than_own"],
    ["expires_at", { expiresAt: new Date(NOON + 60_001) }, "wider_than_own"],
  ])("neither %s by %j to a new one, nor to one that is there, nor to itself", async (param, over, code) => {
    const { user, key, actor } = await limited();
    const refusal = { kind: "forbidden", code, param };
    await expect(house.directory.createKey(actor, user.id, { ...RIGHTS, ...over })).rejects.toMatchObject(refusal);
    await expect(house.directory.updateKey(actor, key.id, over)).rejects.toMatchObject(refusal);
    expect(await house.directory.listKeys(user.id)).toEqual([key]);
  });

  test("but less", async () => {
    const { user, actor } = await limited();
    const less = {
      scopes: ["inference:chat"],
      allowedModels: ["gpt-4o"],
      allowedProviders: ["openai"],
      allowedIps: ["10.1.0.0/16"],
      tags: ["team=a", "env=prod"],
      expiresAt: new Date(NOON + 30_000),
    };
    const { key } = await house.directory.createKey(actor, user.id, less);
    expect(key).toMatchObject(less as object);
    expect((await house.directory.updateKey(actor, key.id, { name: "renamed" })).name).toBe("renamed");
  });

  test("and is given the token of no wider key", async () => {
    const { user, key, actor } = await limited();
    const wide = await house.directory.createKey(OPERATOR, user.id, {});
    await expect(house.directory.rotateKey(actor, wide.key.id, { overlapMs: 0 })).rejects.toMatchObject({
      kind: "forbidden",
    });
    expect((await house.directory.rotateKey(actor, key.id, { overlapMs: 0 })).key.id).toBe(key.id);
  });

  test("whatever the scopes: nobody hands on one that he has not", () => {
    const scopes = fc.uniqueArray(fc.constantFrom(...ALL), { maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...ROLES), scopes, scopes, scopes, (role, held, wanted, asked) => {
        const caller = { role, scopes: held };
        try {
          requireNoWider(caller, null, { scopes: wanted });
        } catch {
          return true;
        }
        return asked.every((scope) => !allows({ role, scopes: wanted }, scope) || allows(caller, scope));
      }),
      { numRuns: 3_000 },
    );
  });
});

test("a session hands on what its user's role allows, and no more", async () => {
  const user = await addUser();
  const actor: Actor = { kind: "user", userId: user.id, role: user.role };
  const { key } = await house.directory.createKey(actor, user.id, {});
  expect(key.scopes).toEqual([]);
  await expect(house.directory.createKey(actor, user.id, { scopes: ["passthrough"] })).rejects.toMatchObject({
    code: "scope_not_held",
  });
});

describe("many at once", () => {
  test("are revoked by what they have in common, and those of roots by roots alone", async () => {
    const [ana, root, admin] = [await addUser(), await addUser("root_admin"), await addUser("gateway_admin")];
    const make = async (owner: string, wish = {}) => (await house.directory.createKey(OPERATOR, owner, wish)).key.id;
    const mine = await make(ana.id, { tags: ["team=a"] });
    const roots = await make(root.id, { tags: ["team=a"] });
    const other = await make(ana.id);
    const actor: Actor = { kind: "user", userId: admin.id, role: "gateway_admin" };
    const revoke = async (by: Actor, choice: object, dryRun = false) =>
      (await house.directory.revokeKeys(by, choice, { dryRun })).map(({ id }) => id);
    expect(await revoke(actor, { tag: "team=a" }, true)).toEqual([mine]);
    expect((await house.directory.getKey(mine)).revokedAt).toBeNull();
    expect(await revoke(actor, { tag: "team=a" })).toEqual([mine]);
    expect(await revoke(actor, { tag: "team=a" })).toEqual([]);
    expect(await revoke(OPERATOR, { tag: "team=a" })).toEqual([roots]);
    house.clock.now += 1_000;
    expect(await revoke(OPERATOR, { user: ana.email, unusedSince: new Date(NOON) })).toEqual([]);
    expect(await revoke(OPERATOR, { user: ana.email, unusedSince: new Date(NOON + 1) })).toEqual([other]);
    const him: Actor = { kind: "user", userId: ana.id, role: "gateway_user" };
    await expect(revoke(him, { user: ana.id })).rejects.toMatchObject({ kind: "forbidden" });
    // Named, it is refused: "0 keys revoked" would be taken for "nothing is open any more".
    await make(root.id);
    await expect(revoke(actor, { user: root.email })).rejects.toMatchObject({ kind: "forbidden" });
    await expect(revoke(actor, { user: root.email }, true)).rejects.toMatchObject({ kind: "forbidden" });
    await expect(revoke(OPERATOR, {})).rejects.toMatchObject({ kind: "invalid_request" });
    await expect(revoke(OPERATOR, { prefix: "tok_" })).rejects.toMatchObject({ param: "prefix" });
  });

  test("a revoked key is neither changed nor rotated, and revoked once", async () => {
    const { id } = await addUser();
    const { key } = await house.directory.createKey(OPERATOR, id, {});
    const revoked = await house.directory.revokeKey(OPERATOR, key.id);
    expect(revoked.revokedAt).toEqual(new Date(NOON));
    house.clock.now += 1_000;
    expect(await house.directory.revokeKey(OPERATOR, key.id)).toEqual(revoked);
    await expect(house.directory.updateKey(OPERATOR, key.id, { name: "x" })).rejects.toMatchObject({
      kind: "conflict",
    });
    await expect(house.directory.rotateKey(OPERATOR, key.id, { overlapMs: 0 })).rejects.toMatchObject({
      kind: "conflict",
    });
  });
});
