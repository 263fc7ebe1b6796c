// A whole database as SQL that psql loads into an empty PostgreSQL: its tables as this program's own migrations make them, and the rows. Knows no
// file and no connection.

import { GatewayError } from "../../ir/index.ts";
import { CREATE_APPLIED, splitStatements } from "../migration.ts";
import { type ColumnPlan, planParts, type TablePlan } from "../transfer/plan.ts";
import { type Row, readId } from "../transfer/row.ts";
import type { Source } from "../transfer/source.ts";
import { isMoment, printLines } from "./copy-text.ts";
import { migrations } from "./migration/index.ts";

interface DumpInit {
  source: Source;
  /** How many databases it is made of. */
  databases: number;
  /** For people: where it is from. */
  place: string;
  at: Date;
  onProgress: (done: number, total: number) => void;
}

/** Pieces of text, in order; no more than a page of rows is in memory. */
export async function* dumpSql({ source, databases, place, at, onProgress }: DumpInit): AsyncGenerator<string, void> {
  const parts = planParts(databases, 1);
  let [done, total] = [0, 0];
  for (const part of parts) total += await source.count(part);
  yield printHeader(place, at);
  yield printSchema(at);
  for (const part of parts) {
    const { table } = part;
    const names = table.columns.map(({ name }) => `"${name}"`).join(", ");
    let isBegun = false;
    for await (const rows of source.rows(part, { isOrdered: true })) {
      if (rows.length === 0) continue;
      if (!isBegun) yield `\ncopy ${table.name} (${names}) from stdin;\n`;
      isBegun = true;
      for (const row of rows) checkCells(table, row);
      yield printLines(table, rows);
      done += rows.length;
      onProgress(done, total);
    }
    if (isBegun) yield "\\.\n";
  }
  yield `\ncommit;\n\nanalyze ${parts.map(({ table }) => table.name).join(", ")};\n`;
}

function printHeader(place: string, at: Date): string {
  // Whatever stands in a path, it is one line of a comment.
  const from = place.replaceAll(/\p{Cc}/gu, " ");
  return `-- Tokligence Gateway: users, keys, settings and books, for an empty PostgreSQL database.
-- Made at ${at.toISOString()} from ${from}.
-- Load it with: psql -d tokligence < FILE
-- All of it or nothing: where something is in the way, the database stays as it was.

\\set ON_ERROR_STOP on
set client_encoding = 'UTF8';
set standard_conforming_strings = on;
set timezone = 'UTC';
set client_min_messages = warning;

begin;

`;
}

/** With the list of what was applied, so that a gateway finds nothing left to do. */
function printSchema(at: Date): string {
  const statements = migrations.flatMap(({ name, sql }) => [
    ...splitStatements(sql).map((statement) => statement.replace(/;?\s*$/u, ";")),
    `insert into tokligence_migrations (name, applied_at) values ('${name}', '${at.toISOString()}');`,
  ]);
  return `${CREATE_APPLIED.replace(" if not exists", "")};\n${statements.join("\n")}\n`;
}

/** The load would stop there, a long time from now and elsewhere. */
function checkCells(table: TablePlan, row: Row): void {
  for (const [at, column] of table.columns.entries()) {
    const cell = row[at] ?? null;
    if (cell === null) continue;
    if (column.kind === "json" && !isJson(String(cell))) throw refuseCell(table, row, { column, what: "JSON" });
    if (column.kind === "time" && !isMoment(cell)) throw refuseCell(table, row, { column, what: "moment" });
  }
}

function isJson(text: string): boolean {
  if (text === "[]" || text === "{}") return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function refuseCell(table: TablePlan, row: Row, { column, what }: { column: ColumnPlan; what: string }): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "row_refused",
    message: `The row ${readId(table, row)} of ${table.name} holds in ${column.name} what is no ${what}, which PostgreSQL does not take. Mend or delete it, then run the same line again.`,
  });
}
