// Signed heads in a file beside the gateway's key: who changes the database does not reach them by that. Knows no database.

import { appendFileSync, readFileSync } from "node:fs";
import { GatewayError } from "../../ir/index.ts";
import { type Head, printHead, readHeads } from "../../ledger/index.ts";

export interface ReadHeads {
  heads: { head: Head; continues: string | null }[];
  /** Lines that are none. */
  unreadable: number;
}

/** `ledger.key` → `ledger.heads.jsonl`. */
export function placeHeads(keyFile: string): string {
  return `${keyFile.replace(/\.(?:key|pem|jwk|json)$/iu, "")}.heads.jsonl`;
}

/** One line at the end, durable when it returns. */
export function appendHead(path: string, head: Head, continues: string | null): void {
  appendFileSync(path, `${JSON.stringify(printHead(head, continues))}\n`, { mode: 0o600, flush: true });
}

/** No heads where there is no file. Throws a GatewayError where it cannot be read. */
export function readHeadFile(path: string): ReadHeads {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    if (code === "ENOENT") return { heads: [], unreadable: 0 };
    const message = `${path} cannot be read (${code}). It holds the signed heads by which it shows when rows are cut off: make it this user's own, or put it back from a backup.`;
    throw new GatewayError({ kind: "not_configured", message });
  }
  return readHeads(text);
}
