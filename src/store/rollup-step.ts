// What is done to the sums of the books beside requests, a step at a time: rows are summed up, and sums that are complete are packed. Knows neither.

import type { RollupStep } from "../ledger/index.ts";
import type { Engine } from "./engine.ts";
import { rollUp } from "./rollup.ts";
import { createPacker } from "./sheet-keep.ts";

/** The answer does a step: up to `limit` rows of one chain, of those whose names come behind `after`; where there are none, something is packed. */
export function createRollUp(engine: Engine): (limit: number, after?: string) => Promise<RollupStep> {
  const packer = createPacker(engine);
  return async (limit, after) => {
    const step = await rollUp(engine, { limit, after }, packer.note);
    return step.rows > 0 ? step : packer.step();
  };
}
