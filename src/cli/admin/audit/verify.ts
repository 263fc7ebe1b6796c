// `tokligence admin audit verify`: whether the record of changes is as it was sealed and signed, and if not, which rows. Changes nothing in it.

import { existsSync } from "node:fs";
import { defineCommand } from "citty";
import { type KeptChangeHead, type VerifiedChanges, verifyChanges } from "../../../audit/index.ts";
import { type Config, loadConfig } from "../../../config/index.ts";
import { readHeads } from "../../../ledger/index.ts";
import { isChangeChain } from "../../../lib/change.ts";
import { openStore } from "../../../store/index.ts";
import { readScheme } from "../../../store/location.ts";
import { CliError, EXIT } from "../../error.ts";
import { readGivenFile, readTrustedKey } from "../../given-file.ts";
import { SHARED_ARGS, toLoadOptions } from "../../flags.ts";
import { readKey } from "../../ledger/key-file.ts";
import { count, print, printJson, printTable, say, startProgress } from "../../output.ts";
import { readList } from "../../value.ts";
import { readChangeHeads } from "./head-file.ts";

export default defineCommand({
  meta: {
    name: "verify",
    description: "Name every change that was altered, removed, moved or put in; exit code 1 where there is one",
  },
  args: {
    ...SHARED_ARGS,
    head: {
      type: "string",
      description: "Signed heads that were kept elsewhere, such as by ledger_anchor; several with commas",
      valueHint: "FILE",
    },
    "public-key": {
      type: "string",
      description: "Trust no key but this one; several with commas",
      valueHint: "FILE",
    },
  },
  async run({ args }) {
    const { config } = await loadConfig(toLoadOptions(args));
    const keys = readList(args["public-key"] ?? "").map(readTrustedKey);
    const kept = readList(args.head ?? "").flatMap(readKeptHeads);
    const verified = await verifyRecord(config, { kept, trusted: keys.length === 0 ? null : new Set(keys) });
    report(verified, { json: args.json === true, hasKey: keys.length > 0 });
  },
});

/** With the heads that lie beside the key. */
async function verifyRecord(
  config: Config,
  { kept, trusted }: { kept: readonly KeptChangeHead[]; trusted: ReadonlySet<string> | null },
): Promise<VerifiedChanges> {
  const { identityPath } = config;
  if (readScheme(identityPath) === "" && !existsSync(identityPath)) {
    throw new CliError(`There is no database at ${identityPath}.`, {
      exitCode: EXIT.notFound,
      hint: "Start the gateway once, or set identity_path to where it is.",
    });
  }
  const own = readChangeHeads(config.ledger.keyFile);
  if (own.unreadable > 0) say(`warning: ${own.unreadable} lines of ${own.path} are no signed heads; they are left out`);
  const store = await openStore(config);
  const progress = startProgress("verifying changes");
  try {
    return await verifyChanges({
      book: store.changes,
      kept: [...own.heads.map(({ head }) => ({ head, origin: own.path })), ...kept],
      trusted,
      own: readOwnKey(config),
      onProgress: progress.update,
    });
  } finally {
    progress.end();
    await store.close();
  }
}

/** One that cannot be read is of no use here, and no reason to prove nothing. */
function readOwnKey({ ledger }: Config): string | null {
  try {
    return readKey(ledger.keyFile)?.publicKey ?? null;
  } catch {
    return null;
  }
}

function readKeptHeads(path: string): KeptChangeHead[] {
  const { heads, unreadable } = readHeads(readGivenFile("head", path));
  const own = heads.filter(({ head }) => isChangeChain(head.chain));
  if (own.length === 0) {
    const held = heads.length === 0 ? "no signed head" : "signed heads of the books alone";
    throw new CliError(`${path} holds ${held}.`, {
      exitCode: EXIT.usage,
      hint: "Give what ledger_anchor wrote or sent, or a copy of the file beside the gateway's key that ends in .changes.jsonl; tokligence ledger verify takes heads of the books.",
    });
  }
  if (unreadable > 0) say(`warning: ${unreadable} lines of ${path} are no signed heads; they are left out`);
  if (own.length < heads.length)
    say(
      `note: ${count(heads.length - own.length, "head")} of the books in ${path}: tokligence ledger verify takes them`,
    );
  return own.map(({ head }) => ({ head, origin: path }));
}

function report(verified: VerifiedChanges, { json, hasKey }: { json: boolean; hasKey: boolean }): void {
  const { chains, findings, rows } = verified;
  const notes = hasKey ? verified.notes : [...verified.notes, NO_KEY];
  if (json) {
    const printed = findings.map(({ toSeq, place, ...finding }) => ({ ...finding, database: place, to_seq: toSeq }));
    printJson({ ok: findings.length === 0, rows, chains, findings: printed, notes });
  } else {
    if (chains.length > 0) printTable(chains, ["database", "chain", "rows", "signed_to", "signed_at"]);
    for (const { kind, text } of findings) print(`${kind}: ${text}`);
    for (const note of notes) say(`note: ${note}`);
  }
  if (findings.length === 0) {
    say(`All is as it was sealed: ${count(rows, "change")} in ${count(chains.length, "chain")}.`);
    return;
  }
  throw new CliError(
    `The record of changes is not as it was sealed: ${count(findings.length, "finding")} in ${count(rows, "change")}.`,
    {
      exitCode: EXIT.failed,
      hint: "Keep this output and a copy of the database as it is now, before anything else is written to it.",
    },
  );
}

const NO_KEY =
  "Signatures were checked against the keys that the heads themselves name; --public-key proves them against one that was kept elsewhere.";
