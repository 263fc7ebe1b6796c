// From what was said about providers to their settings: the built-ins, then the declared ones. Knows no file.

import type { ProviderKind, ProviderSettings } from "../provider/settings.ts";
import { MASK } from "./dsn.ts";
import type { ProviderDraft, Setting } from "./gathered.ts";
import type { KeyName, Values } from "./key.ts";
import { describeKey, listVariables } from "./key.ts";
import { describeBadValue, printOrigin } from "./problem.ts";
import type { FieldValues, ProviderField } from "./provider-key.ts";
import { PROVIDER_FIELDS, describeField } from "./provider-key.ts";
import type { Reading } from "./read.ts";
import { keepSecret, readSetting } from "./read.ts";
import { headerText, parseText } from "./syntax.ts";

const BUILT_IN = ["loopback", "openai", "anthropic"] as const;

/** Headers that are ours to set, or that would break the call. */
const RESERVED_HEADERS = new Set(["connection", "content-length", "content-type", "host", "transfer-encoding"]);
/** A header with such a name is treated as a secret. */
const SECRET_HEADER = /auth|cookie|credential|key|password|secret|token/;

export function readProviders(reading: Reading, values: Values): ProviderSettings[] {
  const drafts = reading.gathered.providers;
  const declared = [...drafts.keys()].filter((name) => !BUILT_IN.some((builtIn) => builtIn === name));
  return [
    readLoopback(reading, drafts.get("loopback")),
    readOpenai(reading, values, drafts.get("openai")),
    readAnthropic(reading, values, drafts.get("anthropic")),
    ...declared.map((name) => readDeclared(reading, values, name)),
  ];
}

export function listProviderNames(reading: Reading): string[] {
  return [...new Set([...BUILT_IN, ...reading.gathered.providers.keys()])];
}

function readLoopback(reading: Reading, draft: ProviderDraft | undefined): ProviderSettings {
  refuseFields(reading, draft, { name: "loopback", allowed: ["models"] });
  for (const [header, setting] of draft?.headers ?? []) {
    reading.gathered.problems.push(describeBadValue(setting.origin, `header.${header}`, "loopback calls nobody"));
  }
  return { ...EMPTY, name: "loopback", kind: "loopback", baseUrl: "" };
}

function readOpenai(reading: Reading, values: Values, draft: ProviderDraft | undefined): ProviderSettings {
  refuseFields(reading, draft, { name: "openai", allowed: ["max_tokens", "models", "type"] });
  const fields = readFields(reading, "openai", draft);
  return {
    ...EMPTY,
    name: "openai",
    kind: "openai",
    baseUrl: values.openai_base_url,
    apiKey: values.openai_api_key,
    apiKeyNames: nameKey("openai_api_key"),
    needsApiKey: true,
    organization: values.openai_org,
    project: values.openai_project,
    headers: readHeaders(reading, "openai", draft),
    maxOutputTokens: fields.max_tokens,
  };
}

function readAnthropic(reading: Reading, values: Values, draft: ProviderDraft | undefined): ProviderSettings {
  refuseFields(reading, draft, { name: "anthropic", allowed: ["models", "type"] });
  readFields(reading, "anthropic", draft);
  const beta = values.anthropic_beta_header;
  return {
    ...EMPTY,
    name: "anthropic",
    kind: "anthropic",
    baseUrl: values.anthropic_base_url,
    apiKey: values.anthropic_api_key,
    apiKeyNames: nameKey("anthropic_api_key"),
    needsApiKey: true,
    version: values.anthropic_version,
    headers: { ...(beta === null ? {} : { "anthropic-beta": beta }), ...readHeaders(reading, "anthropic", draft) },
    maxOutputTokens: values.anthropic_max_tokens,
  };
}

const EMPTY = {
  apiKey: null,
  apiKeyNames: [],
  needsApiKey: false,
  organization: null,
  project: null,
  version: null,
  headers: {},
  maxOutputTokens: null,
} as const;

/** Where a declared provider of a vendor's type is reached unless it says otherwise, and which version it asks for. */
function inheritFrom(kind: ProviderKind, values: Values): { baseUrl: string | null; version: string | null } {
  if (kind === "openai") return { baseUrl: describeKey("openai_base_url").fallback ?? null, version: null };
  if (kind === "anthropic") {
    return { baseUrl: describeKey("anthropic_base_url").fallback ?? null, version: values.anthropic_version };
  }
  return { baseUrl: null, version: null };
}

