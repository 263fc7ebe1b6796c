// A CSV of users as rows: `email, role, display_name`, with a header or without. Knows no database and judges no value.

import { CsvError, parse } from "csv-parse/sync";
import type { NewUser } from "../../../identity/index.ts";
import { CliError, EXIT } from "../../error.ts";

/** The order of a file without a header. */
const ORDER = ["email", "role", "display_name"] as const;
type Column = (typeof ORDER)[number];

const SYNONYMS: Readonly<Record<string, Column>> = { name: "display_name" };

export interface UserTable {
  users: NewUser[];
  /** Columns of the header that mean nothing here. */
  ignored: string[];
}

/** @param file for complaints */
export function readUsers(text: string, file: string): UserTable {
  const rows = parseRows(text, file);
  const header = readHeader(rows[0] ?? []);
  const columns: readonly (Column | null)[] = header ?? ORDER;
  const users = rows.slice(header === null ? 0 : 1).map((row) => toUser(columns, row));
  const ignored = (rows[0] ?? []).filter((_, index) => header !== null && header[index] === null);
  return { users, ignored: ignored.map((name) => name.trim()).filter((name) => name !== "") };
}

function parseRows(text: string, file: string): string[][] {
  try {
    return parse(text, { bom: true, trim: true, skip_empty_lines: true, relax_column_count: true });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CliError(`${file} is no CSV: ${error.message}`, { exitCode: EXIT.usage });
  }
}

/** The first row is a header where one of its cells says email; an address has an @. */
function readHeader(row: readonly string[]): (Column | null)[] | null {
  const names = row.map((cell) => cell.toLowerCase().replaceAll(/[\s-]+/gu, "_"));
  if (!names.includes("email")) return null;
  return names.map((name) => SYNONYMS[name] ?? ORDER.find((column) => column === name) ?? null);
}

function toUser(columns: readonly (Column | null)[], row: readonly string[]): NewUser {
  const cell = (column: Column): string | undefined => {
    const value = row[columns.indexOf(column)];
    return value === "" ? undefined : value;
  };
  return { email: cell("email") ?? "", role: cell("role"), displayName: cell("display_name") };
}
