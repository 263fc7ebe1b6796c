// Rows of the record of changes as programs are told them: the same words by HTTP, on the command line and in exports.

import type { JsonObject } from "../../ir/index.ts";
import type { ChangeRow } from "../../lib/change.ts";
import { printCsvLine } from "../../lib/csv.ts";

export const CHANGE_FORMATS = ["csv", "jsonl"] as const;
export type ChangeFormat = (typeof CHANGE_FORMATS)[number];

export const CHANGE_TYPES = {
  csv: "text/csv; charset=utf-8; header=present",
  jsonl: "application/x-ndjson",
} as const satisfies Record<ChangeFormat, string>;

export function printChange(row: ChangeRow): JsonObject {
  return {
    id: row.id,
    seq: row.seq,
    at: row.at.toISOString(),
    actor: row.actor,
    actor_id: row.actorId,
    actor_name: row.actorName,
    api_key_id: row.keyId,
    address: row.address,
    request_id: row.requestId,
    action: row.action,
    subject_kind: row.subjectKind,
    subject_id: row.subjectId,
    before: row.before as JsonObject | null,
    after: row.after as JsonObject | null,
    chain: row.chain,
    previous: row.previous,
    hash: row.hash,
  };
}

/** What stands before the first row. */
export function printChangeHead(format: ChangeFormat): string {
  return format === "csv" ? printCsvLine(COLUMNS) : "";
}

export function printChanges(format: ChangeFormat, rows: readonly ChangeRow[]): string {
  return rows
    .map((row) => {
      const printed = printChange(row);
      return format === "csv"
        ? printCsvLine(COLUMNS.map((name) => toCell(printed[name])))
        : `${JSON.stringify(printed)}\n`;
    })
    .join("");
}

const COLUMNS = [
  "seq",
  "at",
  "actor",
  "actor_id",
  "actor_name",
  "api_key_id",
  "address",
  "request_id",
  "action",
  "subject_kind",
  "subject_id",
  "before",
  "after",
  "chain",
  "previous",
  "hash",
  "id",
] as const;

function toCell(value: unknown): number | string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" || typeof value === "number" ? value : JSON.stringify(value);
}

/** What is another than before, in a line for people. */
export function describeChange({ before, after }: Pick<ChangeRow, "after" | "before">): string {
  if (after === null) return "";
  const names = Object.keys(after).filter((name) => !["created_at", "id", "updated_at"].includes(name));
  const changed = names.filter((name) => before === null || !isSame(before[name], after[name]));
  return changed
    .filter((name) => before !== null || !isNothing(after[name]))
    .map((name) =>
      before === null ? `${name}=${show(after[name])}` : `${name}: ${show(before[name])} → ${show(after[name])}`,
    )
    .join(", ");
}

/** By the name that people know it by, where it has one. */
export function nameSubject({ subjectId, subjectKind, before, after }: ChangeRow): string {
  const known = { ...before, ...after };
  const name = known["email"] ?? known["name"];
  return typeof name === "string" && name !== "" ? name : (subjectId ?? subjectKind);
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (Array.isArray(value) && value.length === 0);
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left ?? null) === JSON.stringify(right ?? null);
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
