// The public price list's form: what a file of it must look like to be believed, and how its patterns match names. Knows no price.
// Read by hand: a list has two thousand entries, and is read while calls are answered.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";
import { readHour } from "./price-hours.ts";
import type { PriceValue } from "./price-tariff.ts";

export type Match =
  | { and: readonly Match[] }
  | { contains: string }
  | { ends_with: string }
  | { equals: string }
  | { or: readonly Match[] }
  | { regex: string }
  | { starts_with: string };

/** Every day; or on these days of the week (0 is Sunday), and not on these dates. */
interface Hours {
  start_time: string;
  end_time: string;
  days?: readonly number[];
  except?: readonly string[];
}

export interface ConditionalPrices {
  constraint?: { start_date: string } | Hours | undefined;
  prices: Readonly<Record<string, PriceValue>>;
}

export interface CatalogModel {
  id: string;
  match: Match;
  prices: readonly ConditionalPrices[] | ConditionalPrices["prices"];
}

export interface CatalogVendor {
  id: string;
  api_pattern?: string | undefined;
  provider_match?: Match | undefined;
  fallback_model_providers?: readonly string[] | undefined;
  models: readonly CatalogModel[];
}

/** Parsed JSON as a list. Throws a RangeError that says what is wrong with it, and where. */
export function readVendors(json: unknown): CatalogVendor[] {
  const list = readList(json as Json, "the top");
  if (list.length === 0) throw wrong("the top", "it holds nothing");
  return list.map((each, index) => readVendor(each, `${index}`));
}

function readVendor(json: Json, at: string): CatalogVendor {
  const vendor = readObject(json, at);
  const { api_pattern: pattern, provider_match: match, fallback_model_providers: fallbacks } = vendor;
  return {
    id: readText(vendor["id"], `${at}.id`),
    ...(pattern === undefined || pattern === null
      ? {}
      : { api_pattern: readPattern(pattern, `${at}.api_pattern`, ADDRESS_FLAGS) }),
    ...(match === undefined || match === null ? {} : { provider_match: readMatch(match, `${at}.provider_match`) }),
    ...(fallbacks === undefined || fallbacks === null
      ? {}
      : { fallback_model_providers: readList(fallbacks, at).map((name) => readText(name, at)) }),
    models: readList(vendor["models"], `${at}.models`).map((model, index) => readModel(model, `${at}.models.${index}`)),
  };
}

function readModel(json: Json, at: string): CatalogModel {
  const { id, match, prices } = readObject(json, at);
  return {
    id: readText(id, `${at}.id`),
    match: readMatch(match, `${at}.match`),
    prices: Array.isArray(prices)
      ? prices.map((each, index) => readConditional(each, `${at}.prices.${index}`))
      : readPrices(prices, `${at}.prices`),
  };
}

function readConditional(json: Json, at: string): ConditionalPrices {
  const { constraint, prices } = readObject(json, at);
  const read = { prices: readPrices(prices, `${at}.prices`) };
  if (constraint === undefined || constraint === null) return read;
  const { start_date: date, start_time: start, end_time: end } = readObject(constraint, `${at}.constraint`);
  if (date !== undefined) return { ...read, constraint: { start_date: readDate(date, `${at}.constraint`) } };
  return {
    ...read,
    constraint: { start_time: readTime(start, `${at}.constraint`), end_time: readTime(end, `${at}.constraint`) },
  };
}

function readPrices(json: Json | undefined, at: string): ConditionalPrices["prices"] {
  const prices = readObject(json, at);
  return Object.fromEntries(Object.entries(prices).map(([key, value]) => [key, readPrice(value, `${at}.${key}`)]));
}

function readPrice(json: Json, at: string): PriceValue {
  if (!isJsonObject(json)) return readAmount(json, at);
  const { base, tiers } = json;
  return {
    base: readAmount(base, at),
    tiers: readList(tiers, at).map((each) => {
      const { start, price } = readObject(each, at);
      if (typeof start !== "number" || !Number.isSafeInteger(start) || start < 0) throw wrong(at, "no size");
      return { start, price: readAmount(price, at) };
    }),
  };
}

function readAmount(json: Json | undefined, at: string): number {
  if (typeof json === "number" && Number.isFinite(json) && json >= 0) return json;
  throw wrong(at, "no price");
}

const WORDS = ["contains", "ends_with", "equals", "regex", "starts_with"] as const;

function readMatch(json: Json | undefined, at: string): Match {
  const rule = readObject(json, at);
  const { and, or, regex } = rule;
  if (and !== undefined) return { and: readList(and, at).map((part) => readMatch(part, at)) };
  if (or !== undefined) return { or: readList(or, at).map((part) => readMatch(part, at)) };
  if (regex !== undefined) return { regex: readPattern(regex, at) };
  const word = WORDS.find((name) => rule[name] !== undefined);
  if (word === undefined) throw wrong(at, "no rule");
  // Each of these words holds text.
  return { [word]: readText(rule[word], at) } as unknown as Match;
}

function readList(json: Json | undefined, at: string): readonly Json[] {
  if (Array.isArray(json)) return json;
  throw wrong(at, "no list");
}

function readObject(json: Json | undefined, at: string): JsonObject {
  if (isJsonObject(json)) return json;
  throw wrong(at, "no object");
}

function readText(json: Json | undefined, at: string): string {
  if (typeof json === "string" && json !== "") return json;
  throw wrong(at, "no text");
}

function readDate(json: Json, at: string): string {
  const text = readText(json, at);
  if (/^\d{4}-\d{2}-\d{2}$/u.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw wrong(at, "no day");
}

function readTime(json: Json | undefined, at: string): string {
  const text = readText(json, at);
  // Throws in words of its own.
  readHour(text);
  return text;
}

/** With which a pattern of addresses is used: what has no meaning in them is told when the list is read, not in each call. */
export const ADDRESS_FLAGS = "u";

function readPattern(json: Json, at: string, flags = ""): string {
  const text = readText(json, at);
  try {
    return new RegExp(text, flags) instanceof RegExp ? text : "";
  } catch {
    throw wrong(at, "no pattern");
  }
}

function wrong(at: string, what: string): RangeError {
  return new RangeError(`it is no price list (${what} at ${at})`);
}

/** `name` is lower case. */
export function matches(rule: Match, name: string): boolean {
  if ("or" in rule) return rule.or.some((part) => matches(part, name));
  if ("and" in rule) return rule.and.every((part) => matches(part, name));
  if ("equals" in rule) return name === rule.equals.toLowerCase();
  if ("starts_with" in rule) return name.startsWith(rule.starts_with.toLowerCase());
  if ("ends_with" in rule) return name.endsWith(rule.ends_with.toLowerCase());
  if ("contains" in rule) return name.includes(rule.contains.toLowerCase());
  return new RegExp(rule.regex).test(name);
}
