// The words in which OpenAI's endpoints say that a field is missing or of the wrong type, and typed reading of a body's fields.
// Shared by the formats that imitate OpenAI; knows none of their bodies.

import { type GatewayError, type Json, type JsonObject, invalidRequest, isJsonObject } from "../ir/index.ts";

/** A required field that is not there. */
export function missing(param: string): GatewayError {
  return invalidRequest(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");
}

/** A field of the wrong type; `expected` with its article, such as "an array of objects". */
export function wrongType(param: string, expected: string, value: Json): GatewayError {
  return invalidRequest(
    `Invalid type for '${param}': expected ${expected}, but got ${describeType(value)} instead.`,
    param,
    "invalid_type",
  );
}

/** An array that must not be empty. */
export function emptyArray(param: string): GatewayError {
  return invalidRequest(
    `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`,
    param,
    "empty_array",
  );
}

/** A value outside a closed list. */
export function wrongValue(param: string, value: Json, supported: readonly string[]): GatewayError {
  const list = supported.map((name) => `'${name}'`);
  const text = list.length < 3 ? list.join(" and ") : `${list.slice(0, -1).join(", ")}, and ${list.at(-1)}`;
  const shown = typeof value === "string" ? value.slice(0, 100) : describeType(value);
  return invalidRequest(`Invalid value: '${shown}'. Supported values are: ${text}.`, param, "invalid_value");
}

/** `model`, which every endpoint needs: a string that is not empty. */
export function requireModel(body: JsonObject): string {
  const model = body["model"];
  if (model === undefined || model === null || model === "") throw missing("model");
  if (typeof model !== "string") throw wrongType("model", "a string", model);
  return model;
}

/** `stream` where it is there; OpenAI takes null for "not given" in every optional field. */
export function readStream(body: JsonObject): boolean {
  return readBoolean(body, "stream") ?? false;
}

export function readBoolean(body: JsonObject, name: string, path = name): boolean | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || typeof value === "boolean") return value;
  throw wrongType(path, "a boolean", value);
}

export function readNumber(body: JsonObject, name: string): number | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || typeof value === "number") return value;
  throw wrongType(name, "a decimal number", value);
}

/** A whole number, at least `minimum` where one is given. */
export function readInteger(body: JsonObject, name: string, minimum?: number): number | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(name, "an integer", value);
  if (minimum !== undefined && value < minimum) {
    throw invalidRequest(
      `Invalid '${name}': integer below minimum value. Expected a value >= ${minimum}, but got ${value} instead.`,
      name,
      "integer_below_min_value",
    );
  }
  return value;
}

export function readString(body: JsonObject, name: string, path = name): string | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || typeof value === "string") return value;
  throw wrongType(path, "a string", value);
}

export function requireString(body: JsonObject, name: string, path: string): string {
  const value = readString(body, name, path);
  if (value === undefined) throw missing(path);
  return value;
}

export function readObject(body: JsonObject, name: string, path = name): JsonObject | undefined {
  const value = body[name] ?? undefined;
  if (value === undefined || isJsonObject(value)) return value;
  throw wrongType(path, "an object", value);
}

export function requireObject(body: JsonObject, name: string, path: string): JsonObject {
  const value = readObject(body, name, path);
  if (value === undefined) throw missing(path);
  return value;
}

/** An array of objects; an empty one where the field is not there. */
export function readObjects(body: JsonObject, name: string, path = name): JsonObject[] {
  const value = body[name] ?? [];
  if (!Array.isArray(value)) throw wrongType(path, "an array of objects", value);
  return value.map((item, index) => {
    if (!isJsonObject(item)) throw wrongType(`${path}[${index}]`, "an object", item);
    return item;
  });
}

function describeType(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  switch (typeof value) {
    case "string":
      return "a string";
    case "boolean":
      return "a boolean";
    case "number":
      return Number.isInteger(value) ? "an integer" : "a decimal number";
    default:
      return "an object";
  }
}
