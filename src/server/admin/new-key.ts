// What may be said of an API key by HTTP. Knows no route; what of it is allowed is identity's to judge.

import { z } from "zod";
import type { KeyWish } from "../../identity/index.ts";

const WORDS = z.array(z.string()).nullable().optional();

/** Null of a list: none, as if it were empty. */
export const KEY_CHANGE = z.strictObject({
  name: z.string().nullable().optional(),
  scopes: WORDS,
  strict: z.boolean().optional(),
  allowed_models: WORDS,
  allowed_providers: WORDS,
  allowed_ips: WORDS,
  tags: WORDS,
  expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
});

export const ROTATION = z.strictObject({ overlap_seconds: z.number().min(0).max(31_536_000).optional() });

export function readKeyWish(body: z.output<typeof KEY_CHANGE>): KeyWish {
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
