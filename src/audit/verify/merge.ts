// The rows of both tables of a chain in one order, some at a time. Knows no SQL and no hash.

import type { ChainReader, ChainTable, RawRow, RowRange } from "./reader.ts";

/** At one place the call's row comes first. */
export async function* mergeRows(reader: Pick<ChainReader, "rows">, range: RowRange): AsyncGenerator<RawRow[], void> {
  const entries = openSource(reader, "ledger_entries", range);
  const recounts = openSource(reader, "ledger_recounts", range);
  try {
    let [left, right] = await Promise.all([entries.next(), recounts.next()]);
    while (left.length > 0 && right.length > 0) {
      const reach = Math.min(left.at(-1)?.seq ?? 0, right.at(-1)?.seq ?? 0);
      const [near, nearRight] = [countUpTo(left, reach), countUpTo(right, reach)];
      yield [...left.slice(0, near), ...right.slice(0, nearRight)].sort((one, other) => one.seq - other.seq);
      left = near === left.length ? await entries.next() : left.slice(near);
      right = nearRight === right.length ? await recounts.next() : right.slice(nearRight);
    }
    for (; left.length > 0; left = await entries.next()) yield left;
    for (; right.length > 0; right = await recounts.next()) yield right;
  } finally {
    await entries.close();
    await recounts.close();
  }
}

interface Source {
  /** Empty at the end. */
  next(): Promise<RawRow[]>;
  close(): Promise<void>;
}

function openSource(reader: Pick<ChainReader, "rows">, table: ChainTable, range: RowRange): Source {
  const rows = reader.rows(table, range);
  const iterator = Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]();
  return {
    async next() {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done === true) return [];
        if (value.length > 0) return value;
      }
    },
    close: async () => void (await iterator.return?.()),
  };
}

function countUpTo(rows: readonly RawRow[], seq: number): number {
  const beyond = rows.findIndex((row) => row.seq > seq);
  return beyond === -1 ? rows.length : beyond;
}
