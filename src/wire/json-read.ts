// Reads of JSON that may be anything: what has another form than is looked for counts as absent. Knows no format.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";

/** The fields but those in `known`: most often none. */
export function omit(source: JsonObject, known: readonly string[]): JsonObject {
  let rest: JsonObject | null = null;
  for (const name in source) {
    if (known.includes(name)) continue;
    rest ??= {};
    // As it may be `__proto__`, too.
    Object.defineProperty(rest, name, { value: source[name], configurable: true, enumerable: true, writable: true });
  }
  return rest ?? {};
}

/** The text where `value` is one, else "". */
export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The object where `value` is one, else an empty one. */
export function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** The objects in a list; none where `value` is no list. */
export function objectsOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The object that the text is, else an empty one. */
export function readObject(text: string): JsonObject {
  try {
    const value: Json = JSON.parse(text);
    return objectOf(value);
  } catch {
    return {};
  }
}

/** The value where it is an object; null where it is not. */
export function findObject(value: Json | undefined): JsonObject | null {
  return isJsonObject(value) ? value : null;
}

/** Of these fields the ones that are there. */
export function pickFields(body: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name]) => names.includes(name)));
}

/**
 * Whether the counts that matter of a report can be believed: one at least is there, and none is anything but a count. Nobody knows is not 0, and an estimate
 * is nearer to the truth than what is left of a report that cannot be read.
 */
export function saysCounts(...values: readonly (Json | undefined)[]): boolean {
  return values.some((value) => value !== undefined && value !== null) && !garblesCounts(...values);
}

/** Whether one of them is there and no count. */
export function garblesCounts(...values: readonly (Json | undefined)[]): boolean {
  const said = values.filter((value) => value !== undefined && value !== null);
  return said.some((value) => !(typeof value === "number" && Number.isFinite(value) && value >= 0));
}
