// Whether a route's conditions hold for a request: compiled once, and only what is said is looked at. Knows no format but by the few names that
// tools and pictures have in all of them.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { compilePatternList } from "../../lib/pattern.ts";
import { isWithin } from "../../lib/week-hours.ts";
import { UTC, findZone } from "../../lib/zone.ts";
import type { Conditions } from "../rule.ts";

/** What conditions are asked of; what costs something is worked out when it is. */
export interface RequestFacts {
  endpoint: string;
  isStream: boolean;
  body: JsonObject;
  header(name: string): string | null;
  userId: string;
  email: string;
  keyId: string;
  tags(): readonly string[];
  /** Estimated tokens of what is asked. */
  tokens(): number;
  atMs: number;
}

/** The name of the first condition that does not hold; null where all do. */
export type ConditionCheck = (facts: RequestFacts) => string | null;

export function compileConditions(when: Conditions): ConditionCheck {
  const checks: { name: string; holds: (facts: RequestFacts) => boolean }[] = [];
  const add = (name: string, holds: (facts: RequestFacts) => boolean): void => void checks.push({ name, holds });
  const { endpoint, stream, user, key, tag, time, headers = {}, tools, images, context } = when;
  // What is cheap comes first.
  if (stream !== undefined) add("stream", (facts) => facts.isStream === stream);
  if (endpoint !== undefined) {
    const matches = compileList(endpoint);
    add("endpoint", (facts) => matches([facts.endpoint]));
  }
  if (key !== undefined) {
    const matches = compileList(key);
    add("key", (facts) => matches([facts.keyId]));
  }
  if (user !== undefined) {
    const matches = compileList(user);
    add("user", (facts) => matches([facts.email, facts.userId]));
  }
  for (const [name, patterns] of Object.entries(headers)) {
    const matches = compileList(patterns);
    add(`header.${name}`, (facts) => {
      const value = facts.header(name);
      return matches(value === null ? [] : [value]);
    });
  }
  if (tag !== undefined) {
    const matches = compileList(tag);
    add("tag", (facts) => matches(facts.tags()));
  }
  if (time !== undefined) {
    const zone = findZone(time.zone) ?? UTC;
    add("time", ({ atMs }) => isWithin(time.spans, atMs, zone));
  }
  if (tools !== undefined) add("tools", ({ body }) => hasTools(body) === tools);
  if (images !== undefined) add("images", ({ body }) => hasImages(body) === images);
  if (context !== undefined) {
    add("context", (facts) => facts.tokens() >= context.least && facts.tokens() <= context.most);
  }
  return (facts) => checks.find(({ holds }) => !holds(facts))?.name ?? null;
}

/** One of those without `!`, where there are any, and none of those with it. */
function compileList(patterns: readonly string[]): (values: readonly string[]) => boolean {
  const list = compilePatternList(patterns);
  const isFree = patterns.every((pattern) => pattern.startsWith("!"));
  return (values) => (isFree || values.some(list.isWanted)) && !values.some(list.isUnwanted);
}

function hasTools({ tools, functions, toolConfig }: JsonObject): boolean {
  const inside = isJsonObject(toolConfig ?? null) ? (toolConfig as JsonObject)["tools"] : undefined;
  return [tools, functions, inside].some((list) => Array.isArray(list) && list.length > 0);
}

/** Where the parts of a request stand. */
const PLACES = ["messages", "input", "contents", "system"];
const IMAGE_TYPES: ReadonlySet<Json> = new Set(["image", "image_url", "input_image"]);
const IMAGE_SOURCES = ["inlineData", "inline_data", "fileData", "file_data"];

function hasImages(body: JsonObject): boolean {
  return PLACES.some((place) => holdsImage(body[place] ?? null));
}

function holdsImage(value: Json): boolean {
  if (Array.isArray(value)) return value.some(holdsImage);
  if (!isJsonObject(value)) return false;
  if (IMAGE_TYPES.has(value["type"] ?? null) || IMAGE_SOURCES.some((name) => isImage(value[name]))) return true;
  // Arguments and results of tools are the caller's own data, but results may be made of parts.
  return [value["content"], value["parts"], value["output"]].some((part) => part !== undefined && holdsImage(part));
}

function isImage(source: Json | undefined): boolean {
  if (source === undefined || !isJsonObject(source)) return false;
  const type = source["mimeType"] ?? source["mime_type"];
  return typeof type === "string" && type.startsWith("image/");
}
