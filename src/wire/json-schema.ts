// JSON schemas as one provider takes them and another refuses them: older drafts told in the newest, unions at the top merged, and what
// answers that are held to a schema may be held to. Knows no format.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";

/** Keywords whose value is one schema, a list of schemas, or schemas by name. */
const INNER = ["items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"];
const LISTS = ["anyOf", "oneOf", "allOf", "prefixItems"];
const MAPS = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/** Deeper schemas are left as they are. */
const MAX_DEPTH = 100;

/**
 * The schema of a tool's arguments as every provider takes it: an object at its top, without a union there, in the newest draft.
 * `merged` names the unions at the top, of which only what their branches have in common is still demanded.
 */
export function fitParameters(parameters: JsonObject | null): { schema: JsonObject; merged: string[] } {
  if (parameters === null) return { schema: { type: "object", properties: {} }, merged: [] };
  const modern = renewDraft(parameters);
  const merged = ["anyOf", "oneOf", "allOf"].filter((name) => Array.isArray(modern[name]));
  const schema: JsonObject = merged.length === 0 ? modern : mergeTop(modern, merged);
  const fitted: JsonObject = { type: "object", ...schema };
  if (schema["type"] !== "object") fitted["type"] = "object";
  if (!isJsonObject(fitted["properties"])) fitted["properties"] = {};
  return { schema: fitted, merged };
}

/** Draft 4 and 7, and OpenAPI's `nullable`, as draft 2020-12 says them. Returns the same object where nothing has to change. */
function renewDraft(schema: JsonObject, depth = 0): JsonObject {
  if (depth > MAX_DEPTH) return schema;
  let renewed = mapInner(schema, (inner) => renewDraft(inner, depth + 1));
  const change = (fields: JsonObject, ...left: string[]): void => {
    renewed = { ...Object.fromEntries(Object.entries(renewed).filter(([name]) => !left.includes(name))), ...fields };
  };
  for (const [flag, bound] of [
    ["exclusiveMinimum", "minimum"],
    ["exclusiveMaximum", "maximum"],
  ] as const) {
    const value = renewed[bound];
    if (renewed[flag] === true && typeof value === "number") change({ [flag]: value }, bound);
    else if (typeof renewed[flag] === "boolean") change({}, flag);
  }
  const { items, additionalItems, type } = renewed;
  if (Array.isArray(items)) {
    change({ prefixItems: items, ...(additionalItems === undefined ? {} : { items: additionalItems }) }, "items");
    change({}, "additionalItems");
  }
  if (typeof renewed["nullable"] === "boolean") {
    change(renewed["nullable"] && typeof type === "string" ? { type: [type, "null"] } : {}, "nullable");
  }
  return renewed;
}

function mapInner(schema: JsonObject, map: (inner: JsonObject) => JsonObject): JsonObject {
  let changed: JsonObject | null = null;
  const set = (name: string, value: Json): void => {
    if (value !== schema[name]) changed = { ...(changed ?? schema), [name]: value };
  };
  for (const name of INNER) {
    const inner = schema[name];
    if (isJsonObject(inner)) set(name, map(inner));
  }
  for (const name of [...LISTS, "items"]) {
    const list = schema[name];
    if (Array.isArray(list))
      set(
        name,
        mapSame(list, (inner) => (isJsonObject(inner) ? map(inner) : inner)),
      );
  }
  for (const name of MAPS) {
    const inner = schema[name];
    if (!isJsonObject(inner)) continue;
    const values = Object.values(inner);
    const mapped = mapSame(values, (value) => (isJsonObject(value) ? map(value) : value));
    if (mapped !== values)
      set(name, Object.fromEntries(Object.keys(inner).map((key, at) => [key, mapped[at] ?? null])));
  }
  return changed ?? schema;
}

function mapSame(list: Json[], map: (value: Json) => Json): Json[] {
  const mapped = list.map(map);
  return mapped.some((value, index) => value !== list[index]) ? mapped : list;
}

