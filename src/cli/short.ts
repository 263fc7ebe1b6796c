// Whether the ledger's database ends before what this gateway signed: then an older copy of it was put in its place, or rows were taken off its end. A file
// says so as it is opened; a database that rows are shipped to has to be asked before they are. Knows no rule of chains.

import { existsSync } from "node:fs";
import { CHAIN_RULES } from "../audit/verify/index.ts";
import type { Config } from "../config/index.ts";
import type { ChainHead, Head } from "../ledger/index.ts";
import { openChains } from "../store/chain-reader.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import type { ReadHeads } from "./ledger/head-file.ts";

interface ShortInit {
  config: Pick<Config, "outboxPath">;
  kept: ReadHeads;
  /** Of the chains of our key in the ledger's database, and of the one that was signed last; null where that is not known. */
  ends: readonly ChainHead[] | null;
  log: Log;
}

/** Null where the ledger is a file, or where its database does not answer: that is told of by whoever needs it. */
export async function readEnds(
  { ledger, ledgerFile, missing }: Pick<Store, "ledger" | "ledgerFile" | "missing">,
  { keyId, kept }: { keyId: string; kept: ReadHeads },
): Promise<ChainHead[] | null> {
  if (ledgerFile !== null || missing() !== null) return null;
  // Another key may have signed that.
  return ledger.listEnds(keyId, findLast(kept)?.chain ?? null).catch(() => null);
}

export async function tellShort({ config, kept, ends, log }: ShortInit): Promise<void> {
  const newest = findLast(kept);
  if (ends === null || newest === null) return;
  const { chain, seq } = newest;
  const stored = ends.find((end) => end.chain === chain)?.seq ?? 0;
  if (stored >= seq) return;
  const waiting = await countWaiting(config.outboxPath, chain);
  const end = waiting.least <= stored + 1 ? Math.max(stored, waiting.most) : stored;
  if (end >= seq) return;
  log.error(
    "The ledger's database ends before what was signed: rows were removed, or an old copy was put in its place. The chain goes on behind the gap; see tokligence ledger verify",
    { chain, ends_at: stored, signed_to: seq, signed_at: newest.signedAt.toISOString() },
  );
}

/** By the time at which they were signed: there may be heads of several chains. */
function findLast({ heads }: ReadHeads): Head | null {
  const own = heads.map(({ head }) => head).filter(({ reason }) => reason !== "cut");
  return own.toSorted((left, right) => left.signedAt.getTime() - right.signedAt.getTime()).at(-1) ?? null;
}

/** Rows that are on their way are not missing. */
async function countWaiting(outboxPath: string, chain: string): Promise<{ least: number; most: number }> {
  if (!existsSync(outboxPath)) return { least: 0, most: 0 };
  const reader = await openChains(outboxPath, CHAIN_RULES);
  try {
    return await reader.extent(chain);
  } finally {
    await reader.close();
  }
}
