// `tokligence audit pack`: one file that proves to a provider what the books say of its calls. No server need run.

import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { defineCommand } from "citty";
import { type Packed, type PriceUse, writePack } from "../../audit/index.ts";
import { CHAIN_RULES } from "../../audit/verify/index.ts";
import type { Directory } from "../../identity/index.ts";
import { type SigningKey, formatUsd, nameTier } from "../../ledger/index.ts";
import { printCsvLine } from "../../lib/csv.ts";
import { VERSION } from "../../lib/version.ts";
import { openChains } from "../../store/chain-reader.ts";
import { locateLedger } from "../../store/location.ts";
import { readKey } from "../ledger/key-file.ts";
import { CliError, EXIT } from "../error.ts";
import { refuseDatabase } from "../export-file.ts";
import { SHARED_ARGS } from "../flags.ts";
import { runWithStore } from "../open.ts";
import { count, print, printJson, say, startProgress } from "../output.ts";
import { type Counter, openCounter } from "../prices/counter.ts";
import { openDraft } from "../temporary.ts";
import { readList, readMomentOrAge } from "../value.ts";

/** Of each file of the pack, before it goes to the disk. */
const SPOOL_BYTES = 1024 * 1024;

export default defineCommand({
  meta: { name: "pack", description: "Write proof of a provider's calls: rows, usage frames, chain, prices, recounts" },
  args: {
    provider: {
      type: "string",
      required: true,
      description: "Name of the provider in the configuration; several with commas between",
      valueHint: "NAME",
    },
    from: { type: "string", required: true, description: "No earlier than this moment (UTC)", valueHint: "WHEN" },
    to: { type: "string", required: true, description: "Before this moment (UTC)", valueHint: "WHEN" },
    model: { type: "string", description: "Model, as asked for or as served", valueHint: "MODEL" },
    output: { type: "string", alias: "o", required: true, description: "Where to write it", valueHint: "FILE" },
    "with-identities": { type: "boolean", description: "Name users and API keys, which are random ids otherwise" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const now = Date.now();
    const selection = {
      providers: new Set(readList(args.provider)),
      model: args.model ?? null,
      from: readMomentOrAge("from", args.from, now),
      to: readMomentOrAge("to", args.to, now),
    };
    await refuseDatabase(args.output);
    const counter = await openCounter(args);
    await counter.desk.open();
    const progress = startProgress("packing rows");
    const packed = await runWithStore(args, async ({ config, store, directory }) => {
      const key = findKey(config.ledger.keyFile);
      const identities = args["with-identities"] === true ? makeIdentityTable(directory) : null;
      const chains = await openChains(locateLedger(config), CHAIN_RULES);
      const packTo = (write: (bytes: Uint8Array) => Promise<void>): Promise<Packed> =>
        writePack({
          books: store.audit,
          chains,
          selection,
          key,
          writer: VERSION,
          write,
          openSpool: () => openDraft(SPOOL_BYTES),
          printRates: (price) => printRates(counter, price),
          printIdentities: identities,
          onProgress: (rows) => progress.update(rows, rows),
        });
      try {
        return await writeBeside(args.output, packTo);
      } finally {
        await chains.close();
      }
    }).finally(() => progress.end());
    tell(packed, args.output, args.json === true);
  },
});

function findKey(path: string): SigningKey {
  const key = readKey(path);
  if (key !== null) return key;
  throw new CliError(`There is no key at ${path} to sign the pack with.`, {
    exitCode: EXIT.notFound,
    hint: "It is made when the gateway starts for the first time; ledger_key_file says where it is.",
  });
}

/** Only where the price that is known today is still the one that was used. */
function printRates(
  { desk, scene }: Counter,
  { provider, model, first, tier, id, source, date }: PriceUse,
): string | null {
  const pricing = scene.providers.get(provider)?.pricing;
  if (pricing === undefined) return null;
  const found = desk.book.explain({ provider, pricing, models: [model], at: first, tier: nameTier(tier) });
  if (found === null || found.source !== source || found.tariff.id !== id || (found.tariff.date ?? "") !== date)
    return null;
  return found.bands
    .map(({ aboveInputTokens, prices }) => {
      const rates = prices.flatMap(({ key, usd }) => (usd === null ? [] : [`${key} ${usd}`]));
      return `${aboveInputTokens === 0 ? "" : `above ${aboveInputTokens} input tokens: `}${rates.join(", ")}`;
    })
    .join("; ");
}

/** Under another name until it is whole. */
async function writeBeside(
  path: string,
  work: (write: (bytes: Uint8Array) => Promise<void>) => Promise<Packed>,
): Promise<Packed> {
  const draft = `${path}.part`;
  let file: FileHandle;
  try {
    file = await open(draft, "w", 0o600);
  } catch (error) {
    throw new CliError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`, {
      exitCode: EXIT.failed,
      hint: `Choose another place than ${dirname(path)}: -o pack.zip`,
    });
  }
  try {
    const packed = await work(async (bytes) => {
      let at = 0;
      while (at < bytes.byteLength) at += (await file.write(bytes, at)).bytesWritten;
    });
    await file.close();
    await rename(draft, path);
    return packed;
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw error;
  }
}

/** Names of those who are in the pack; who is gone by now has none. */
function makeIdentityTable(directory: Directory) {
  return async ({ users, keys }: { users: ReadonlySet<string>; keys: ReadonlySet<string> }): Promise<string> => {
    const people = (await directory.listUsers()).filter(({ id }) => users.has(id));
    const tokens = (await directory.listKeys(null)).filter(({ id }) => keys.has(id));
    const lines = [
      ["kind", "id", "name", "detail"],
      ...people.map(({ id, email, displayName }) => ["user", id, email, displayName ?? ""]),
      ...tokens.map(({ id, name, prefix }) => ["api_key", id, name ?? "", prefix]),
    ];
    const [head, ...rest] = lines.map(printCsvLine);
    return [head ?? "", ...rest.toSorted()].join("");
  };
}

function tell({ manifest, fingerprint }: Packed, path: string, json: boolean): void {
  const { chains, totals, notes } = manifest;
  const sum = (name: "foreign" | "recounts" | "rows"): number =>
    chains.reduce((total, chain) => total + chain[name], 0);
  const cost = formatUsd(BigInt(totals.cost_nanos));
  if (json) {
    printJson({
      file: path,
      fingerprint,
      rows: sum("rows"),
      recounts: sum("recounts"),
      links: sum("foreign"),
      cost_usd: cost,
      manifest,
    });
    return;
  }
  print(`${path}: ${count(sum("rows"), "row")} and ${count(sum("recounts"), "recount")}, ${cost} US dollars`);
  print(`Rows in between, as digests: ${sum("foreign")}`);
  print(`Signed with the key ${fingerprint}`);
  for (const note of notes) say(`note: ${note}`);
  if (sum("rows") === 0) say("note: No call of that time and provider is on the books: the pack is empty.");
  say(`Whoever gets it checks it with: tokligence audit verify ${path}`);
}
