// One record of JSON as lines with columns: what is nested gets names with underscores, and a bucket of results is a line for each. Knows no format.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { invalidRequest } from "../../ir/index.ts";
import { nameColumn } from "./line.ts";

/** Lists whose members are lines of their own. */
const LINES = ["data", "results", "Groups", "ResultsByTime"];

/** Fields of a page around its lines. */
const PAGE = ["has_more", "next_page"];

/** Numbers stay as they were written: money must not pass through floating point. Throws a GatewayError. */
export function parseRecord(text: string, place: string): Json {
  try {
    // The third argument tells how a number was written; the standard library's types do not know it yet.
    const keep = (_name: string, value: unknown, context?: { source?: string }): unknown =>
      typeof value === "number" ? (context?.source ?? String(value)) : value;
    return JSON.parse(text, keep as (name: string, value: unknown) => unknown) as Json;
  } catch {
    throw invalidRequest(`${place} is no JSON.`);
  }
}

/** Columns by name, each with its own spelling. */
export type Cells = Map<string, { spelled: string; text: string }>;

/** Of these, the lists of a bucket: an empty one tells that there was nothing in its time. */
const BUCKETS = ["results", "Groups"];

/** The lines of a record; of a bucket without results, one that tells of its time alone. */
export function flattenRecord(record: Json, outer: Cells = new Map()): Cells[] {
  if (!isJsonObject(record)) return [];
  const own: Cells = new Map(outer);
  let lists: JsonObject[][] = [];
  let isEmptyBucket = false;
  for (const [name, value] of Object.entries(record)) {
    if (LINES.includes(name) && Array.isArray(value)) {
      lists = [...lists, value.filter(isJsonObject)];
      isEmptyBucket = BUCKETS.includes(name) && value.length === 0;
    } else if (name === "data" && isJsonObject(value)) lists = [...lists, [value]];
    else if (!PAGE.includes(name)) addCells(own, name, value ?? null);
  }
  if (lists.length === 0 || isEmptyBucket) return [own];
  return lists.flat().flatMap((line) => flattenRecord(line, own));
}

function addCells(cells: Cells, spelled: string, value: Json): void {
  if (isJsonObject(value)) {
    for (const [name, inner] of Object.entries(value)) addCells(cells, `${spelled}.${name}`, inner ?? null);
    return;
  }
  cells.set(nameColumn(spelled), { spelled, text: printCell(value) });
}

function printCell(value: Json): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) {
    return value.every((item) => typeof item === "string") ? value.join("\n") : JSON.stringify(value);
  }
  return JSON.stringify(value);
}
