// The door of verification.
import { digestText, ENTRY_FIELDS, judgePayload, RECOUNT_FIELDS } from "../../ledger/index.ts";
import type { ChainRules } from "./reader.ts";

export * from "./finding.ts";
export type * from "./reader.ts";
export { scanInTurn, scanStretch } from "./scan.ts";
export type { Scan, Stretch } from "./scan.ts";
export type { KeptHead } from "./signed.ts";
export * from "./sums.ts";
export * from "./verify.ts";

export const CHAIN_RULES: ChainRules = {
  fields: { ledger_entries: ENTRY_FIELDS, ledger_recounts: RECOUNT_FIELDS },
  digest: digestText,
  judgePayload,
};
