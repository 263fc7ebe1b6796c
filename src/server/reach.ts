// What binds a key or a user from outside, budgets and rate limits: who may put it there or take it away, and what a key that is so bound may not do.
// Knows no route.

import { type ApiKey, type Caller, type Directory, type User } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import type { BudgetDirectory } from "../ledger/index.ts";
import type { LiveLimits } from "./limit-table.ts";

/** Whom a rule names. */
export interface Named {
  /** An id or an e-mail address. */
  user?: string | null | undefined;
  /** An id. */
  key?: string | null | undefined;
}

/** Where a key's own bounds are looked for. */
export interface BoundParts {
  limits: Pick<LiveLimits, "refresh" | "standing">;
  rules: Pick<BudgetDirectory, "list">;
}

/** Whether a budget or a rate limit names this key. */
export async function isMetered(keyId: string, { limits, rules }: BoundParts): Promise<boolean> {
  await limits.refresh();
  if (limits.standing().some(({ limit }) => limit?.key === keyId)) return true;
  return (await rules.list()).some(({ apiKeyId }) => apiKeyId === keyId);
}

/**
 * What counts for one key alone would count nothing of another: such a key makes none, and touches no other, for whoever has it would have two.
 * `target`: the key that is to be changed; null where one is to be made. Throws forbidden.
 */
export async function requireUnmetered(
  { keyId }: Pick<Caller, "keyId">,
  target: string | null,
  isMetered: (keyId: string) => Promise<boolean>,
): Promise<void> {
  if (keyId === "" || keyId === target?.trim() || !(await isMetered(keyId))) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "metered_key",
    message:
      "This API key has a budget or a rate limit of its own, so it makes, changes and rotates no other keys, which would not be counted by it. Do it at the console, or with a key that has none.",
  });
}

/**
 * Rules on a root administrator are a root administrator's alone, and no key changes those on itself. `standing`: whom the rule names that is
 * changed or lifted; null where there is none yet. Throws forbidden.
 */
export async function requireMayBind(
  caller: Pick<Caller, "keyId" | "role">,
  { wanted, standing }: { wanted: Named | null; standing: Named | null },
  directory: Pick<Directory, "getKey" | "getUser">,
): Promise<void> {
  if (caller.keyId !== "" && standing?.key === caller.keyId) {
    throw new GatewayError({
      kind: "forbidden",
      code: "own_bounds",
      message: "No API key changes or lifts what binds itself. Do it at the console, or with another key.",
    });
  }
  if (caller.role === "root_admin") return;
  const owners = await Promise.all([wanted, standing].map((named) => findOwners(named, directory)));
  if (!owners.flat().some(({ role }) => role === "root_admin")) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "root_out_of_reach",
    message: "Only a root admin may set, change or lift what binds a root admin or one of his API keys.",
  });
}

/** Those who are there; who is named and is not is told of by whoever looks him up. */
async function findOwners(
  named: Named | null,
  directory: Pick<Directory, "getKey" | "getUser">,
): Promise<Pick<User, "role">[]> {
  const { user, key } = named ?? {};
  const owners: User[] = [];
  if (isSaid(user)) owners.push(...(await ifThere(directory.getUser(user.trim()))));
  const keys: ApiKey[] = isSaid(key) ? await ifThere(directory.getKey(key.trim())) : [];
  for (const { userId } of keys) owners.push(...(await ifThere(directory.getUser(userId))));
  return owners;
}

function isSaid(word: string | null | undefined): word is string {
  return typeof word === "string" && word.trim() !== "";
}

/** None where it is not there. */
export async function ifThere<Found>(looking: Promise<Found>): Promise<Found[]> {
  try {
    return [await looking];
  } catch (error) {
    if (error instanceof GatewayError && error.kind === "not_found") return [];
    throw error;
  }
}
