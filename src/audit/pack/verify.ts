// Checks a pack, with nothing but the pack: every byte of the zip, the list of its files, the signatures, the chain, the totals, and what is printed
// of the rows. Knows no disk and no network.

import { createHash, createPublicKey, verify } from "node:crypto";
import { GatewayError, isJsonObject, type JsonObject } from "../../ir/index.ts";
import { fingerprint, readPublicKey } from "../../ledger/index.ts";
import { canonicalize } from "../../lib/canonical-json.ts";
import { type ChainResult, type Problem, checkChains } from "./check-chain.ts";
import { FILES, FORMAT, type Manifest, UNLISTED, isKeyFile, nameKeyFile } from "./layout.ts";
import { readLines } from "./lines.ts";
import { OTHER_PRINTER, type Remake, type RowScratch, createRemake, keepRows } from "./remake.ts";
import { BrokenFile, type PackFile, type Unpacked, collect, unpack } from "./unpack.ts";

export interface VerifyOptions {
  /** Raw keys that are known from elsewhere, as base64url; null takes those of the pack at their word. */
  trusted: readonly string[] | null;
  /** Holds the rows for the while; throws a GatewayError where it cannot. */
  scratch: RowScratch;
  onProgress?: (links: number) => void;
}

export interface Verdict {
  valid: boolean;
  problems: Problem[];
  /** Null where it cannot be read. */
  manifest: Manifest | null;
  /** Of the key that signed it. */
  fingerprint: string | null;
  heads: number;
  foreign: number;
  /** What of it is not proved, in sentences. */
  unproved: readonly string[];
}

export async function verifyPack(file: PackFile, options: VerifyOptions): Promise<Verdict> {
  const problems: Problem[] = [];
  const report = (problem: Problem): void => {
    // A file that cannot be unpacked is met more than once.
    const isTold = problems.some(({ file: told, problem: text }) => told === problem.file && text === problem.problem);
    if (!isTold) problems.push(problem);
  };
  const verdict = (rest: Partial<Verdict> = {}): Verdict => ({
    manifest: null,
    fingerprint: null,
    heads: 0,
    foreign: 0,
    unproved: [],
    ...rest,
    valid: problems.length === 0,
    problems,
  });
  const pack = await attempt("zip", report, () => unpack(file));
  if (pack === null) return verdict();
  await checkSeal(pack, report);
  const manifest = await readManifest(pack, report);
  if (manifest === null) return verdict();
  await checkKeys(pack, manifest, options.trusted, report);
  await checkFiles(pack, manifest, report);
  const told = problems.length;
  const remake = createRemake(manifest, options.scratch);
  if (remake !== null)
    await attempt(FILES.rows, report, () => keepRows(readLines(pack.open(FILES.rows)), options.scratch));
  const chain = await attempt(FILES.proof, report, () => followChains(pack, manifest, { ...options, remake, report }));
  // From rows that do not hold follows nothing.
  const isFollowed = chain !== null && problems.length === told;
  if (chain !== null) checkTotals(manifest, chain, report);
  const made = isFollowed && remake !== null ? await remake.end() : null;
  for (const problem of made?.problems ?? []) report(problem);
  return verdict({
    manifest,
    fingerprint: fingerprint(manifest.public_key),
    heads: chain?.heads ?? 0,
    foreign: chain?.foreign ?? 0,
    unproved: remake === null ? [OTHER_PRINTER] : (made?.unproved ?? []),
  });
}

type Report = (problem: Problem) => void;

/** Null where it cannot be done, which is reported. */
async function attempt<T>(file: string, report: Report, work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    if (error instanceof BrokenFile) report({ file: error.file, problem: error.message });
    else
      report({ file, problem: `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.` });
    return null;
  }
}

/** Whoever reads text that one of us signed. */
function isSignedBy(text: string, signature: string, publicKey: string): boolean {
  const bytes = Buffer.from(signature, "base64url");
  // Of the last character only some bits count; the others must be as they were written.
  if (bytes.length !== 64 || bytes.toString("base64url") !== signature) return false;
  try {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
    return verify(null, Buffer.from(text), key, bytes);
  } catch {
    return false;
  }
}

async function checkSeal(pack: Unpacked, report: Report): Promise<void> {
  const text = await attempt(FILES.seal, report, () => readText(pack, FILES.seal));
  if (text === null) return;
  const seal = parse(text);
  const { signature, ...rest } = seal ?? {};
  const isWhole = `${canonicalize({ ...rest, signature })}\n` === text && rest["format"] === FORMAT;
  const publicKey = String(rest["public_key"]);
  if (!isWhole || typeof signature !== "string" || !isSignedBy(canonicalize(rest), signature, publicKey)) {
    report({ file: FILES.seal, problem: "The signature of the seal does not hold." });
    return;
  }
  const digest = await attempt("zip", report, () => pack.digestBefore(FILES.seal));
  if (digest !== null && digest !== rest["archive"]) {
    report({
      file: "zip",
      problem: "The archive is not the one that was sealed: at least one byte of it was changed.",
    });
  }
}

