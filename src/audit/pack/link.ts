// The links of a chain, quickly: for the rows between those that a pack shows, a digest is all that is needed. Knows no SQL.

import { digestText, linkTo } from "../../ledger/index.ts";
import type { ChainReader, ChainTable, RawRow } from "../verify/reader.ts";

/** One row of a chain, by what a proof needs of it. */
export interface Link {
  seq: number;
  hash: string;
  digest: string;
}

const TABLES = ["ledger_entries", "ledger_recounts"] as const satisfies readonly ChainTable[];
const PAGE = 2_000;

/** From behind one place up to another, inclusive, in their order; the hash before the first is known. Ends where a row is missing or does not hold. */
export async function* readLinks(
  reader: Pick<ChainReader, "recheck" | "rows">,
  chain: string,
  after: { seq: number; hash: string },
  through: number,
): AsyncGenerator<Link, undefined> {
  let { seq, hash } = after;
  while (seq < through) {
    const range = { chain, after: seq, through, limit: PAGE };
    const pages: RawRow[][] = [];
    for (const table of TABLES) pages.push(await reader.rows(table, range));
    // Beyond the end of a full page, the other table may be ahead of what was read.
    const end = Math.min(...pages.map((page) => (page.length < PAGE ? through : (page.at(-1)?.seq ?? through))));
    const rows = pages.flatMap((page, index) => page.map((row) => ({ row, table: TABLES[index] ?? "ledger_entries" })));
    const inOrder = rows.filter(({ row }) => row.seq <= end).toSorted((left, right) => left.row.seq - right.row.seq);
    if (inOrder.length === 0) return;
    for (const { row, table } of inOrder) {
      const link = row.seq === seq + 1 ? await makeLink(reader, chain, table, row, hash) : null;
      if (link === null) return;
      ({ seq, hash } = link);
      yield link;
    }
  }
}

/** Null where the row is not what was sealed. The bytes were made quickly; where they do not hold, those made with care have the last word. */
async function makeLink(
  reader: Pick<ChainReader, "recheck">,
  chain: string,
  table: ChainTable,
  row: RawRow,
  previous: string,
): Promise<Link | null> {
  const quick = digestText(row.text);
  if (linkTo(previous, quick) === row.hash) return { seq: row.seq, hash: row.hash, digest: quick };
  const careful = await reader.recheck(table, chain, row.seq);
  if (careful === null || careful.hash === null) return null;
  const digest = digestText(careful.text);
  return linkTo(previous, digest) === careful.hash ? { seq: row.seq, hash: careful.hash, digest } : null;
}
