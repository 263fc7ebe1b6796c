// Google's schema dialect (a part of OpenAPI 3.0, types in upper case) → JSON schema, and JSON schema as Google reads it best.
// Knows no tool and no request. Sources: https://ai.google.dev/api/caching#Schema and
// https://ai.google.dev/gemini-api/docs/structured-output#json_schema_support

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { unifyNames } from "./body.ts";
import { objectOf } from "../json-read.ts";

const SCHEMA_NAMES = [
  "additionalProperties",
  "anyOf",
  "maxItems",
  "maxLength",
  "maxProperties",
  "minItems",
  "minLength",
  "minProperties",
  "prefixItems",
  "propertyOrdering",
] as const;

/** Counts, which Google's JSON writes as text. */
const COUNTS = ["maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"];

/** The schema as standard JSON schema: what says the same has the standard's name, what has no name there stays as it is. */
export function decodeSchema(source: JsonObject): JsonObject {
  const schema: JsonObject = {};
  const named = unifyNames(source, SCHEMA_NAMES);
  for (const [name, value] of Object.entries(named)) {
    if (name === "nullable" || name === "propertyOrdering") continue;
    if (name === "type") Object.assign(schema, decodeType(value));
    else if (name === "format" && value === "enum") continue;
    else if (name === "example") schema["examples"] = [value];
    else if (name === "ref") schema["$ref"] = typeof value === "string" ? value.replace("#/defs/", "#/$defs/") : value;
    else if (name === "defs") schema["$defs"] = mapValues(objectOf(value), decodeInner);
    else if (COUNTS.includes(name) && typeof value === "string") schema[name] = Number(value);
    else if (name === "properties") schema[name] = orderProperties(objectOf(value), named["propertyOrdering"]);
    else schema[name] = decodeInner(value, name);
  }
  return named["nullable"] === true ? allowNull(schema) : schema;
}

/** Schemas inside of schemas; any other value stays. */
function decodeInner(value: Json, name?: string): Json {
  if (name === "anyOf" || name === "oneOf" || name === "allOf" || name === "prefixItems") {
    return Array.isArray(value) ? value.map((item) => (isJsonObject(item) ? decodeSchema(item) : item)) : value;
  }
  const holdsSchema = name === undefined || name === "items" || name === "additionalProperties" || name === "not";
  return holdsSchema && isJsonObject(value) ? decodeSchema(value) : value;
}

function decodeType(type: Json): JsonObject {
  if (Array.isArray(type)) return { type: type.map((item) => (typeof item === "string" ? item.toLowerCase() : item)) };
  if (typeof type !== "string") return { type };
  return type === "TYPE_UNSPECIFIED" ? {} : { type: type.toLowerCase() };
}

/** The order that a client wishes is the order in which they stand. */
function orderProperties(properties: JsonObject, ordering: Json | undefined): JsonObject {
  const decoded = mapValues(properties, decodeInner);
  if (!Array.isArray(ordering)) return decoded;
  const first = ordering.filter((name): name is string => typeof name === "string" && name in decoded);
  const rest = Object.keys(decoded).filter((name) => !first.includes(name));
  return Object.fromEntries([...first, ...rest].map((name) => [name, decoded[name] ?? null]));
}

function allowNull(schema: JsonObject): JsonObject {
  const { type, enum: values, anyOf } = schema;
  if (Array.isArray(values)) schema["enum"] = values.includes(null) ? values : [...values, null];
  if (typeof type === "string") return { ...schema, type: type === "null" ? type : [type, "null"] };
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...anyOf, { type: "null" }] };
  return schema;
}

/**
 * A JSON schema for the fields that take one. Google reads the whole of JSON schema but acts on a part of it: what that part can say in
 * another way is said so.
 */
export function encodeSchema(schema: JsonObject): JsonObject {
  return mapObject(schema, false);
}

/** `isMap` where the keys are names of the client's and not words of the standard. */
function mapObject(source: JsonObject, isMap: boolean): JsonObject {
  // A name may be any, `__proto__` too, which an assignment would lose.
  if (isMap) return Object.fromEntries(Object.entries(source).map(([name, value]) => [name, mapInner(value, false)]));
  const mapped: JsonObject = {};
  for (const [name, value] of Object.entries(source)) {
    const isConst = name === "const" && source["enum"] === undefined;
    if (isConst && (typeof value === "string" || typeof value === "number")) mapped["enum"] = [value];
    else if (!DATA.includes(name)) mapped[name] = mapInner(value, MAPS.includes(name));
    else mapped[name] = value;
  }
  return mapped;
}

/** Keywords whose value holds schemas by names. */
const MAPS = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];
/** Keywords whose value is the client's data. */
const DATA = ["const", "default", "enum", "examples", "required"];

function mapInner(value: Json, isMap: boolean): Json {
  if (Array.isArray(value)) return value.map((item) => mapInner(item, false));
  return isJsonObject(value) ? mapObject(value, isMap) : value;
}

function mapValues(source: JsonObject, map: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(source).map(([name, value]) => [name, map(value)]));
}
