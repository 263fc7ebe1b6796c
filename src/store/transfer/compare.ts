// Whether two databases say the same: counts, sums of digests, sums of tokens and cost, and ends of chains; and which rows do not. Changes nothing,
// knows no engine.

import { type Digest, createDigest } from "./digest.ts";
import type { Part } from "./plan.ts";
import { type Row, compareIds, listChanged } from "./row.ts";
import { type Source, openWalk } from "./source.ts";

export interface Side extends Digest {
  /** By column, where what it holds is added up. */
  totals: Readonly<Record<string, bigint>>;
  /** Where each chain ends: `seq hash`. */
  heads: ReadonlyMap<string, string>;
}

export interface Compared {
  part: Part;
  source: Side;
  target: Side;
  /** By their digests; or, where these were made of what is written otherwise and says the same, row by row. */
  isEqual: boolean;
}

interface CompareInit {
  parts: readonly Part[];
  source: Source;
  target: Source;
  onProgress: (done: number, total: number) => void;
}

/** All rows of both sides are read once, as they lie there. Of those that are left out, none is looked at. */
export async function compareParts({ parts, source, target, onProgress }: CompareInit): Promise<Compared[]> {
  let [done, total] = [0, 0];
  for (const part of parts) total += (await source.count(part)) + (await target.count(ownPart(part)));
  const tell = (rows: number): void => {
    done += rows;
    onProgress(done, total);
  };
  const compared: Compared[] = [];
  for (const part of parts) {
    // In turn on one thread, and each waits for its own database.
    const [left, right] = await Promise.all([readSide(part, source, tell), readSide(ownPart(part), target, tell)]);
    compared.push({ part, source: left, target: right, isEqual: left.rows === right.rows && left.sum === right.sum });
  }
  return compared;
}

/** The same table in the database that it goes to. */
export function ownPart(part: Part): Part {
  return { ...part, from: [part.to] };
}

/** Which columns of the books are added up, so that whoever reads it sees what agrees. */
const TOTALS: Readonly<Record<string, readonly string[]>> = {
  ledger_entries: [
    "fresh_input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "long_cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cost_nanos",
  ],
};
const CHAINS: ReadonlySet<string> = new Set(["audit_chain", "ledger_chains"]);

async function readSide(part: Part, side: Source, tell: (rows: number) => void): Promise<Side> {
  const { table } = part;
  const digest = createDigest();
  for await (const rows of side.print(part, digest.add)) tell(rows);
  const added = TOTALS[table.name] ?? [];
  const totals = added.length === 0 ? {} : await side.total(part, added);
  return { ...digest.read(), totals, heads: CHAINS.has(table.name) ? await readHeads(part, side) : new Map() };
}

async function readHeads(part: Part, side: Source): Promise<Map<string, string>> {
  const [chainAt = 0, seqAt = 0, hashAt = 0] = ["chain", "seq", "hash"].map((name) =>
    part.table.columns.findIndex((column) => column.name === name),
  );
  const heads = new Map<string, string>();
  for await (const rows of side.rows(part, { isOrdered: true }))
    for (const row of rows) heads.set(String(row[chainAt]), `${row[seqAt]} ${row[hashAt]}`);
  return heads;
}

/** Where digests were made of what is written otherwise and says the same, or one row differs. */
export async function isSameByRow(part: Part, source: Source, target: Source): Promise<boolean> {
  for await (const _ of walkDifferences(part, source, target)) return false;
  return true;
}

export interface Difference {
  kind: "changed" | "missing" | "surplus";
  id: string;
  /** As the source has it; null where it has none. */
  row: Row | null;
  /** Columns that differ. */
  columns: readonly string[];
}

/** Both sides side by side in the order of ids. */
export async function* walkDifferences(part: Part, source: Source, target: Source): AsyncGenerator<Difference> {
  const { table } = part;
  const left = openWalk(table, source.rows(part, { isOrdered: true }));
  const right = openWalk(table, target.rows(ownPart(part), { isOrdered: true }));
  // Whoever has seen enough leaves before the end, and the connections are wanted for the next question.
  try {
    await Promise.all([left.move(), right.move()]);
    while (left.row !== null || right.row !== null) {
      const order = left.row === null ? 1 : right.row === null ? -1 : compareIds(left.id, right.id);
      if (order < 0) {
        yield { kind: "missing", id: left.id, row: left.row, columns: [] };
        await left.move();
      } else if (order > 0) {
        yield { kind: "surplus", id: right.id, row: null, columns: [] };
        await right.move();
      } else {
        const [own, other] = [left.row as Row, right.row as Row];
        const columns = listChanged(table, own, other);
        if (columns.length > 0) yield { kind: "changed", id: left.id, row: own, columns };
        await Promise.all([left.move(), right.move()]);
      }
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}