async function readManifest(pack: Unpacked, report: Report): Promise<Manifest | null> {
  const text = await attempt(FILES.manifest, report, () => readText(pack, FILES.manifest));
  const signature = await attempt(FILES.manifestSignature, report, () => readText(pack, FILES.manifestSignature));
  if (text === null) return null;
  const value = parse(text);
  if (value?.["format"] !== FORMAT || typeof value["public_key"] !== "string" || !isManifest(value)) {
    report({ file: FILES.manifest, problem: `${FILES.manifest} is none of a pack of this form (${FORMAT}).` });
    return null;
  }
  if (signature === null || !signature.endsWith("\n") || !isSignedBy(text, signature.slice(0, -1), value.public_key)) {
    report({ file: FILES.manifestSignature, problem: "The signature of the manifest does not hold." });
  }
  return value;
}

function isManifest(value: unknown): value is Manifest {
  if (!isJsonObject(value) || !isJsonObject(value["totals"])) return false;
  const { files, chains, providers, notes, rates } = value;
  return (
    isListOf(files, { name: "string", bytes: "number", sha256: "string" }) &&
    isListOf(chains, {
      chain: "string",
      public_key: "string",
      rows: "number",
      recounts: "number",
      foreign: "number",
    }) &&
    chains.every(({ end }) => end === null || isListOf([end], { seq: "number", hash: "string" })) &&
    isListOfTexts(providers) &&
    isListOfTexts(notes) &&
    (rates === undefined || (Array.isArray(rates) && isListOfTexts(rates.filter((rate) => rate !== null))))
  );
}

function isListOfTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every((item) => typeof item === "string");
}

function isListOf(list: unknown, kinds: Readonly<Record<string, "number" | "string">>): list is JsonObject[] {
  const isOne = (item: unknown): boolean =>
    isJsonObject(item) && Object.entries(kinds).every(([name, kind]) => typeof item[name] === kind);
  return Array.isArray(list) && list.every(isOne);
}

async function checkKeys(
  pack: Unpacked,
  manifest: Manifest,
  trusted: readonly string[] | null,
  report: Report,
): Promise<void> {
  const used = new Set([manifest.public_key, ...manifest.chains.map((chain) => chain.public_key)]);
  const seal = parse(
    (await attempt(
      FILES.seal,
      () => undefined,
      () => readText(pack, FILES.seal),
    )) ?? "",
  );
  if (seal !== null && seal["public_key"] !== manifest.public_key) {
    report({ file: FILES.seal, problem: "The seal is signed with another key than the manifest." });
  }
  for (const key of used) {
    const name = nameKeyFile(fingerprint(key));
    const pem = await attempt(name, report, () => readText(pack, name));
    if (pem !== null && readPublicKey(pem) !== key) report({ file: name, problem: `${name} is another key.` });
    if (trusted !== null && !trusted.includes(key)) {
      report({
        file: name,
        problem: `It is signed with the key ${fingerprint(key)}, which is none of those that you trust.`,
      });
    }
  }
  for (const name of pack.entries.keys()) {
    if (isKeyFile(name) && ![...used].some((key) => name === nameKeyFile(fingerprint(key)))) {
      report({ file: name, problem: `${name} is a key that signs nothing here.` });
    }
  }
}

async function checkFiles(pack: Unpacked, manifest: Manifest, report: Report): Promise<void> {
  const listed = new Map(manifest.files.map((file) => [file.name, file]));
  for (const name of pack.entries.keys()) {
    if (!listed.has(name) && !UNLISTED.includes(name))
      report({ file: name, problem: `${name} is not in the manifest.` });
  }
  for (const { name, bytes, sha256 } of listed.values()) {
    const found = await attempt(name, report, () => digestFile(pack, name));
    if (found !== null && (found.bytes !== bytes || found.sha256 !== sha256)) {
      report({ file: name, problem: `${name} is not the file that the manifest lists.` });
    }
  }
}

async function digestFile(pack: Unpacked, name: string): Promise<{ bytes: number; sha256: string }> {
  const digest = createHash("sha256");
  let bytes = 0;
  for await (const piece of pack.open(name)) {
    digest.update(piece);
    bytes += piece.byteLength;
  }
  return { bytes, sha256: digest.digest("hex") };
}

function followChains(
  pack: Unpacked,
  manifest: Manifest,
  { remake, report, onProgress }: Pick<VerifyOptions, "onProgress"> & { remake: Remake | null; report: Report },
): Promise<ChainResult> {
  const open = (name: string) => readLines(pack.open(name));
  return checkChains({
    rows: open(FILES.rows),
    recounts: open(FILES.recounts),
    proof: open(FILES.proof),
    heads: open(FILES.heads),
    chains: manifest.chains,
    providers: manifest.providers,
    report,
    ...(remake === null ? {} : { onShown: (shown) => remake.add(shown) }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
}

function checkTotals(manifest: Manifest, { totals, earlierCostNanos }: ChainResult, report: Report): void {
  for (const [name, value] of Object.entries(totals)) {
    const said = manifest.totals[name as keyof typeof totals];
    if (said !== value && !(name === "cost_nanos" && said === earlierCostNanos))
      report({ file: FILES.manifest, problem: `The manifest says ${name} ${said}; the rows add up to ${value}.` });
  }
}

/** Of files that are small in every pack. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

async function readText(pack: Unpacked, name: string): Promise<string> {
  if ((pack.entries.get(name)?.bytes ?? 0) > MAX_TEXT_BYTES)
    throw new BrokenFile(name, `${name} is larger than it ever is.`);
  return (await collect(pack.open(name))).toString("utf8");
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
