// From what was said about providers to their settings: the built-ins, then the declared ones. Knows no file.

import {
  KINDS,
  type ProviderKindDefinition,
  type ProviderSettings,
  type Reach,
  describeReach,
  isWithin,
  judgeHost,
} from "../provider/index.ts";
import { REUSE } from "../ledger/index.ts";
import { MASK } from "./dsn.ts";
import type { ProviderDraft, Setting } from "./gathered.ts";
import { findKindName } from "./gathered.ts";
import type { Values } from "./key.ts";
import { describeKey, listVariables } from "./key.ts";
import { describeBadValue, printOrigin } from "./problem.ts";
import type { Field, FieldValues } from "./provider-key.ts";
import {
  BUILT_IN,
  SHARED_FIELDS,
  describeField,
  describeOption,
  findFlatKey,
  isSharedField,
  nameVariable,
} from "./provider-key.ts";
import { isPoolField, judgePoolField, readPool } from "./provider-pool.ts";
import { readOwnHealth } from "./health.ts";
import type { Reading } from "./read.ts";
import { keepSecret, readSetting } from "./read.ts";
import { headerText, parseText } from "./syntax.ts";

/** Headers that are ours to set, or that would break the call. */
const RESERVED_HEADERS = new Set(["connection", "content-length", "content-type", "host", "transfer-encoding"]);
/** A header with such a name is treated as a secret. */
const SECRET_HEADER = /auth|cookie|credential|key|password|secret|token/;

/** Whether a header is shown to nobody. */
export function isSecretHeader(name: string): boolean {
  return SECRET_HEADER.test(name.toLowerCase());
}

export function readProviders(reading: Reading, values: Values): ProviderSettings[] {
  return listProviderNames(reading).map((name) => readProvider(reading, values, name));
}

export function listProviderNames(reading: Reading): string[] {
  return [...new Set([...BUILT_IN, ...reading.gathered.providers.keys()])];
}

/** Who is being read: all that is known before its fields are. */
interface Subject {
  name: string;
  kindName: string;
  kind: ProviderKindDefinition;
  draft: ProviderDraft | undefined;
}

/** Of `values`, those of the provider's own flat keys are asked for. */
export function readProvider(reading: Reading, values: Values, name: string): ProviderSettings {
  const draft = reading.gathered.providers.get(name);
  const kindName = findKindName(name, draft);
  const kind = KINDS.get(kindName);
  if (kind === undefined) throw new TypeError(`there is no kind of provider named ${kindName}`);
  const subject: Subject = { name, kindName, kind, draft };
  if (name === REUSE && draft !== undefined) {
    const message = "is what the books call answers that were given again: choose another name";
    reading.gathered.problems.push(describeBadValue(draft.origin, `provider.${name}`, message));
  }
  // What is said of a type that nobody knows is wrong by that alone.
  const isTypeKnown = !isTypeMisspelt(draft);
  if (isTypeKnown) refuseFields(reading, subject);
  const fields = readFields(reading, values, subject);
  const baseUrl = fields.base_url ?? kind.baseUrl;
  if (isTypeKnown && baseUrl === null && draft !== undefined && !draft.fields.has("base_url")) {
    const message = `the provider ${name} lacks a base_url, which type=${kindName} needs`;
    reading.gathered.problems.push({ ...draft.origin, key: "base_url", message, suggestion: null });
  }
  const reach = readReach(reading, subject, fields);
  return {
    name,
    kind: kindName,
    baseUrl: baseUrl ?? "",
    reach,
    ...readPool(reading, { name, fields: draft?.fields ?? NO_FIELDS, apiKey: fields.api_key }),
    apiKeyNames: kind.needsKey || kind.keyVariables.length > 0 ? nameKey(subject) : [],
    needsApiKey: kind.needsKey,
    options: readOptions(reading, values, subject),
    headers: readHeaders(reading, subject),
    maxOutputTokens: fields.max_tokens,
    ...(fields.discount === null ? {} : { discount: fields.discount }),
    ...(fields.market_services === null ? {} : { services: readList(fields.market_services) }),
    ...(fields.on_unknown_price === null ? {} : { onUnknownPrice: fields.on_unknown_price }),
    ...(fields.key_strategy === null ? {} : { keyStrategy: fields.key_strategy }),
    ...readOwnHealth(fields),
    ...readBounds(fields),
  };
}

