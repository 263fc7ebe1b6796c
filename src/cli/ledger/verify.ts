// `tokligence ledger verify`: whether the books are as they were sealed and signed, and if not, which rows. Changes nothing.

import { existsSync } from "node:fs";
import { defineCommand } from "citty";
import {
  CHAIN_RULES,
  type ChainReader,
  type Finding,
  blameUnreadable,
  judgeSums,
  REMAKE,
  type KeptHead,
  scanInTurn,
  type Verified,
  verifyChains,
} from "../../audit/verify/index.ts";
import { type Config, loadConfig } from "../../config/index.ts";
import { GatewayError } from "../../ir/index.ts";
import { BOOK_RULES, readHeads } from "../../ledger/index.ts";
import { isChangeChain } from "../../lib/change.ts";
import { openChains } from "../../store/chain-reader.ts";
import { glance } from "../../store/glance.ts";
import { checkRollups } from "../../store/rollup/check.ts";
import { placeHeads, readHeadFile } from "./head-file.ts";
import { settleJournals } from "../../store/journal/settle.ts";
import { readKey } from "./key-file.ts";
import { locateLedger, readScheme } from "../../store/location.ts";
import { CliError, EXIT } from "../error.ts";
import { readGivenFile, readTrustedKey } from "../given-file.ts";
import { SHARED_ARGS, toLoadOptions } from "../flags.ts";
import { count, print, printJson, printTable, say, startProgress } from "../output.ts";
import { readList, readMomentOrAge, refuseValue } from "../value.ts";
import { startScanners } from "./scanners.ts";

export default defineCommand({
  meta: {
    name: "verify",
    description: "Name every row that was altered, removed, moved or put in; exit code 1 where there is one",
  },
  args: {
    ...SHARED_ARGS,
    from: { type: "string", description: "Rows from then on: a moment, or a time back such as 24h", valueHint: "TIME" },
    to: { type: "string", description: "Rows before then", valueHint: "TIME" },
    chain: { type: "string", description: "One chain only", valueHint: "ID" },
    head: {
      type: "string",
      description: "Signed heads that were kept elsewhere; several with commas",
      valueHint: "FILE",
    },
    "no-rollups": {
      type: "boolean",
      description: "Leave out the sums that reports are made of: only rows are gone through",
    },
    "public-key": {
      type: "string",
      description: "Trust no key but this one; several with commas",
      valueHint: "FILE",
    },
  },
  async run({ args }) {
    const { config } = await loadConfig(toLoadOptions(args));
    const now = Date.now();
    const kept = [...readOwnHeads(config), ...readList(args.head ?? "").flatMap(readKeptHeads)];
    const keys = readList(args["public-key"] ?? "").map(readTrustedKey);
    const from = args.from === undefined ? null : readMomentOrAge("from", args.from, now);
    const to = args.to === undefined ? null : readMomentOrAge("to", args.to, now);
    if (from !== null && to !== null && from >= to) throw refuseValue("from", "it must be before --to");
    const started = performance.now();
    const verified: Verified = await verify(config, {
      chain: args.chain ?? null,
      from,
      to,
      kept,
      own: readOwnKeys(config),
      trusted: keys.length === 0 ? null : new Set(keys),
    });
    const seconds = (performance.now() - started) / 1000;
    const isAll = args.chain === undefined && args["no-rollups"] !== true;
    const rollups = isAll ? await compareSums(config, verified, { from, to }) : null;
    report({ ...verified, rollups }, seconds, { json: args.json === true, hasKey: keys.length > 0 });
  },
});

type Asked = Pick<Parameters<typeof verifyChains>[0], "chain" | "from" | "kept" | "own" | "to" | "trusted">;

/** Below it, threads take longer to start than they save. */
const ROWS_WORTH_THREADS = 50_000;

async function verify(config: Config, asked: Asked): Promise<Verified> {
  const location = locateLedger(config);
  const warning = await settleJournals(readScheme(location) === "" ? location : config.outboxPath, BOOK_RULES);
  if (warning !== null) say(`warning: ${warning}`);
  const outbox =
    readScheme(location) !== "" && existsSync(config.outboxPath)
      ? await openChains(config.outboxPath, CHAIN_RULES)
      : null;
  const reader = await openChains(location, CHAIN_RULES);
  const progress = startProgress("verifying rows");
  try {
    const chains = await reader.chains();
    if (asked.chain !== null && !chains.some(({ chain }) => chain === asked.chain)) throw refuseChain(asked.chain);
    const rows = chains.reduce((sum, { seq }) => sum + seq, 0);
    const scanners = rows < ROWS_WORTH_THREADS ? null : startScanners(location);
    try {
      return await verifyChains({
        ...asked,
        reader,
        outbox,
        scan: scanners?.scan ?? scanInTurn(reader),
        onProgress: progress.update,
      });
    } finally {
      scanners?.close();
    }
  } finally {
    progress.end();
    await closeAll([reader, outbox]);
  }
}

interface Rollups {
  sums: number;
  seconds: number;
  proved_from: Date | null;
}

