// The table in which a copy says what it is a copy of, and how far it has come: outside of the schema, and only where rows were copied to. Knows no
// engine.

import type { Account, Mark } from "./end.ts";

export const CREATE_ACCOUNT =
  "create table if not exists tokligence_copies (part text primary key, last text not null, is_done integer not null)";

export interface StoredMark {
  part: string;
  last: string;
  is_done: number;
}

/** An index that was taken away for as long as rows come by the million, and how it is made again. */
export const INDEX_PART = "index/";

/** The row without a part names the source. */
export function toAccount(rows: readonly StoredMark[]): Account | null {
  const source = rows.find(({ part }) => part === "")?.last;
  if (source === undefined) return null;
  const marks = rows
    .filter(({ part }) => part !== "" && !part.startsWith(INDEX_PART))
    .map(({ part, last, is_done: done }): [string, Mark] => [part, { part, last, isDone: done !== 0 }]);
  return { source, marks: new Map(marks) };
}
