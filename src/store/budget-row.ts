// A budget as its row has it. Knows no query.

import type { Budget } from "../ledger/index.ts";
import { UNITS } from "./budget-table.ts";
import type { Schema } from "./schema.ts";

/** Moved by every change of a budget; a row carries its value at its last change. */
export const REVISION = "budget_revision";

export type BudgetRow = Schema["budgets"]["$inferSelect"];

export function toBudget(row: BudgetRow): Budget {
  const { id, name, userId, apiKeyId, provider, model, tag, each, unit, hardLimit, softLimit } = row;
  const { period, timeZone, mode, unpriced, alertPercents, isDeclared, removedBefore, createdAt, updatedAt } = row;
  const scope = { userId, apiKeyId, provider, model, tag };
  // A limit of nobody knows what cannot be counted: it lets nothing pass, as one does that cannot be read.
  const limit = Object.hasOwn(UNITS, unit) ? { unit, hardLimit, softLimit } : { ...SHUT, hardLimit: hardLimit && 0 };
  const limits = { ...limit, each, period, timeZone, mode, unpriced, alertPercents };
  return { id, name, ...scope, ...limits, isDeclared, removedBefore, createdAt, updatedAt };
}

const SHUT = { unit: "usd", softLimit: null } as const;