/** One object with the properties of all branches; of alternatives, only what each of them requires is required. */
function mergeTop(schema: JsonObject, unions: string[]): JsonObject {
  const rest = Object.fromEntries(Object.entries(schema).filter(([name]) => !unions.includes(name)));
  const properties: Record<string, Json[]> = {};
  const required = new Set(listNames(rest["required"]));
  for (const union of unions) {
    const branches = listObjects(schema[union]).map((branch) => resolve(branch, schema));
    const lists = branches.map((branch) => listNames(branch["required"]));
    const shared =
      union === "allOf" ? lists.flat() : (lists[0] ?? []).filter((name) => lists.every((list) => list.includes(name)));
    for (const name of shared) required.add(name);
    for (const branch of branches) collectProperties(branch["properties"], properties);
  }
  collectProperties(rest["properties"], properties);
  return {
    ...rest,
    type: "object",
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, forms]) => [
        name,
        forms.length === 1 ? (forms[0] ?? {}) : { anyOf: forms },
      ]),
    ),
    ...(required.size === 0 ? {} : { required: [...required] }),
  };
}

function collectProperties(value: Json | undefined, into: Record<string, Json[]>): void {
  if (!isJsonObject(value)) return;
  for (const [name, form] of Object.entries(value)) {
    const known = (into[name] ??= []);
    if (!known.some((other) => Bun.deepEquals(other, form))) known.push(form);
  }
}

/** A branch that only points to a definition, as that definition. */
function resolve(branch: JsonObject, root: JsonObject): JsonObject {
  const match = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(typeof branch["$ref"] === "string" ? branch["$ref"] : "");
  const definitions = match === null ? undefined : root[match[1] ?? ""];
  const found = isJsonObject(definitions) ? definitions[match?.[2] ?? ""] : undefined;
  return isJsonObject(found) ? found : branch;
}

function listNames(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}

function listObjects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** True where every object names all its properties as required and allows no others: what providers demand of a strict schema. */
export function isStrict(schema: JsonObject, depth = 0): boolean {
  if (depth > MAX_DEPTH || (depth === 0 && (schema["type"] !== "object" || schema["anyOf"] !== undefined)))
    return false;
  if (
    ["allOf", "oneOf", "not", "if", "patternProperties", "dependentSchemas"].some((name) => schema[name] !== undefined)
  )
    return false;
  if (isJsonObject(schema["properties"]) || includesType(schema, "object")) {
    const names = Object.keys(isJsonObject(schema["properties"]) ? schema["properties"] : {});
    const required = listNames(schema["required"]);
    if (schema["additionalProperties"] !== false || names.some((name) => !required.includes(name))) return false;
  }
  let isFine = true;
  mapInner(schema, (inner) => {
    isFine &&= isStrict(inner, depth + 1);
    return inner;
  });
  return isFine;
}

function includesType({ type }: JsonObject, wanted: string): boolean {
  return type === wanted || (Array.isArray(type) && type.includes(wanted));
}

const FORMATS = ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];
/** Keywords that grammars for constrained answers cannot hold, told in the description instead. */
const UNHELD = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "pattern",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
];

/**
 * A schema that answers can be held to by a grammar: every object closed, bounds told in words. `opened` is true where an object that
 * explicitly allowed further properties had to be closed, which changes what may be answered.
 */
export function closeSchema(schema: JsonObject): { schema: JsonObject; opened: boolean } {
  let opened = false;
  const close = (part: JsonObject, depth: number): JsonObject => {
    if (depth > MAX_DEPTH) return part;
    const { additionalProperties } = part;
    const closed: JsonObject = { ...mapInner(part, (inner) => close(inner, depth + 1)) };
    const isObject = includesType(part, "object") || isJsonObject(part["properties"]);
    if (isObject && additionalProperties !== false) {
      opened ||= additionalProperties !== undefined;
      closed["additionalProperties"] = false;
    }
    if (Array.isArray(closed["oneOf"]) && closed["anyOf"] === undefined) {
      closed["anyOf"] = closed["oneOf"];
      delete closed["oneOf"];
    }
    return describeBounds(closed);
  };
  const closed = close(renewDraft(schema), 0);
  return { schema: Bun.deepEquals(closed, schema) ? schema : closed, opened };
}

function describeBounds(schema: JsonObject): JsonObject {
  const { format, minItems, description } = schema;
  const unheld = UNHELD.filter((name) => schema[name] !== undefined);
  if (typeof format === "string" && !FORMATS.includes(format)) unheld.push("format");
  if (typeof minItems === "number" && minItems > 1) unheld.push("minItems");
  if (unheld.length === 0) return schema;
  const told = `{${unheld.map((name) => `${name}: ${JSON.stringify(schema[name])}`).join(", ")}}`;
  const rest = Object.fromEntries(Object.entries(schema).filter(([name]) => !unheld.includes(name)));
  return {
    ...rest,
    description: typeof description === "string" && description !== "" ? `${description}\n\n${told}` : told,
  };
}
