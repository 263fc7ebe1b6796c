// What may be said about a provider, in `[provider.NAME]` and in TOKLIGENCE_PROVIDER_<NAME>_<FIELD>: a few fields for all, and what
// each kind has of its own. Knows no file and no layer.

import type * as z from "zod";
import { KEY_STRATEGIES, KINDS, type ProviderOption } from "../provider/index.ts";
import { HEALTH_FIELDS } from "./health-key.ts";
import type { Key, KeyName } from "./key.ts";
import { sortTable } from "./sort.ts";
import { isPoolField, isPoolSecret } from "./provider-pool.ts";
import * as syntax from "./syntax.ts";

export interface Field extends Pick<Key, "fallback" | "path" | "secret" | "type"> {
  about: string;
  /** What a template shows. */
  example: string;
}

/** What is there without being declared, and cannot be made into something else. */
export const BUILT_IN = ["loopback", "openai", "anthropic"] as const;

/** `loopback` calls nobody, so that one is enough. */
export const DECLARABLE: readonly string[] = [...KINDS.keys()].filter((name) => name !== "loopback");

/** 0 is without end. */
const duration = syntax.defineDuration({ zeroMs: syntax.LONGEST_MS });

const OWN_FIELDS = {
  allow_private: {
    about: "Whether its address may lead to private networks though it is a vendor's, or to a cloud's own addresses",
    type: syntax.boolean,
    example: "no",
  },
  api_key: {
    about:
      "Its key, where it needs one; or api_key_file, a file that holds it. Of several, each has a name: api_key.NAME, and api_key.NAME.weight",
    type: syntax.headerText,
    example: "",
    secret: true,
  },
  base_url: {
    about: "Where it is reached, up to what comes before /chat/completions",
    type: syntax.baseUrl,
    example: "http://localhost:11434/v1",
  },
  connect_timeout: {
    about: "Of its calls, instead of upstream_connect_timeout",
    type: duration,
    example: "3s",
  },
  discount: {
    about: "Percent off its listed prices, as agreed with it",
    type: syntax.percent,
    example: "12.5",
  },
  first_output_timeout: {
    about: "Of its calls, instead of upstream_first_output_timeout",
    type: duration,
    example: "30m",
  },
  header_timeout: {
    about: "Of its calls, instead of upstream_header_timeout",
    type: duration,
    example: "30m",
  },
  idle_timeout: {
    about: "Of its calls, instead of upstream_idle_timeout",
    type: duration,
    example: "1m",
  },
  key_strategy: {
    about: `Which of several keys comes first: ${KEY_STRATEGIES.join(", ")}; unless said, by turns, by their weights where these are said, and as the route does where that is sticky`,
    type: syntax.defineChoice(KEY_STRATEGIES),
    example: "least-busy",
  },
  market_services: {
    about:
      "Ids of the marketplace's services that its calls are bought as, separated by commas; market_price_file has their prices",
    type: syntax.plain,
    example: "svc_12, svc_13",
  },
  max_concurrent: {
    about: "Calls to it under way at once, instead of max_concurrent_per_provider; 0: no limit",
    type: syntax.defineInteger(0, 1_000_000),
    example: "8",
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
  on_unknown_price: {
    about: "allow, warn or refuse calls whose price nobody knows; unless said, on_unknown_price of the gateway",
    type: syntax.unknownPrice,
    example: "refuse",
  },
  queue_length: {
    about: "Calls that wait for one of these to end, instead of queue_length of the gateway",
    type: syntax.defineInteger(0, 1_000_000),
    example: "32",
  },
  queue_timeout: {
    about: "How long they wait, instead of queue_timeout of the gateway",
    type: syntax.defineDuration(),
    example: "10s",
  },
  total_timeout: {
    about: "Of its calls, instead of upstream_total_timeout",
    type: duration,
    example: "5m",
  },
  type: {
    about: "Whose server it is or behaves like; unless said, the type of that name, else compatible",
    type: syntax.defineChoice(DECLARABLE),
    example: "ollama",
  },
} as const satisfies Record<string, Field>;

export const FIELDS = sortTable({ ...OWN_FIELDS, ...HEALTH_FIELDS }) satisfies Record<string, Field>;

type SharedField = keyof typeof FIELDS;

export type FieldValues = { [F in SharedField]: z.output<(typeof FIELDS)[F]["type"]> | null };

export const SHARED_FIELDS = Object.keys(FIELDS) as readonly SharedField[];

const OPTIONS: ReadonlyMap<string, ProviderOption> = new Map(
  [...KINDS.values()].flatMap((kind) => Object.entries(kind.options)),
);

/** Every name that may stand in some provider's section. */
export const PROVIDER_FIELDS: readonly string[] = [...SHARED_FIELDS, ...OPTIONS.keys()].toSorted();

export function isProviderField(name: string): boolean {
  return Object.hasOwn(FIELDS, name) || OPTIONS.has(name) || isPoolField(name);
}

export function isSharedField(name: string): name is SharedField {
  return Object.hasOwn(FIELDS, name);
}

export function describeField(name: SharedField): Field {
  return FIELDS[name];
}

/** An option as a field: secrets may be anything, as they may be whole files. */
export function describeOption(option: ProviderOption): Field {
  const { about, example, fallback } = option;
  const type = chooseType(option);
  return {
    about,
    example,
    type,
    ...(fallback === undefined ? {} : { fallback }),
    ...(option.secret === true ? { secret: true } : {}),
  };
}

function chooseType({ choices, example, form, isList, isMap, isUrl, secret }: ProviderOption): Field["type"] {
  if (isUrl === true) return syntax.baseUrl;
  if (isMap === true) return syntax.map;
  if (form !== undefined) return syntax.definePart(form, example);
  if (choices !== undefined) return isList === true ? syntax.defineList(choices) : syntax.defineChoice(choices);
  return secret === true ? syntax.plain : syntax.headerText;
}

/** `api_key_file` is `api_key` given as a path; so for every secret. */
export function readFieldForm(written: string): { field: string; isPath: boolean } {
  const base = written.endsWith("_file") ? written.slice(0, -"_file".length) : "";
  return isSecretField(base) ? { field: base, isPath: true } : { field: written, isPath: false };
}

export function isSecretField(name: string): boolean {
  if (isPoolSecret(name)) return true;
  return isSharedField(name) ? describeField(name).secret === true : OPTIONS.get(name)?.secret === true;
}

const FLAT_KEYS: ReadonlyMap<string, KeyName> = new Map<string, KeyName>([
  ["anthropic.api_key", "anthropic_api_key"],
  ["anthropic.base_url", "anthropic_base_url"],
  ["anthropic.beta", "anthropic_beta_header"],
  ["anthropic.max_tokens", "anthropic_max_tokens"],
  ["anthropic.version", "anthropic_version"],
  ["openai.api_key", "openai_api_key"],
  ["openai.base_url", "openai_base_url"],
  ["openai.organization", "openai_org"],
  ["openai.project", "openai_project"],
]);

/** Built-in providers' fields have keys of their own at the top of a file too: two ways of saying one thing. */
export function findFlatKey(provider: string, field: string): KeyName | null {
  return FLAT_KEYS.get(`${provider}.${field}`) ?? null;
}

export function listFlatKeys(provider: string): KeyName[] {
  return [...FLAT_KEYS].flatMap(([id, key]) => (id.startsWith(`${provider}.`) ? [key] : []));
}

/** Our own variable for a field. */
export function nameVariable(provider: string, field: string): string {
  return `TOKLIGENCE_PROVIDER_${provider.toUpperCase().replaceAll("-", "_")}_${field.toUpperCase()}`;
}

export interface FlatForm {
  provider: string;
  field: "api_key" | "base_url";
  isPath: boolean;
}

/** All that can be said of a declarable provider above the sections. */
export function listFlatForms(): string[] {
  return DECLARABLE.map((name) => name.replaceAll("-", "_")).flatMap((name) => [
    `${name}_api_key`,
    `${name}_api_key_file`,
    `${name}_base_url`,
  ]);
}

/** `groq_api_key` at the top of a file is the key of the provider that is named like its kind, as it is for those that have such keys. */
export function readFlatForm(written: string): FlatForm | null {
  const [, word = "", field, file] = /^(.+)_(api_key|base_url)(_file)?$/.exec(written) ?? [];
  const provider = [word, word.replaceAll("_", "-")].find((name) => DECLARABLE.includes(name));
  if (provider === undefined || findFlatKey(provider, "api_key") !== null) return null;
  if (field === "api_key") return { provider, field, isPath: file !== undefined };
  return field === "base_url" && file === undefined ? { provider, field, isPath: false } : null;
}
