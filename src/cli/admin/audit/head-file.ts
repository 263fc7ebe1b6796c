// Signed heads of the record of changes in a file beside the gateway's key: who changes the database does not reach them by that.

import { type ReadHeads, readHeadFile } from "../../ledger/head-file.ts";

/** `ledger.key` → `ledger.changes.jsonl`. */
export function placeChangeHeads(keyFile: string): string {
  return `${keyFile.replace(/\.(?:key|pem|jwk|json)$/iu, "")}.changes.jsonl`;
}

export function readChangeHeads(keyFile: string): ReadHeads & { path: string } {
  const path = placeChangeHeads(keyFile);
  return { ...readHeadFile(path), path };
}
