// The door of verification.
import { ENTRY_FIELDS, RECOUNT_FIELDS } from "../../ledger/index.ts";
import type { ChainFields } from "./reader.ts";

export * from "./finding.ts";
export type * from "./reader.ts";
export { scanStretch } from "./scan.ts";
export type { Scan, Stretch } from "./scan.ts";
export type { KeptHead } from "./signed.ts";
export * from "./verify.ts";

export const CHAIN_FIELDS: ChainFields = { ledger_entries: ENTRY_FIELDS, ledger_recounts: RECOUNT_FIELDS };
