// The fields of a provider as programs write them, in JSON: what stands in lists and objects there is one line in a file, and what is secret goes a way of
// its own. Knows no meaning of a field.

import { isCredential } from "../config/index.ts";
import type { SaidSecrets } from "../gateway/index.ts";
import { type Json, type JsonObject, checkAll, invalidRequest, isJsonObject } from "../ir/index.ts";
import { findUnseen, sayUnseen } from "../lib/unseen.ts";

export interface SaidProvider {
  /** By name, as a section of the configuration says them. */
  fields: Record<string, string>;
  secrets: Record<string, string | null>;
}

/** Throws invalid_request, without a word of what is secret. */
export function readProviderFields(said: Readonly<Record<string, unknown>>): SaidProvider {
  const found: SaidProvider = { fields: {}, secrets: {} };
  const puts = Object.entries(said as JsonObject).flatMap(([written, value]): [string, () => void][] => {
    const name = written.toLowerCase();
    const isGroup = isJsonObject(value);
    if (name === "headers" && isGroup) return [[name, () => putAll(found, "header", value)]];
    if (name === "api_keys" && isGroup) return [[name, () => putAll(found, "api_key", value)]];
    if (name !== "fields" || !isGroup) return [[name, () => put(found, name, value)]];
    return Object.entries(value).map(([field, inner]) => [`fields ${field}`, () => put(found, field, inner)]);
  });
  checkAll(Object.fromEntries(puts));
  return found;
}

export function readSecrets(said: Readonly<Record<string, unknown>>): SaidSecrets {
  const { fields, secrets } = readProviderFields(said);
  const [stray] = Object.keys(fields);
  if (stray === undefined) return secrets;
  // What has no field's form may be a key itself, in the wrong place.
  const name = /^[a-z][a-z_.]{0,31}$/u.test(stray) ? stray : "a field (not repeated here)";
  throw invalidRequest(`${name}: this is no key: here only keys are set.`, name);
}

/** `{eu: "…"}`, and of keys `{eu: {key, weight}}`. */
function putAll(found: SaidProvider, prefix: "api_key" | "header", group: JsonObject): void {
  for (const [label, value] of Object.entries(group)) {
    const name = `${prefix}.${label.toLowerCase()}`;
    if (prefix === "header" || !isJsonObject(value)) put(found, name, value);
    else {
      put(found, name, value["key"] ?? null);
      if (value["weight"] !== undefined) put(found, `${name}.weight`, value["weight"]);
    }
  }
}

function put({ fields, secrets }: SaidProvider, written: string, value: Json): void {
  const name = written.toLowerCase();
  if (name === "__proto__") throw invalidRequest(`${name}: there is no such field.`, name);
  if (isCredential(name)) {
    // The file of an account is an object itself.
    if (value !== null && typeof value !== "string" && !isJsonObject(value))
      throw invalidRequest(`${name} must be text.`, name);
    secrets[name] = value === null ? null : typeof value === "string" ? value.trim() : JSON.stringify(value);
  } else if (value !== null && value !== "") fields[name] = print(name, value);
}

function print(name: string, value: Json): string {
  if (Array.isArray(value)) return value.map((item) => print(name, item)).join(", ");
  if (isJsonObject(value)) {
    throw invalidRequest(
      `${name}: a provider's fields stand side by side, as in {type, base_url, api_key, headers: {NAME: …}}.`,
      name,
    );
  }
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = String(value);
  const unseen = findUnseen(text);
  if (unseen === null) return text.trim();
  throw invalidRequest(`${name} must be one line of text: it cannot hold ${sayUnseen(unseen)}.`, name);
}