/** After the rows, for they are what sums are held against. What is wrong is put behind the other findings. */
async function compareSums(
  config: Config,
  verified: Verified,
  { from, to }: Pick<Asked, "from" | "to">,
): Promise<Rollups | null> {
  const started = performance.now();
  if (await isOlder(config)) {
    verified.notes.push(
      "Sums were left out: their tables are those of an older version, and are brought up to date when a gateway of this one starts.",
    );
    return null;
  }
  const progress = startProgress("comparing sums with rows, day");
  try {
    const query = { cutChains: verified.cutChains, from, to, onProgress: progress.update };
    const { sums, wrong, provedFrom } = await checkRollups(locateLedger(config), query);
    verified.findings.push(...judgeSums(wrong));
    return { sums, seconds: (performance.now() - started) / 1000, proved_from: provedFrom };
  } catch (error) {
    if (verified.findings.length === 0) {
      // Rows could be read and are whole; so what cannot be read is what is kept of their sums.
      if (!(error instanceof GatewayError) || error.code !== undefined) throw error;
      verified.findings.push(blameUnreadable(error));
      return null;
    }
    // A row may be altered so that nothing can be summed up any more: that must not hide its name.
    const reason = error instanceof Error ? error.message : String(error);
    verified.notes.push(`Sums could not be compared with these rows, and were left out: ${reason}`);
    return null;
  } finally {
    progress.end();
  }
}

/** What a table does not have yet must not pass for altered. */
async function isOlder(config: Config): Promise<boolean> {
  const seen = await glance({ location: locateLedger(config), database: config.database });
  await seen?.close();
  return (seen?.schema.pending ?? 0) > 0;
}

async function closeAll(readers: readonly (ChainReader | null)[]): Promise<void> {
  for (const reader of readers) await reader?.close();
}

function refuseChain(chain: string): CliError {
  return new CliError(`There is no chain ${chain}.`, {
    exitCode: EXIT.notFound,
    hint: "tokligence ledger heads shows all of them. A chain that should be there and is not was removed.",
  });
}

/** Of this machine's gateway. A key that cannot be read is of no use here, and no reason to prove nothing. */
function readOwnKeys({ ledger }: Config): ReadonlySet<string> {
  try {
    const key = readKey(ledger.keyFile);
    return new Set(key === null ? [] : [key.publicKey]);
  } catch {
    return new Set();
  }
}

/** Those beside the key, where this machine has them. */
function readOwnHeads({ ledger }: Config): KeptHead[] {
  const path = placeHeads(ledger.keyFile);
  const { heads, unreadable } = readHeadFile(path);
  if (unreadable > 0) say(`warning: ${unreadable} lines of ${path} are no signed heads; they are left out`);
  return heads.map((head) => ({ ...head, origin: path }));
}

function readKeptHeads(path: string): KeptHead[] {
  const { heads, unreadable } = readHeads(readGivenFile("head", path));
  const own = heads.filter(({ head }) => !isChangeChain(head.chain));
  if (own.length === 0) {
    const held = heads.length === 0 ? "no signed head" : "signed heads of the record of changes alone";
    throw new CliError(`${path} holds ${held}.`, {
      exitCode: EXIT.usage,
      hint: "Give a file of tokligence ledger heads --export, or one that ledger_anchor wrote or sent; tokligence admin audit verify takes heads of changes.",
    });
  }
  if (unreadable > 0) say(`warning: ${unreadable} lines of ${path} are no signed heads; they are left out`);
  if (own.length < heads.length)
    say(
      `note: ${count(heads.length - own.length, "head")} of changes in ${path}: tokligence admin audit verify takes them`,
    );
  return own.map((head) => ({ ...head, origin: path }));
}

function report(
  verified: Verified & { rollups: Rollups | null },
  seconds: number,
  { json, hasKey }: { json: boolean; hasKey: boolean },
): void {
  const { chains, findings, notes, rollups, rows } = verified;
  const speed = Math.round(rows / Math.max(seconds, 0.001));
  const all = hasKey ? notes : [...notes, NO_KEY];
  if (json) {
    const printed = findings.map(({ toSeq, ...finding }) => ({ ...finding, to_seq: toSeq }));
    printJson({
      ok: findings.length === 0,
      rows,
      seconds,
      rows_per_second: speed,
      chains,
      rollups,
      findings: printed,
      notes: all,
    });
  } else {
    if (chains.length > 0) printTable(chains, ["chain", "rows", "from", "to", "signed_to", "signed_at"]);
    for (const finding of findings) print(`${finding.kind}: ${finding.text}${tellHashes(finding)}`);
    for (const note of all) say(`note: ${note}`);
  }
  if (findings.length === 0) {
    const where = `${count(rows, "row")} of ${count(chains.length, "chain")}`;
    if (rows + chains.length === 0)
      say("There is no row in these books, so there was nothing to prove. Are they the right ones?");
    else say(`All is as it was sealed: ${where} (${seconds.toFixed(1)} s, ${speed} rows/s).`);
    if (rollups !== null && rollups.sums > 0) say(tellRollups(rollups));
    if (!json) say("Who changed what is a record of its own: tokligence admin audit verify");
    return;
  }
  const areSums = findings.every(({ kind, table }) => kind === "sums_altered" || table === "ledger_marks");
  const remedy = areSums ? ` Then ${REMAKE}.` : "";
  throw new CliError(
    `The books are not as they were sealed: ${count(findings.length, "finding")} in ${count(rows, "row")}.`,
    {
      exitCode: EXIT.failed,
      hint: `Keep this output and a copy of the database as it is now, before anything else is written to it.${remedy}`,
    },
  );
}

function tellRollups({ proved_from: from, seconds, sums }: Rollups): string {
  const rest =
    from === null
      ? ""
      : `; before ${from.toISOString()} rows were removed by right, and sums may tell of more than are left`;
  return `${count(sums, "sum")} of reports agree with their rows (${seconds.toFixed(1)} s)${rest}.`;
}

const NO_KEY =
  "Signatures were checked against the keys that the database itself names; --public-key proves them against one that was kept elsewhere.";

function tellHashes({ expected, found }: Finding): string {
  return expected === null || found === null ? "" : ` Expected ${expected}, found ${found}.`;
}
