// The thread in which a gateway's rows are bound into its books. Knows no SQL.

import { findWorker } from "../lib/worker-place.ts";

const WORKER = findWorker("src/cli/bindery-worker.ts");

export function startBinderyThread(): Worker {
  return new Worker(WORKER, { name: "bindery", smol: true });
}
