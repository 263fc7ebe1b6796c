// Budgets and rate limits on a root administrator, and each way to touch them, for tests of who may. Knows no caller.

import { expect } from "bun:test";
import type { Rig } from "../rig.ts";

/** By budgets and rate limits that are there, of the root himself and of a key of his. */
export async function bindRoot(rig: Rig, { userId, keyId }: { userId: string; keyId: string }): Promise<void> {
  const { token } = await rig.issue("root_admin");
  for (const [name, user, key] of [
    ["root-user", userId, null],
    ["root-key", null, keyId],
  ] as const) {
    const budget = { name, user, api_key_id: key, limit_usd: 5 };
    const limit = { user, key, concurrent: 5 };
    expect((await rig.send("/api/v1/admin/budgets", { token, body: budget })).status).toBe(201);
    expect((await rig.send(`/api/v1/admin/limits/${name}`, { token, method: "PUT", body: limit })).status).toBe(201);
  }
}

/** Each way to put a rule on a root administrator, to change it, and to lift it. */
export function listBinding({ userId, email, keyId }: { userId: string; email: string; keyId: string }) {
  const acts: [string, string, object?][] = ["root-user", "root-key"].flatMap((name): [string, string, object?][] => [
    ["PATCH", `/api/v1/admin/budgets/${name}`, { limit_usd: 1 }],
    ["DELETE", `/api/v1/admin/budgets/${name}`],
    ["PUT", `/api/v1/admin/limits/${name}`, { concurrent: 1 }],
    ["DELETE", `/api/v1/admin/limits/${name}`],
  ]);
  for (const named of [{ user: userId }, { user: ` ${email.toUpperCase()} ` }, { key: keyId }]) {
    acts.push(["PUT", "/api/v1/admin/limits/new", { ...named, concurrent: 1 }]);
    const { key, ...user } = { key: undefined, ...named };
    acts.push(["POST", "/api/v1/admin/budgets", { name: "new", limit_usd: 1, ...user, api_key_id: key }]);
  }
  return acts;
}
