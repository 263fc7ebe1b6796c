// Which requests a route is for, as it is written. Knows no file; what the conditions mean is the gateway's.

import type { Conditions } from "../gateway/rule.ts";
import { parseWeekHours } from "../lib/week-hours.ts";
import { findZone } from "../lib/zone.ts";
import { quote } from "./problem.ts";
import { checkPattern } from "./rule.ts";
import { boolean, parseText } from "./syntax.ts";
import { type Faults, splitWords } from "./target.ts";

type Headers = NonNullable<Conditions["headers"]>;

/** Null where nothing is said. */
export function readConditions(fields: ReadonlyMap<string, string>, faults: Faults): Conditions | null {
  const context = readContext(fields, faults);
  const time = readTime(fields, faults);
  const headers = readHeaders(fields, faults);
  const when: Conditions = {
    ...(context === null ? {} : { context }),
    ...(time === null ? {} : { time }),
    ...(headers === null ? {} : { headers }),
    ...readSwitches(fields, faults),
    ...readLists(fields, faults),
  };
  return Object.keys(when).length === 0 ? null : when;
}

const SWITCHES = ["images", "stream", "tools"] as const;
const LISTS = ["endpoint", "key", "tag", "user"] as const;

function readSwitches(fields: ReadonlyMap<string, string>, faults: Faults): Pick<Conditions, "images" | "stream"> {
  const said = SWITCHES.flatMap((field) => {
    const text = fields.get(field);
    if (text === undefined) return [];
    const read = parseText(boolean, text);
    if ("value" in read) return [[field, read.value] as const];
    faults.add(field, read.message);
    return [];
  });
  return Object.fromEntries(said);
}

function readLists(fields: ReadonlyMap<string, string>, faults: Faults): Pick<Conditions, "tag" | "user"> {
  const said = LISTS.flatMap((field) => {
    const text = fields.get(field);
    return text === undefined ? [] : [[field, readList(text, field, faults)] as const];
  });
  return Object.fromEntries(said);
}

/** Patterns, with `!` in front of what is left out. */
function readList(text: string, field: string, faults: Faults): string[] {
  const patterns = splitWords(text);
  if (patterns.length === 0) faults.add(field, "a pattern is missing");
  for (const pattern of patterns) {
    const bare = pattern.replace(/^!/u, "");
    // A value may have spaces in it, a name has not.
    const wrong = checkPattern(bare.replaceAll(" ", "_"));
    if (wrong !== null) faults.add(field, wrong);
  }
  return patterns;
}

function readHeaders(fields: ReadonlyMap<string, string>, faults: Faults): Headers | null {
  const said = [...fields].filter(([field]) => field.startsWith("header."));
  if (said.length === 0) return null;
  return Object.fromEntries(
    said.map(([field, text]) => {
      const name = field.slice("header.".length).toLowerCase();
      if (!/^[\w!#$%&'*+.^`|~-]{1,100}$/u.test(name)) faults.add(field, "there can be no header of that name");
      if (SECRET_HEADERS.has(name)) faults.add(field, "it holds the caller's key: say key= or user=");
      return [name, readList(text, field, faults)];
    }),
  );
}

/** What is in them must not stand in a file, nor be guessed at by one. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  "cookie",
]);

function readTime(fields: ReadonlyMap<string, string>, faults: Faults): NonNullable<Conditions["time"]> | null {
  const zone = fields.get("time_zone");
  if (zone !== undefined && findZone(zone) === null)
    faults.add("time_zone", `${quote(zone)} is no time zone: write it like Europe/Berlin`);
  const text = fields.get("time");
  if (text === undefined) {
    if (zone !== undefined) faults.add("time_zone", "it is for time=");
    return null;
  }
  const spans = parseWeekHours(text);
  if (spans === null) faults.add("time", `${quote(text)} cannot be read: write it like mon-fri 08:00-18:00, sat`);
  return spans === null ? null : { spans, zone: zone ?? "UTC" };
}

/** `>100k`, `>=4096`, `<8k`, `8k-100k`. */
function readContext(fields: ReadonlyMap<string, string>, faults: Faults): NonNullable<Conditions["context"]> | null {
  const text = fields.get("context");
  if (text === undefined) return null;
  const bare = text.replaceAll(/\s|_/gu, "").toLowerCase();
  const [, sign, edge = ""] = /^([<>]=?)(\d+(?:\.\d+)?[km]?)$/u.exec(bare) ?? [];
  const [, from, to = ""] = /^(\d+(?:\.\d+)?[km]?)-(\d+(?:\.\d+)?[km]?)$/u.exec(bare) ?? [];
  if (from !== undefined && readCount(from) <= readCount(to)) return { least: readCount(from), most: readCount(to) };
  const count = readCount(edge);
  if (sign === ">") return { least: count + 1, most: Number.MAX_SAFE_INTEGER };
  if (sign === ">=") return { least: count, most: Number.MAX_SAFE_INTEGER };
  if (sign === "<") return { least: 0, most: count - 1 };
  if (sign === "<=") return { least: 0, most: count };
  faults.add("context", `${quote(text)} is no count of tokens: write it like >100k, <8k or 8k-100k`);
  return null;
}

const TIMES: Readonly<Record<string, number>> = { k: 1_000, m: 1_000_000 };

function readCount(text: string): number {
  return Math.round(Number.parseFloat(text) * (TIMES[text.at(-1) ?? ""] ?? 1));
}
