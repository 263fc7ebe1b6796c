// Which rows of a sheet a filter lets through. Each value is looked at once a sheet. Knows no SQL.

import type { LedgerFilter } from "../../ledger/index.ts";
import { cleanText } from "../../lib/text.ts";
import type { Term, Terms, Value } from "./sheet.ts";
import type { Column } from "./column.ts";

/** Values of a term. */
export interface Only {
  term: Term;
  isOurs: (value: Value) => boolean;
}

/** Rows that pass what `matchFilter` says in SQL. Times are the sheet's. */
export function listPassing(sheet: Terms & { rows: number }, filter: LedgerFilter, only?: Only): Int32Array {
  const { model, status, tags = [] } = filter;
  const passes = new Uint8Array(sheet.rows).fill(1);
  const look = (term: Term, isRight: (value: Value) => boolean): Uint8Array => {
    const right = Uint8Array.from(sheet.values(term), (value) => (isRight(value) ? 1 : 0));
    return readMarks(right, sheet.terms[term], sheet.rows);
  };
  const narrow = (found: Uint8Array): void => {
    for (let row = 0; row < passes.length; row++) passes[row] = (passes[row] ?? 0) & (found[row] ?? 0);
  };
  const equal = (term: Term, asked: string | undefined): void => {
    if (asked === undefined) return;
    const clean = cleanText(asked);
    narrow(look(term, (value) => value === clean));
  };
  if (only !== undefined) narrow(look(only.term, only.isOurs));
  equal("provider", filter.provider);
  equal("apiKeyId", filter.apiKeyId);
  equal("userId", filter.userId);
  equal("endpoint", filter.endpoint);
  equal("direction", filter.direction);
  // One digit is a class.
  if (status !== undefined && status >= 10) narrow(look("status", (value) => value === status));
  else if (status !== undefined) narrow(look("status", (value) => Math.floor(Number(value) / 100) === status));
  if (tags.length > 0) {
    const clean = tags.map(cleanText);
    const bears = (value: Value): boolean => {
      const own: unknown = typeof value === "string" ? JSON.parse(value) : [];
      return Array.isArray(own) && clean.every((tag) => own.includes(tag));
    };
    narrow(look("tags", bears));
  }
  if (model !== undefined) {
    const clean = cleanText(model);
    const [asked, served] = [
      look("modelAsked", (value) => value === clean),
      look("modelServed", (value) => value === clean),
    ];
    narrow(asked.map((isAsked, row) => isAsked | (served[row] ?? 0)));
  }
  return listMarked(passes);
}

/** For each row what its value has. */
function readMarks(right: Uint8Array, places: Column | null, rows: number): Uint8Array {
  const marks = new Uint8Array(rows);
  if (places === null) return marks.fill(right[0] ?? 0);
  for (let row = 0; row < rows; row++) marks[row] = right[places[row] ?? 0] ?? 0;
  return marks;
}

function listMarked(marks: Uint8Array): Int32Array {
  const rows = new Int32Array(marks.length);
  let count = 0;
  for (let row = 0; row < marks.length; row++) if (marks[row] === 1) rows[count++] = row;
  return rows.subarray(0, count);
}
