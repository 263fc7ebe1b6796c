// The thread in which a gateway's rows are bound into its books. Knows no SQL.

/** Inside the executable a worker is found by its place in the sources, which scripts/compile.ts lists; else beside this file. */
const IS_BUILT = /\$bunfs|~BUN/u.test(import.meta.url);
const WORKER = IS_BUILT ? "./src/cli/bindery-worker.ts" : new URL("bindery-worker.ts", import.meta.url).href;

export function startBinderyThread(): Worker {
  return new Worker(WORKER, { name: "bindery", smol: true });
}
