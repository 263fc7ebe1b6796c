// What is done to the sums of the books beside requests, a step at a time: rows are summed up, sums that are complete are packed, and sums that
// an older release kept are removed. Knows none of it.

import { inArray, sql } from "drizzle-orm";
import type { RollupStep } from "../../ledger/index.ts";
import { areSound, readMarks } from "../chain-mark.ts";
import type { Engine } from "../engine.ts";
import { findNoted, putMarks } from "./heal.ts";
import { rollUp } from "./rollup.ts";
import { createPacker } from "../sheet/keep.ts";

/** Of these there are sheets alone now. */
const RETIRED = ["all.day", "all.days", "all.hours", "owner.day", "owner.days", "owner.hours", "owner.quarter"];
const RETIRED_AT_ONCE = 500;

/** The answer does a step: up to `limit` rows of one chain, of those whose names come behind `after`; where there are none, something is packed. */
export function createRollUp(engine: Engine): (limit: number, after?: string) => Promise<RollupStep> {
  const packer = createPacker(engine);
  let hasRetired = true;
  return async (limit, after) => {
    const noted = await engine.read((db) => findNoted(engine, db));
    const healed = noted.size === 0 ? [] : await putMarks(engine, noted);
    if (healed.length > 0) return { rows: healed.length, heldMs: 0, healed };
    const summed = await rollUp(engine, { limit, after }, packer.note);
    if (summed.rows > 0) return summed;
    // Sheets would tell of rows that are in no sum.
    if (!areSound(await engine.read((db) => readMarks(engine, db)))) return { rows: 0, heldMs: 0 };
    const packed = await packer.step();
    if (packed.rows > 0 || !hasRetired) return packed;
    const removed = await removeRetired(engine);
    hasRetired = removed.rows > 0;
    return removed;
  };
}

async function removeRetired(engine: Engine): Promise<RollupStep> {
  const { ledgerRollups: sums } = engine.schema;
  const startedMs = performance.now();
  const removed = await engine.atomic((db) => {
    const some = sql`(select ${sums.id} from ${sums} where ${inArray(sums.level, RETIRED)} limit ${RETIRED_AT_ONCE})`;
    return {
      decisive: db
        .delete(sums)
        .where(sql`${sums.id} in ${some}`)
        .returning({ id: sums.id }),
    };
  });
  return { rows: removed.length, heldMs: removed.length === 0 ? 0 : performance.now() - startedMs };
}
