// Budgets that the gateway's configuration declares, brought into the books: made, changed and lifted as the file says. Knows no file and no SQL.

import { isDeepStrictEqual } from "node:util";
import { GatewayError, toGatewayError } from "../../ir/index.ts";
import { type Origin, byProgram } from "../../lib/change.ts";
import { type CheckedBudget, checkBudget, type NewBudget } from "./directory.ts";
import type { Budget, DraftBudget } from "./model.ts";
import type { BudgetChange, BudgetStore } from "./store.ts";

/** As the file has it: words in order, people and keys still by the name that was written. */
export interface DeclaredBudget extends CheckedBudget {
  /** Id or e-mail; null: of everybody. */
  user: string | null;
  /** Its id. */
  apiKey: string | null;
}

/** What is wrong with what a file says, by the name of the word; else the budget. */
export function judgeDeclared(wanted: NewBudget): CheckedBudget | { param: string | null; message: string } {
  try {
    return checkBudget(wanted);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { param: error.param ?? null, message: error.message };
  }
}

export interface Adoption {
  /** Budgets by name, and what was done. */
  done: { name: string; what: "changed" | "lifted" | "made" | "taken over" }[];
  /** Those that are not in force, and why. */
  failed: { name: string; reason: string }[];
}

interface AdoptInit {
  store: Pick<BudgetStore, "create" | "delete" | "list" | "update">;
  findUser: (idOrEmail: string) => Promise<string>;
  findKey: (id: string) => Promise<string>;
  now: () => number;
  newId: () => string;
}

/** What may change while its windows last, and what its count is a count of. */
const CHANGEABLE = ["alertPercents", "hardLimit", "mode", "softLimit", "unpriced"] as const;
const SCOPE = ["apiKeyId", "each", "model", "period", "provider", "tag", "timeZone", "unit", "userId"] as const;

/**
 * Rejects where the database does not answer. What one budget lacks keeps no other from being in force. One of the same name that was made by
 * hand is taken over; one whose scope has changed is another one from then on, which counts what the ledger has of its window.
 */
export async function adoptDeclared(init: AdoptInit, declared: readonly DeclaredBudget[]): Promise<Adoption> {
  const { store } = init;
  const adoption: Adoption = { done: [], failed: [] };
  const known = new Map((await store.list()).map((budget) => [budget.name, budget]));
  for (const wanted of declared) {
    const { name } = wanted;
    const budget = await resolve(init, wanted).catch(toGatewayError);
    if (budget instanceof GatewayError) {
      if (budget.kind !== "not_found" && budget.kind !== "invalid_request") throw budget;
      adoption.failed.push({ name, reason: budget.message });
      continue;
    }
    const before = known.get(name);
    const what = await bring(init, budget, before);
    if (what !== null) adoption.done.push({ name, what });
  }
  const names = new Set(declared.map(({ name }) => name));
  for (const { id, name, isDeclared } of known.values()) {
    if (!isDeclared || names.has(name)) continue;
    if (await store.delete(id, new Date(init.now()), byFile(init))) adoption.done.push({ name, what: "lifted" });
  }
  return adoption;
}

function byFile({ now }: AdoptInit): Origin {
  return byProgram("configuration", new Date(now()));
}

async function resolve(init: AdoptInit, { user, apiKey, ...checked }: DeclaredBudget): Promise<DraftBudget> {
  const at = new Date(init.now());
  return {
    ...checked,
    id: init.newId(),
    userId: user === null ? null : await init.findUser(user),
    apiKeyId: apiKey === null ? null : await init.findKey(apiKey),
    isDeclared: true,
    createdAt: at,
    updatedAt: at,
  };
}

async function bring(
  init: AdoptInit,
  budget: DraftBudget,
  before: Budget | undefined,
): Promise<Adoption["done"][number]["what"] | null> {
  const { store, now } = init;
  const made = async (): Promise<"made" | null> => {
    try {
      await store.create(budget, byFile(init));
      return "made";
    } catch (error) {
      // Another gateway with the same file was a moment earlier.
      if (error instanceof GatewayError && error.kind === "conflict") return null;
      throw error;
    }
  };
  if (before === undefined) return made();
  const isSameCount = SCOPE.every((field) => before[field] === budget[field]);
  if (!isSameCount) {
    await store.delete(before.id, new Date(now()), byFile(init));
    await made();
    return before.isDeclared ? "changed" : "taken over";
  }
  const change: BudgetChange = before.isDeclared ? {} : { isDeclared: true };
  for (const field of CHANGEABLE) {
    if (!isDeepStrictEqual(before[field], budget[field])) Object.assign(change, { [field]: budget[field] });
  }
  if (Object.keys(change).length === 0) return null;
  await store.update(before.id, change, new Date(now()), byFile(init));
  return before.isDeclared ? "changed" : "taken over";
}