function readList(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

const NO_FIELDS: ProviderDraft["fields"] = new Map();

/** What is not said of it is left out. */
function readBounds(fields: FieldValues): Pick<ProviderSettings, "cap" | "deadlines"> {
  const deadlines = keepSaid({
    connect: fields.connect_timeout,
    firstOutput: fields.first_output_timeout,
    header: fields.header_timeout,
    idle: fields.idle_timeout,
    total: fields.total_timeout,
  });
  const cap = keepSaid({
    atOnce: fields.max_concurrent,
    queueLength: fields.queue_length,
    queueMs: fields.queue_timeout,
  });
  return {
    ...(Object.keys(deadlines).length === 0 ? {} : { deadlines }),
    ...(Object.keys(cap).length === 0 ? {} : { cap }),
  };
}

function keepSaid<Name extends string>(values: Record<Name, number | null>): Partial<Record<Name, number>> {
  const said = Object.entries<number | null>(values).filter(([, value]) => value !== null);
  // The same names; those without a value are gone.
  return Object.fromEntries(said) as Partial<Record<Name, number>>;
}

function isTypeMisspelt(draft: ProviderDraft | undefined): boolean {
  const type = draft?.fields.get("type");
  return type !== undefined && !KINDS.has(type.text.toLowerCase());
}

/** What the operator wrote may lead into private networks, what a vendor's own address says may not; literal addresses are judged here. */
function readReach(reading: Reading, { name, kind, draft }: Subject, fields: FieldValues): Reach {
  const { allow_private: isAllowed, base_url: baseUrl } = fields;
  if (isAllowed === true) return "any";
  const own = kind.baseUrl ?? "";
  const isWritten = baseUrl !== null && baseUrl !== "" && baseUrl !== own;
  const reach = isWritten || judgeUrl(own) === "private" ? "private" : "public";
  const needed = judgeUrl(baseUrl ?? "");
  const flat = findFlatKey(name, "base_url");
  const origin = (flat === null ? draft?.fields.get("base_url") : reading.gathered.settings.get(flat))?.origin;
  if (needed !== null && !isWithin(needed, reach) && origin !== undefined) {
    const message = `this is ${describeReach(needed)}: say allow_private=yes in [provider.${name}] if it is meant`;
    reading.gathered.problems.push(describeBadValue(origin, "base_url", message));
  }
  return reach;
}

function judgeUrl(url: string): Reach | null {
  const parsed = URL.parse(url);
  return parsed === null ? null : judgeHost(parsed.hostname);
}

function readFields(reading: Reading, values: Values, subject: Subject): FieldValues {
  const found: Record<string, unknown> = {};
  for (const field of SHARED_FIELDS) {
    const described = describeField(field);
    const fallback = { base_url: subject.kind.baseUrl, type: subject.kindName }[field as string];
    found[field] = readField(reading, values, subject, {
      name: field,
      field: isBuiltIn(subject.name) || !fallback ? described : { ...described, fallback },
    });
  }
  // readField gives each field's own type or null.
  return found as FieldValues;
}

function readOptions(reading: Reading, values: Values, subject: Subject): Record<string, string> {
  const options: [string, string][] = [];
  for (const [name, option] of Object.entries(subject.kind.options)) {
    const value = readField(reading, values, subject, { name, field: describeOption(option) });
    if (typeof value === "string") options.push([name, value]);
  }
  return Object.fromEntries(options);
}

/** Absent fields are left out of what is shown. */
function readField(
  reading: Reading,
  values: Values,
  { name: provider, draft }: Subject,
  { name, field }: { name: string; field: Field },
): unknown {
  const flat = findFlatKey(provider, name);
  if (flat !== null) return values[flat];
  const setting = draft?.fields.get(name);
  if (setting === undefined && field.fallback === undefined) return null;
  return readSetting(reading, { name: `provider.${provider}.${name}`, key: field, setting });
}

function readHeaders(reading: Reading, { name: provider, draft }: Subject): Record<string, string> {
  const headers: [string, string][] = [];
  for (const [header, setting] of draft?.headers ?? []) {
    const name = `provider.${provider}.header.${header}`;
    const parsed = parseText(headerText, setting.text);
    const wrong = checkHeaderName(provider, header) ?? ("message" in parsed ? parsed.message : null);
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
  const secret = isSecretHeader(header);
  if (secret) {
    keepSecret(reading, setting.text);
    // `Bearer x`: the second word alone is what must not turn up in a log.
    keepSecret(reading, setting.text.split(/\s+/).at(-1) ?? "");
  }
  const value = secret ? MASK : setting.text;
  reading.effective.push({ key: name, value, origin: printOrigin(setting.origin), secret });
}

function checkHeaderName(provider: string, header: string): string | null {
  if (provider === "loopback") return "loopback calls nobody";
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(header)) return "this is no header's name";
  return RESERVED_HEADERS.has(header) ? "this header is the gateway's own to set" : null;
}

/** What was said about it and means nothing there. */
function refuseFields(reading: Reading, { name, kindName, kind, draft }: Subject): void {
  for (const [field, setting] of draft?.fields ?? []) {
    const wrong = judgeField(field, { name, kindName, kind, setting });
    if (wrong !== null) reading.gathered.problems.push(describeBadValue(setting.origin, field, wrong));
  }
}

function judgeField(
  field: string,
  { name, kindName, kind, setting }: Pick<Subject, "kind" | "kindName" | "name"> & { setting: Setting },
): string | null {
  if (name === "loopback") return field === "models" ? null : "the built-in provider loopback has no such setting";
  if (field === "type" && isBuiltIn(name) && setting.text.toLowerCase() !== name) {
    return `the type of the built-in provider ${name} cannot be changed: choose another name`;
  }
  if (isPoolField(field)) return judgePoolField(field);
  if (isSharedField(field) || Object.hasOwn(kind.options, field)) return null;
  const known = Object.keys(kind.options);
  const rest = known.length === 0 ? "" : ` (it has ${known.join(", ")})`;
  return `type=${kindName} has no such setting${rest}`;
}

function isBuiltIn(name: string): boolean {
  return BUILT_IN.some((builtIn) => builtIn === name);
}

/** Every way to give it its key. */
function nameKey({ name, kindName, kind }: Subject): readonly string[] {
  const flat = findFlatKey(name, "api_key");
  if (flat !== null) return [flat, ...listVariables(flat), ...(describeKey(flat).usual ?? [])];
  const usual = name === kindName ? kind.keyVariables : [];
  return [`[provider.${name}] api_key`, nameVariable(name, "api_key"), ...usual];
}
