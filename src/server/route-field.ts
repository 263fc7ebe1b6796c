// The fields of a route as programs write them, in JSON: what stands in lists and objects there is one line in a file. Knows no meaning of a field.

import { type Json, type JsonObject, checkAll, invalidRequest, isJsonObject } from "../ir/index.ts";
import { findUnseen, sayUnseen } from "../lib/unseen.ts";

/** By name, as a section of the configuration says them. Throws invalid_request. */
export function readFields(said: Readonly<Record<string, unknown>>): Record<string, string> {
  const prints = Object.entries(said as JsonObject).flatMap(([name, value]): [string, () => string][] => {
    if (value === null) return [];
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
  const options = Object.entries(set !== undefined && isJsonObject(set) ? set : {}).map(([field, inner]) => {
    const text = JSON.stringify(inner);
    if (/[\s,]/u.test(text)) {
      throw invalidRequest(`${name}: set.${field} is too much for one target: say it in the route's own set.`, name);
    }
    return `set.${field}=${text}`;
  });
  const labels = Array.isArray(keys) ? keys.map(String).join("+") : typeof keys === "string" ? keys : "";
  const who = labels === "" ? provider : `${provider}#${labels}`;
  const words = [
    typeof model === "string" ? `${who}/${model}` : who,
    ...(weight === undefined || weight === null ? [] : [`weight=${JSON.stringify(weight)}`]),
    ...options,
    ...(percent === undefined || percent === null ? [] : [`${JSON.stringify(percent)}%`]),
  ];
  return checkLine(name, words.join(" "));
}

function checkLine(name: string, text: string): string {
  const unseen = findUnseen(text);
  if (unseen === null) return text.trim();
  throw invalidRequest(`${name} must be one line of text: it cannot hold ${sayUnseen(unseen)}.`, name);
}