function readDeclared(reading: Reading, values: Values, name: string): ProviderSettings {
  const draft = reading.gathered.providers.get(name);
  const fields = readFields(reading, name, draft);
  const kind = fields.type ?? "compatible";
  const inherited = inheritFrom(kind, values);
  const baseUrl = fields.base_url ?? inherited.baseUrl;
  if (baseUrl === null && draft !== undefined && !draft.fields.has("base_url")) {
    const origin = draft.origin;
    const message = `the provider ${name} lacks a base_url, which type=compatible needs`;
    reading.gathered.problems.push({ ...origin, key: "base_url", message, suggestion: null });
  }
  return {
    name,
    kind,
    baseUrl: baseUrl ?? "",
    apiKey: fields.api_key,
    apiKeyNames: kind === "compatible" ? [] : [`[provider.${name}] api_key`, nameVariable(name, "api_key")],
    needsApiKey: kind !== "compatible",
    organization: fields.organization,
    project: fields.project,
    version: fields.version ?? inherited.version,
    headers: readHeaders(reading, name, draft),
    maxOutputTokens: fields.max_tokens,
  };
}

/** Absent fields are left out of what is shown. */
function readFields(reading: Reading, provider: string, draft: ProviderDraft | undefined): FieldValues {
  const values: Record<string, unknown> = {};
  for (const field of PROVIDER_FIELDS) {
    const setting = draft?.fields.get(field);
    const name = `provider.${provider}.${field}`;
    values[field] = setting === undefined ? null : readSetting(reading, { name, key: describeField(field), setting });
  }
  const wrong = provider === "openai" || provider === "anthropic" ? values["type"] : null;
  const typeOrigin = draft?.fields.get("type")?.origin;
  if (wrong !== null && wrong !== provider && typeOrigin !== undefined) {
    const message = `the type of the built-in provider ${provider} cannot be changed: choose another name`;
    reading.gathered.problems.push(describeBadValue(typeOrigin, "type", message));
  }
  // readSetting gives each field's own type or null.
  return values as FieldValues;
}

function readHeaders(reading: Reading, provider: string, draft: ProviderDraft | undefined): Record<string, string> {
  const headers: [string, string][] = [];
  for (const [header, setting] of draft?.headers ?? []) {
    const name = `provider.${provider}.header.${header}`;
    const parsed = parseText(headerText, setting.text);
    const wrong = checkHeaderName(header) ?? ("message" in parsed ? parsed.message : null);
    if (wrong !== null) {
      reading.gathered.problems.push(describeBadValue(setting.origin, `header.${header.slice(0, 60)}`, wrong));
      continue;
    }
    headers.push([header, setting.text]);
    showHeader(reading, name, { header, setting });
  }
  return Object.fromEntries(headers);
}

function showHeader(reading: Reading, name: string, { header, setting }: { header: string; setting: Setting }): void {
  const secret = SECRET_HEADER.test(header);
  if (secret) {
    keepSecret(reading, setting.text);
    // `Bearer x`: the second word alone is what must not turn up in a log.
    keepSecret(reading, setting.text.split(/\s+/).at(-1) ?? "");
  }
  const value = secret ? MASK : setting.text;
  reading.effective.push({ key: name, value, origin: printOrigin(setting.origin), secret });
}

function checkHeaderName(header: string): string | null {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(header)) return "this is no header's name";
  return RESERVED_HEADERS.has(header) ? "this header is the gateway's own to set" : null;
}

interface Refused {
  name: string;
  allowed: readonly ProviderField[];
}

function refuseFields(reading: Reading, draft: ProviderDraft | undefined, { name, allowed }: Refused): void {
  for (const [field, setting] of draft?.fields ?? []) {
    if (allowed.includes(field)) continue;
    const message = `the built-in provider ${name} has no such setting`;
    reading.gathered.problems.push(describeBadValue(setting.origin, field, message));
  }
}

function nameKey(key: KeyName): readonly string[] {
  return [key, ...listVariables(key), ...(describeKey(key).usual ?? [])];
}

function nameVariable(provider: string, field: ProviderField): string {
  return `TOKLIGENCE_PROVIDER_${provider.toUpperCase().replaceAll("-", "_")}_${field.toUpperCase()}`;
}
