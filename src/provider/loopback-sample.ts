// The smallest value that fits a JSON schema, for a model that must answer in JSON without understanding any. Knows no format.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";

const MAX_DEPTH = 16;
const MAX_ITEMS = 8;

/** `text` stands wherever a string may; patterns and formats are not minded. */
export function makeSample(schema: JsonObject, text: string): Json {
  return sample(schema, { root: schema, text, depth: 0 });
}

interface Place {
  /** Where `#/…` begins. */
  root: JsonObject;
  text: string;
  depth: number;
}

function sample(schema: JsonObject, place: Place): Json {
  if (place.depth > MAX_DEPTH) return null;
  const inner = { ...place, depth: place.depth + 1 };
  for (const name of ["const", "default"]) if (schema[name] !== undefined) return schema[name];
  if (Array.isArray(schema["enum"])) return schema["enum"][0] ?? null;
  if (typeof schema["$ref"] === "string") return sample(follow(schema["$ref"], place.root), inner);
  for (const name of ["anyOf", "oneOf"]) {
    const choices = schema[name];
    if (Array.isArray(choices) && isJsonObject(choices[0])) return sample(choices[0], inner);
  }
  if (Array.isArray(schema["allOf"])) {
    const values = schema["allOf"].filter(isJsonObject).map((part) => sample(part, inner));
    return Object.assign({}, ...values.filter(isJsonObject));
  }
  return sampleType(schema, inner);
}

function sampleType(schema: JsonObject, place: Place): Json {
  const types = [schema["type"]].flat();
  const type = types.find((name) => name !== "null") ?? (isJsonObject(schema["properties"]) ? "object" : types[0]);
  switch (typeof type === "string" ? type.toLowerCase() : "object") {
    case "array":
      return sampleArray(schema, place);
    case "boolean":
      return false;
    case "integer":
    case "number":
      return readCount(schema["minimum"]) ?? 0;
    case "null":
      return null;
    case "string":
      return sampleString(schema, place.text);
    default:
      return sampleObject(schema, place);
  }
}

function sampleObject(schema: JsonObject, place: Place): JsonObject {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const entries = required.flatMap((name) => {
    const property = typeof name === "string" ? (properties[name] ?? {}) : null;
    return typeof name === "string" && isJsonObject(property) ? [[name, sample(property, place)] as const] : [];
  });
  return Object.fromEntries(entries);
}

function sampleArray(schema: JsonObject, place: Place): Json[] {
  const items = isJsonObject(schema["items"]) ? schema["items"] : {};
  const length = Math.min(readCount(schema["minItems"]) ?? 0, MAX_ITEMS);
  return Array.from({ length }, () => sample(items, place));
}

function sampleString(schema: JsonObject, text: string): string {
  const least = Math.min(readCount(schema["minLength"]) ?? 0, 1_000);
  return text.padEnd(least, ".").slice(0, readCount(schema["maxLength"]) ?? undefined);
}

function readCount(value: Json | undefined): number | null {
  return typeof value === "number" ? value : null;
}

/** What `#/$defs/name` points to. */
function follow(reference: string, root: JsonObject): JsonObject {
  let found: Json = root;
  for (const step of reference.replace(/^#\/?/u, "").split("/")) {
    found = isJsonObject(found) ? (found[decodeURIComponent(step)] ?? {}) : {};
  }
  return isJsonObject(found) ? found : {};
}
