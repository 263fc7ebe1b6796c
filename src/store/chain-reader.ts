// Opens a ledger for verification: to read, and without bringing its tables up to date. Knows no configuration.

import { statSync } from "node:fs";
import type { ChainRules, ChainReader } from "../audit/verify/reader.ts";
import { GatewayError } from "../ir/index.ts";
import { explainStoreError } from "./error.ts";
import { readScheme } from "./location.ts";

/** A file path, or a postgres:// DSN. Throws a GatewayError where there is nothing to read. */
export async function openChains(location: string, rules: ChainRules): Promise<ChainReader> {
  if (readScheme(location) !== "")
    return (await import("./postgres/chain-reader.ts")).openPostgresChains(location, rules);
  const stat = statSync(location, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true)
    throw explainStoreError(Object.assign(new Error("It is a folder."), { code: "EISDIR" }), location);
  if (stat === undefined) {
    const message = `There is no ledger at ${location}: start the gateway once, or set ledger_path to where it is.`;
    throw new GatewayError({ kind: "not_found", message });
  }
  return (await import("./sqlite/chain-reader.ts")).openSqliteChains(location, rules);
}
