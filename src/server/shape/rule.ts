// Budgets, rate limits and the cache, as they are answered.

import { z } from "zod";
import {
  ANY_OBJECT,
  COUNT,
  MAYBE_COUNT,
  MAYBE_TEXT,
  MAYBE_TIME,
  MAYBE_USD,
  NANOS,
  TEXT,
  TEXTS,
  TIME,
} from "./basic.ts";

/** In dollars or in tokens, as the budget's unit is. */
function figures(...names: string[]): Record<string, z.ZodType> {
  return Object.fromEntries(
    names.flatMap((name) => [
      [`${name}_usd`, MAYBE_USD.optional()],
      [`${name}_nanos`, NANOS.nullable().optional()],
      [`${name}_tokens`, z.int().nullable().optional()],
    ]),
  );
}

const BUDGET_STATE = z
  .object({
    window_start: TIME,
    resets_at: MAYBE_TIME,
    ...figures("spent", "reserved", "remaining", "soft_remaining"),
    refusals: COUNT,
    unpriced_requests: COUNT,
  })
  .meta({ id: "BudgetState" });

const SHARED = {
  id: TEXT,
  name: TEXT,
  provider: MAYBE_TEXT,
  model: MAYBE_TEXT,
  tag: MAYBE_TEXT,
  each: MAYBE_TEXT,
  unit: z.enum(["tokens", "usd"]),
  ...figures("limit", "soft_limit"),
  period: TEXT,
  time_zone: TEXT,
  mode: TEXT,
  rows_removed_before: TIME.optional().describe(
    "What is spent lacks rows from before this moment, which were gone by age when the budget was made: no kept sum tells its models",
  ),
  state: BUDGET_STATE.nullable().describe("Null where it is counted for each of many"),
};
const WHOSE = {
  user_id: MAYBE_TEXT,
  api_key_id: MAYBE_TEXT,
  unpriced: TEXT,
  alert_percents: z.array(z.number()),
  declared_by: MAYBE_TEXT,
  created_at: TIME,
  updated_at: TIME,
};
const FORCE = {
  in_force: z.boolean().describe("False where the user or the key that it is for is gone"),
  why_not: TEXT.optional(),
};
export const OWN_BUDGET = z.object(SHARED).meta({ id: "OwnBudget" });
export const BUDGET = z.object({ ...SHARED, ...WHOSE, ...FORCE }).meta({ id: "Budget" });
const { rows_removed_before: _gap, state: _state, ...RULE } = { ...SHARED, ...WHOSE };
export const BUDGET_SHOWN = z.object({
  budget: BUDGET,
  states: z
    .array(BUDGET_STATE.extend({ user: TEXT.optional(), key: TEXT.optional() }))
    .describe("What is settled, as the ledger has it: for each subject, where it is counted for each"),
});
export const BUDGET_RULE = z
  .object(RULE)
  .meta({ id: "BudgetRule", description: "A budget without what is left of it" });

export const LIMIT_ANSWER = z
  .object({
    name: TEXT,
    fields: ANY_OBJECT.optional().describe("As it was said, where it cannot be read"),
    requests_per_minute: MAYBE_COUNT.optional(),
    tokens_per_minute: MAYBE_COUNT.optional(),
    concurrent: MAYBE_COUNT.optional(),
    per: TEXTS.optional(),
    key: MAYBE_TEXT.optional(),
    user: MAYBE_TEXT.optional(),
    model: MAYBE_TEXT.optional(),
    provider: MAYBE_TEXT.optional(),
    source: TEXT,
    origin: MAYBE_TEXT,
    in_force: z.boolean(),
    why_not: TEXT.optional(),
    version: MAYBE_COUNT,
    created_at: MAYBE_TIME,
    updated_at: MAYBE_TIME,
    states: z.array(ANY_OBJECT).describe("What is used of it, one for each whom it counts for"),
  })
  .meta({ id: "Limit" });

export const CACHE_REPORT = z
  .object({
    cache: z.looseObject({ store: TEXT }),
    idempotency: z.object({
      on: z.boolean(),
      window_seconds: z.number(),
      running: COUNT,
      finished: COUNT,
      bytes: COUNT,
      shared: COUNT,
      replayed: COUNT,
      conflicts: COUNT,
    }),
    shelf: z.looseObject({ store: TEXT }).describe("The rules by which answers are kept"),
  })
  .meta({ id: "CacheReport" });

export const CACHE_CLEARED = z.object({ store: TEXT, removed: MAYBE_COUNT });
