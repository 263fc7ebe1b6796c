// `tokligence ledger heads`: the newest signed heads of the books, and a file of them for safekeeping.

import { writeFileSync } from "node:fs";
import { defineCommand } from "citty";
import { CHAIN_RULES, type ChainState } from "../../audit/verify/index.ts";
import { loadConfig } from "../../config/index.ts";
import { type Head, isSigned, type PrintedHead, printHead } from "../../ledger/index.ts";
import { openChains } from "../../store/chain-reader.ts";
import { locateLedger } from "../../store/location.ts";
import { CliError, EXIT } from "../error.ts";
import { refuseDatabase } from "../export-file.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";
import { printJson, printTable, say } from "../output.ts";
import { readInteger } from "../value.ts";

export default defineCommand({
  meta: { name: "heads", description: "Print the newest signed heads of each chain, newest first" },
  args: {
    ...SHARED_ARGS,
    chain: { type: "string", description: "Of one chain only", valueHint: "ID" },
    limit: { type: "string", default: "10", description: "Heads of each chain at most", valueHint: "N" },
    export: {
      type: "string",
      description: "Also write the newest of each chain to a file, to keep elsewhere",
      valueHint: "FILE",
    },
  },
  async run({ args }) {
    const limit = readInteger("limit", args.limit, { least: 1, most: 100_000 });
    const { config } = await loadConfig(toLoadOptions(args));
    const found = await readAll(locateLedger(config), args.chain ?? null);
    if (args.chain !== undefined && found.length === 0) {
      throw new CliError(`There is no chain ${args.chain}.`, {
        exitCode: EXIT.notFound,
        hint: "tokligence ledger heads shows all of them.",
      });
    }
    if (args.export !== undefined) await exportNewest(args.export, found);
    const heads = found.flatMap(({ state, heads: ofChain }) =>
      ofChain
        .slice(0, limit)
        .map((head) => ({ ...printHead(head, state.continues), valid: isSigned(head, state.continues) })),
    );
    if (args.json === true) return printJson({ heads });
    printTable(
      heads.map(({ chain, seq, reason, signed_at, hash, valid }) => ({
        chain,
        row: seq,
        reason,
        signed_at,
        hash,
        signature: valid ? "valid" : "INVALID",
      })),
      ["chain", "row", "reason", "signed_at", "signature", "hash"],
    );
    if (heads.length === 0) say("There is no signed head yet: the first is made when the gateway starts.");
  },
});

interface Found {
  state: ChainState;
  /** Newest first. */
  heads: Head[];
}

async function readAll(location: string, chain: string | null): Promise<Found[]> {
  const reader = await openChains(location, CHAIN_RULES);
  try {
    const chains = (await reader.chains()).filter((state) => chain === null || state.chain === chain);
    const found: Found[] = [];
    for (const state of chains) found.push({ state, heads: (await reader.heads(state.chain)).toReversed() });
    return found;
  } finally {
    await reader.close();
  }
}

/** The one that proves most of each chain, and its first one, which says where it comes from. */
async function exportNewest(path: string, found: readonly Found[]): Promise<void> {
  await refuseDatabase(path);
  const heads: PrintedHead[] = found.flatMap(({ state, heads }) => {
    const [newest, first] = [heads[0], heads.at(-1)];
    return [...new Set([first, newest])].flatMap((head) =>
      head === undefined ? [] : [printHead(head, state.continues)],
    );
  });
  try {
    writeFileSync(path, `${JSON.stringify({ heads }, null, 2)}\n`);
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new CliError(`${path} cannot be written (${reason}).`, {
      exitCode: EXIT.failed,
      hint: "Give --export another path.",
    });
  }
  say(`Wrote ${heads.length} heads to ${path}. Keep it elsewhere: tokligence ledger verify --head ${path}`);
}
