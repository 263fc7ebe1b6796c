// The fields of a route as programs write them, in JSON: what stands in lists and objects there is one line in a file. Knows no meaning of a field.

import { type Json, type JsonObject, checkAll, invalidRequest, isJsonObject } from "../ir/index.ts";
import { findUnseen, sayUnseen } from "../lib/unseen.ts";

/** By name, as a section of the configuration says them. Throws invalid_request. */
export function readFields(said: Readonly<Record<string, unknown>>): Record<string, string> {
  const prints = Object.entries(said as JsonObject).flatMap(([name, value]): [string, () => string][] => {
    if (value === null) return [];
    if (name === "fields" && isJsonObject(value)) return Object.entries(value).flatMap(repeat);
    if ((name === "set" || name === "header") && isJsonObject(value)) {
      return Object.entries(value).map(([member, inner]) => [
        `${name}.${member}`,
        () => (name === "set" ? JSON.stringify(inner) : print(`header.${member}`, inner)),
      ]);
    }
    return [[name, () => (name.startsWith("set.") ? JSON.stringify(value) : print(name, value))]];
  });
  return checkAll(Object.fromEntries(prints));
}

/** Text stands as it is, so that what was given out can be given back. */
function repeat([name, value]: [string, Json]): [string, () => string][] {
  if (value === null) return [];
  if (name === "__proto__") throw invalidRequest(`${name}: there is no such field.`, name);
  if (typeof value === "string") return [[name, () => value.trim()]];
  return [[name, () => (name.startsWith("set.") ? JSON.stringify(value) : print(name, value))]];
}

function print(name: string, value: Json): string {
  if (Array.isArray(value)) return value.map((item) => print(name, item)).join(", ");
  if (isJsonObject(value)) return printTarget(name, value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  return checkLine(name, String(value));
}

const TARGET_FIELDS: ReadonlySet<string> = new Set(["canary", "on_context_length", "on_refusal", "shadow", "targets"]);
const SHAPE =
  "a route's fields stand side by side, as in {targets: [{provider, model}], strategy, tools: true, header: {NAME: …}, set: {FIELD: …}}";

/** `{provider, keys, model, weight, percent, set}`. */
function printTarget(name: string, { provider, keys, model, weight, percent, set, ...more }: JsonObject): string {
  const [stray] = Object.keys(more);
  if (!TARGET_FIELDS.has(name)) throw invalidRequest(`${name}: no such field holds an object; ${SHAPE}.`, name);
  if (typeof provider !== "string" || stray !== undefined) {
    const what = stray === undefined ? "provider is missing" : `"${stray}" is unknown`;
    throw invalidRequest(`${name}: ${what}: a target is {provider, keys, model, weight, set}, or text.`, name);
  }
  const options = Object.entries(readSet(name, set)).map(([field, inner]) => {
    const text = JSON.stringify(inner);
    if (/[\s,]/u.test(text)) {
      throw invalidRequest(`${name}: set.${field} is too much for one target: say it in the route's own set.`, name);
    }
    return `set.${field}=${text}`;
  });
  const labels = readLabels(name, keys);
  const who = labels === "" ? provider : `${provider}#${labels}`;
  const asked = readModel(name, model);
  const words = [
    asked === null ? who : `${who}/${asked}`,
    ...(weight === undefined || weight === null ? [] : [`weight=${JSON.stringify(weight)}`]),
    ...options,
    ...(percent === undefined || percent === null ? [] : [`${JSON.stringify(percent)}%`]),
  ];
  return checkLine(name, words.join(" "));
}

function readSet(name: string, set: Json = null): JsonObject {
  if (set === null) return {};
  if (isJsonObject(set)) return set;
  throw invalidRequest(`${name}: set must be an object, as in {temperature: 0}.`, name);
}

function readLabels(name: string, keys: Json = null): string {
  if (keys === null) return "";
  const labels = Array.isArray(keys) ? keys.map((label) => (typeof label === "string" ? label : " ")).join("+") : keys;
  if (typeof labels === "string" && /^[^\s,/#]*$/u.test(labels)) return labels;
  throw invalidRequest(`${name}: keys must be a list of names, or names with + between them.`, name);
}

function readModel(name: string, model: Json = null): string | null {
  if (model === null || model === "") return null;
  if (typeof model !== "string") throw invalidRequest(`${name}: model must be text.`, name);
  // What is written out would be taken for another target, or for what is said of this one.
  if (/[\s,]/u.test(model)) throw invalidRequest(`${name}: model cannot hold blanks and commas.`, name);
  return model;
}

function checkLine(name: string, text: string): string {
  const unseen = findUnseen(text);
  if (unseen === null) return text.trim();
  throw invalidRequest(`${name} must be one line of text: it cannot hold ${sayUnseen(unseen)}.`, name);
}
