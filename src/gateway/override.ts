// What a route puts into the body that a target is sent: in the target's own format, over what the client said. Knows no format.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";
import { setTopLevel } from "../lib/json-edit.ts";
import type { Overrides } from "./rule.ts";

/** The text with these fields in it; every other byte of it stays, but in an object into which dots lead. */
export function override(text: string, set: Overrides): string {
  let edited = text;
  for (const [path, value] of Object.entries(set)) {
    const [field = "", ...inner] = path.split(".");
    const whole = inner.length === 0 ? value : setInside(readMember(edited, field), inner, value);
    edited = setTopLevel(edited, field, JSON.stringify(whole));
  }
  return edited;
}

/** The same of a body that was read: for those who go by what will be asked. */
export function overrideObject(body: JsonObject, set: Overrides | undefined): JsonObject {
  if (set === undefined) return body;
  return Object.entries(set).reduce((whole, [path, value]) => setInside(whole, path.split("."), value), body);
}

function setInside(object: Json | undefined, path: readonly string[], value: Json): JsonObject {
  const [field = "", ...inner] = path;
  const base = object !== undefined && isJsonObject(object) ? object : {};
  return { ...base, [field]: inner.length === 0 ? value : setInside(base[field], inner, value) };
}

function readMember(text: string, field: string): Json | undefined {
  const body: unknown = JSON.parse(text);
  return isJsonObject(body) ? body[field] : undefined;
}
