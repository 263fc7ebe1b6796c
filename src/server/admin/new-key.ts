// What may be said of an API key by HTTP. Knows no route; what of it is allowed is identity's to judge.

import { z } from "zod";
import { type Directory, type KeyWish, SCOPES } from "../../identity/index.ts";
import { GatewayError, checkAll, placeRefusal } from "../../ir/index.ts";
import { PERIODS, checkBudget } from "../../ledger/index.ts";

const WORDS = z.array(z.string()).nullable().optional();

/** Null of a list: none, as if it were empty. */
export const KEY_CHANGE = z.strictObject({
  name: z.string().nullable().optional(),
  scopes: z
    .array(z.string().meta({ enum: Object.keys(SCOPES) }))
    .nullable()
    .optional(),
  strict: z.boolean().optional(),
  allowed_models: WORDS,
  allowed_providers: WORDS,
  allowed_ips: WORDS,
  tags: WORDS,
  expires_at: z.iso
    .datetime({ offset: true })
    .nullable()
    .optional()
    .meta({ examples: ["2026-12-31T00:00:00Z"] }),
});

export const KEY_BUDGET = z.strictObject({
  limit_usd: z.union([z.number(), z.string()]).optional(),
  limit_tokens: z.number().optional(),
  period: z
    .string()
    .meta({ enum: [...PERIODS] })
    .optional(),
});
export const NEW_KEY = KEY_CHANGE.extend({ budget: KEY_BUDGET.optional() });
export const OWNED_KEY = NEW_KEY.extend({ user: z.string() });

export const ROTATION = z.strictObject({ overlap_seconds: z.number().min(0).max(31_536_000).optional() });

export function readKeyWish(body: Partial<z.output<typeof KEY_CHANGE>>): KeyWish {
  return {
    name: body.name,
    scopes: readWords(body.scopes),
    strict: body.strict,
    allowedModels: readWords(body.allowed_models),
    allowedProviders: readWords(body.allowed_providers),
    allowedIps: readWords(body.allowed_ips),
    tags: readWords(body.tags),
    expiresAt: typeof body.expires_at === "string" ? new Date(body.expires_at) : body.expires_at,
  };
}

function readWords(words: string[] | null | undefined): string[] | undefined {
  return words === null ? [] : words;
}

/** Throws invalid_request with all that is wrong with the words of a key and of its budget. */
export function judgeNewKey(
  directory: Pick<Directory, "checkKey">,
  { budget, ...said }: Partial<z.output<typeof NEW_KEY>>,
): void {
  checkAll({
    key: () => directory.checkKey(readKeyWish(said)),
    budget: budget === undefined ? undefined : () => judgeBudget(budget),
  });
}

function judgeBudget(said: z.output<typeof KEY_BUDGET>): void {
  try {
    checkBudget({ name: "-", limitUsd: said.limit_usd, limitTokens: said.limit_tokens, period: said.period });
  } catch (error) {
    throw error instanceof GatewayError ? placeRefusal(error, "budget") : error;
  }
}
