// `tokligence audit verify`: whether a dispute pack is what a gateway once signed. Needs nothing but the pack: no configuration, no database,
// no network.

import { defineCommand } from "citty";
import { type PackFile, type PackVerdict, verifyPack } from "../../audit/index.ts";
import { formatUsd, readPublicKey } from "../../ledger/index.ts";
import { openScratch } from "../../store/sqlite/scratch.ts";
import { CliError, EXIT } from "../error.ts";
import { makePlain, print, printJson, say, startProgress } from "../output.ts";
import { refuseScratch } from "../temporary.ts";
import { readList } from "../value.ts";

export default defineCommand({
  meta: { name: "verify", description: "Check a dispute pack, offline: every byte, signature and link of it" },
  args: {
    pack: { type: "positional", description: "The pack: pack.zip", required: true },
    "public-key": {
      type: "string",
      description: "Keys of the gateway, known from elsewhere (PEM, JWK or raw); several with commas between",
      valueHint: "FILE",
    },
    json: { type: "boolean", description: "Print JSON" },
  },
  async run({ args }) {
    const trusted =
      args["public-key"] === undefined ? null : await Promise.all(readList(args["public-key"]).map(readKeyFile));
    const progress = startProgress("following the chain: row");
    const pack = await openPack(args.pack);
    const scratch = openScratch(refuseScratch);
    const verdict = await verifyPack(pack, {
      trusted,
      scratch,
      onProgress: (links) => progress.update(links, links),
    }).finally(() => {
      progress.end();
      scratch.close();
    });
    if (args.json === true) printJson(toJson(verdict));
    else printForPeople(verdict, trusted !== null);
    if (!verdict.valid) {
      throw new CliError(`${args.pack} is not what was signed.`, {
        exitCode: EXIT.failed,
        hint: "Ask for the pack again; if it is the same, what it says is not proved.",
      });
    }
  },
});

async function openPack(path: string): Promise<PackFile> {
  const file = Bun.file(path);
  if (!(await file.exists())) {
    throw new CliError(`${path} is not there.`, {
      exitCode: EXIT.notFound,
      hint: "Give the path of the pack: tokligence audit verify pack.zip",
    });
  }
  return { size: file.size, read: (from, to) => file.slice(from, to).stream() };
}

async function readKeyFile(path: string): Promise<string> {
  const file = Bun.file(path);
  if (!(await file.exists())) {
    throw new CliError(`${path} is not there.`, {
      exitCode: EXIT.notFound,
      hint: "The gateway prints its key: tokligence ledger key",
    });
  }
  const key = readPublicKey(await file.text());
  if (key !== null) return key;
  throw new CliError(`${path} holds no public Ed25519 key.`, {
    exitCode: EXIT.usage,
    hint: "It has to be PEM (BEGIN PUBLIC KEY), JWK, or the raw key as base64url: tokligence ledger key prints it.",
  });
}

function toJson({ valid, problems, manifest, fingerprint, heads, foreign, unproved }: PackVerdict): unknown {
  return {
    valid,
    problems,
    fingerprint,
    providers: manifest?.providers ?? null,
    model: manifest?.model ?? null,
    from: manifest?.from ?? null,
    to: manifest?.to ?? null,
    totals: manifest?.totals ?? null,
    notes: manifest?.notes ?? [],
    signed_heads: heads,
    digests_in_between: foreign,
    unproved,
  };
}

/** What stands in a pack is a stranger's text. */
function printForPeople(
  { valid, problems, manifest, fingerprint, heads, foreign, unproved }: PackVerdict,
  isTrusted: boolean,
): void {
  for (const { file, problem } of problems) print(makePlain(`WRONG ${file}: ${problem}`));
  if (!valid || manifest === null) return;
  const { totals } = manifest;
  print(makePlain(`${manifest.providers.join(", ")}, ${manifest.from} until before ${manifest.to}`));
  print(
    `${totals.calls} calls, ${totals.corrections} corrections and ${totals.recounts} recounts are as they were signed.`,
  );
  print(
    `${totals.input_tokens} tokens in, ${totals.output_tokens} out, ${formatUsd(BigInt(totals.cost_nanos))} US dollars`,
  );
  for (const note of manifest.notes) print(makePlain(note));
  print(`Proved by ${heads} signed heads, over ${foreign} rows in between.`);
  print(`Key ${fingerprint}${isTrusted ? ", which you trust" : ""}`);
  for (const word of unproved) say(`note: ${word}`);
  if (!isTrusted) {
    say(
      "note: The key is the pack's own. Compare it with what the gateway's operator says, or give it: --public-key FILE",
    );
  }
}
