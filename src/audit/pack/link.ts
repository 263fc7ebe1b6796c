// The links of a chain, quickly: for the rows between those that a pack shows, a digest is all that is needed. Knows no SQL.

import { linkTo } from "../../ledger/index.ts";
import { mergeRows } from "../verify/merge.ts";
import type { ChainReader, RawRow } from "../verify/reader.ts";

/** One row of a chain, by what a proof needs of it. */
export interface Link {
  seq: number;
  hash: string;
  digest: string;
}

/** From behind one place up to another, inclusive, in their order; the hash before the first is known. Ends where a row is missing or does not hold. */
export async function* readLinks(
  reader: Pick<ChainReader, "recheck" | "rows">,
  chain: string,
  after: { seq: number; hash: string },
  through: number,
): AsyncGenerator<Link, undefined> {
  let { seq, hash } = after;
  for await (const rows of mergeRows(reader, { chain, after: seq, through })) {
    for (const row of rows) {
      const link = row.seq === seq + 1 ? await makeLink(reader, chain, row, hash) : null;
      if (link === null) return;
      ({ seq, hash } = link);
      yield link;
    }
  }
}

/** Null where the row is not what was sealed. It was read quickly: where it does not hold, what is read with care has the last word. */
async function makeLink(
  reader: Pick<ChainReader, "recheck">,
  chain: string,
  row: RawRow,
  previous: string,
): Promise<Link | null> {
  const quick = follow(previous, row);
  if (quick !== null) return quick;
  const careful = await reader.recheck(row.table, chain, row.seq);
  return careful === null ? null : follow(previous, careful);
}

function follow(previous: string, { seq, hash, digest }: RawRow): Link | null {
  return hash !== null && linkTo(previous, digest) === hash ? { seq, hash, digest } : null;
}
