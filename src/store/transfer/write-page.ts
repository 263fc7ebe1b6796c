// Writes a page of rows to the target of a move, and finds the row that is to blame where it is refused. Knows no engine.

import { GatewayError } from "../../ir/index.ts";
import type { End, Mark } from "./end.ts";
import type { Part } from "./plan.ts";
import { refuseRow } from "./refusal.ts";
import { type Row, readId } from "./row.ts";

interface Writing {
  mark: Mark | null;
  /** Told of each row that is left out; null where the first one ends it. */
  onRefused: ((refusal: GatewayError, row: Row) => void) | null;
}

/** What is there already is written over. Where a page is refused, the row is found that is to blame. */
export async function writePage(
  target: End,
  part: Part,
  rows: readonly Row[],
  { mark, onRefused }: Writing,
): Promise<void> {
  try {
    await target.write(part.table, rows, mark);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind === "overloaded") throw error;
    if (rows.length > 1) {
      const half = Math.ceil(rows.length / 2);
      await writePage(target, part, rows.slice(0, half), { mark: null, onRefused });
      return writePage(target, part, rows.slice(half), { mark, onRefused });
    }
    const [row] = rows as [Row];
    const refusal = refuseRow(target, readId(part.table, row), { part, error });
    if (onRefused === null) throw refusal;
    onRefused(refusal, row);
    if (mark !== null) await target.write(part.table, [], mark);
  }
}
