// What may be said about a provider, in `[provider.NAME]` and in TOKLIGENCE_PROVIDER_<NAME>_<FIELD>. Knows no file and no layer.

import type * as z from "zod";
import type { KeyName } from "./key.ts";
import * as syntax from "./syntax.ts";

export interface Field {
  about: string;
  type: z.ZodType<unknown, string>;
  /** What a template shows. */
  example: string;
  secret?: true;
}

export const FIELDS = {
  api_key: {
    about: "Its key, where it needs one; or api_key_file, a file that holds it",
    type: syntax.headerText,
    example: "",
    secret: true,
  },
  base_url: {
    about: "Where it is reached, up to what comes before /chat/completions",
    type: syntax.baseUrl,
    example: "http://localhost:11434/v1",
  },
  max_tokens: {
    about: "Output limit to ask for where the client gives none and the format demands one",
    type: syntax.defineInteger(1, 10_000_000),
    example: "8192",
  },
  models: {
    about: "Patterns of the models that it answers, separated by commas",
    type: syntax.plain,
    example: "llama*, qwen*",
  },
  organization: { about: "Sent as openai-organization (type openai)", type: syntax.headerText, example: "org-..." },
  project: { about: "Sent as openai-project (type openai)", type: syntax.headerText, example: "proj_..." },
  type: {
    about: "Whose server it is or behaves like: compatible, openai or anthropic",
    type: syntax.defineChoice(["compatible", "openai", "anthropic"]),
    example: "compatible",
  },
  version: { about: "Sent as anthropic-version (type anthropic)", type: syntax.headerText, example: "2023-06-01" },
} as const satisfies Record<string, Field>;

export type ProviderField = keyof typeof FIELDS;

export type FieldValues = { [F in ProviderField]: z.output<(typeof FIELDS)[F]["type"]> | null };

export const PROVIDER_FIELDS = Object.keys(FIELDS) as readonly ProviderField[];

export function isProviderField(name: string): name is ProviderField {
  return Object.hasOwn(FIELDS, name);
}

export function describeField(name: ProviderField): Field {
  return FIELDS[name];
}

const FLAT_KEYS: ReadonlyMap<string, KeyName> = new Map<string, KeyName>([
  ["anthropic.api_key", "anthropic_api_key"],
  ["anthropic.base_url", "anthropic_base_url"],
  ["anthropic.max_tokens", "anthropic_max_tokens"],
  ["anthropic.version", "anthropic_version"],
  ["openai.api_key", "openai_api_key"],
  ["openai.base_url", "openai_base_url"],
  ["openai.organization", "openai_org"],
  ["openai.project", "openai_project"],
]);

/** Built-in providers' fields have keys of their own at the top of a file too: two ways of saying one thing. */
export function findFlatKey(provider: string, field: ProviderField): KeyName | null {
  return FLAT_KEYS.get(`${provider}.${field}`) ?? null;
}
