// What tests of dispute packs share: books worth a dispute, the two commands, and the zip taken apart and put together by hand.

import { createHash } from "node:crypto";
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Manifest } from "../../src/audit/pack/layout.ts";
import { type ZipEntry, buildDirectory, buildLocalHeader, readDirectory, readEnd } from "../../src/audit/pack/zip.ts";
import { EXIT } from "../../src/cli/error.ts";
import { BLANK_ENTRY, type Recount, type SigningKey } from "../../src/ledger/index.ts";
import { canonicalize } from "../../src/lib/canonical-json.ts";
import { runLine } from "../cli/desk.ts";
import type { AuditScene } from "./scene.ts";

export const GPT = "gpt-4o-2024-08-06";
export const SPAN = ["--from", "2023-11-14", "--to", "2023-11-16"];

interface Printed {
  valid: boolean;
  unproved: string[];
  problems: { file: string; problem: string }[];
  fingerprint: string;
  totals: Record<string, number | string>;
  signed_heads: number;
  digests_in_between: number;
}

/** Calls to two providers in turn, a recount that is off, a correction, and a signed head in the middle. */
export async function fillBooks(scene: AuditScene): Promise<void> {
  const { rig } = scene;
  for (let turn = 0; turn < 3; turn++) {
    await scene.call("gpt-4o", { prompt: 600 + turn, cached: 200, completion: 10 }, GPT);
    await scene.call("eu/gpt-4o", { prompt: 50, completion: 5 }, GPT);
  }
  await rig.rows();
  await scene.sign(4);
  const calls = (await rig.store.ledger.page({ provider: "openai" }, 10, null)).entries;
  const call = calls.at(-1);
  if (call === undefined) throw new Error("there are no calls");
  const recount: Recount = {
    entryId: call.id,
    createdAt: new Date(rig.clock.wallMs()),
    state: "counted",
    reason: null,
    method: "exact",
    tokenizer: "o200k_base",
    tokenizerVersion: "1",
    inputTokens: 500,
    inputLow: 500,
    inputHigh: 500,
    outputTokens: 10,
    outputLow: 10,
    outputHigh: 10,
    verdict: "over",
  };
  await rig.ledger.addRecounts([recount]);
  await rig.ledger.add({
    ...BLANK_ENTRY,
    id: Bun.randomUUIDv7(),
    requestId: call.requestId,
    createdAt: new Date(rig.clock.wallMs()),
    userId: call.userId,
    apiKeyId: call.apiKeyId,
    endpoint: call.endpoint,
    provider: call.provider,
    kind: "correction",
    corrects: call.id,
    reason: "reprice",
    status: 200,
    usageSource: "provider",
    modelAsked: call.modelAsked,
    modelServed: call.modelServed,
    costNanos: -1_000,
    priceId: "openai/gpt-4o",
    priceSource: "operator",
    priceDate: "2023-11-01",
  });
  await rig.rows();
}

export async function makePack(scene: AuditScene, name: string, ...flags: string[]): Promise<Buffer> {
  const path = `${scene.folder}/${name}`;
  const made = await scene.run(["audit", "pack", "--provider", "openai", ...SPAN, "-o", path, ...flags]);
  if (made.code !== EXIT.ok) throw new Error(made.err);
  return Buffer.from(await Bun.file(path).arrayBuffer());
}

/** What the command prints of them. */
export async function check(
  scene: AuditScene,
  bytes: Uint8Array,
  ...flags: string[]
): Promise<Printed & { code: number }> {
  const path = `${scene.folder}/check.zip`;
  await Bun.write(path, bytes);
  const { code, out } = await runLine(["audit", "verify", path, "--json", ...flags]);
  return { ...JSON.parse(out), code };
}

export function open(bytes: Buffer) {
  return {
    size: bytes.length,
    async *read(from: number, to: number): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(from, to);
    },
  };
}

export interface Part {
  entry: ZipEntry;
  offset: number;
  packed: Buffer;
}

/** The files as they lie in the zip. */
export function split(bytes: Buffer): Part[] {
  const end = readEnd(bytes.subarray(bytes.length - 22)) ?? { start: 0, count: 0 };
  let offset = 0;
  return readDirectory(bytes.subarray(end.start), end.count).map((entry) => {
    const from = offset + buildLocalHeader(entry).length;
    const part = { entry, offset, packed: bytes.subarray(from, from + entry.packedBytes) };
    offset = from + entry.packedBytes;
    return part;
  });
}

/** A zip of them, in the form of a pack's. */
export function join(parts: readonly { entry: ZipEntry; packed: Uint8Array }[]): Buffer {
  const pieces: Uint8Array[] = [];
  const offsets: number[] = [];
  let at = 0;
  for (const { entry, packed } of parts) {
    offsets.push(at);
    const header = buildLocalHeader(entry);
    pieces.push(header, packed);
    at += header.length + packed.byteLength;
  }
  const entries = parts.map(({ entry }) => entry);
  return Buffer.concat([...pieces, buildDirectory(entries, offsets, at)]);
}

export function deflate(name: string, text: Uint8Array | string): { entry: ZipEntry; packed: Buffer } {
  const bytes = Buffer.from(text);
  const packed = deflateRawSync(bytes);
  return { entry: { name, method: 8, crc: crc32(bytes), packedBytes: packed.length, bytes: bytes.length }, packed };
}

export function textOf(bytes: Buffer, name: string): string {
  const part = split(bytes).find(({ entry }) => entry.name === name);
  if (part === undefined) throw new Error(`${name} is not there`);
  return (part.entry.method === 0 ? part.packed : inflateRawSync(part.packed)).toString();
}

/** Signed anew by whoever holds the key: other files, and whatever else the manifest then says. */
export function signAnew(
  pack: Buffer,
  key: SigningKey,
  files: Readonly<Record<string, string>>,
  change: (manifest: Record<string, unknown> & Pick<Manifest, "totals">) => void = () => undefined,
): Buffer {
  const manifest = JSON.parse(textOf(pack, "manifest.json"));
  for (const file of manifest.files) {
    const text = files[file.name];
    if (text === undefined) continue;
    file.bytes = Buffer.byteLength(text);
    file.sha256 = createHash("sha256").update(text).digest("hex");
  }
  change(manifest);
  const text = `${canonicalize(manifest)}\n`;
  const signed = { ...files, "manifest.json": text, "manifest.sig": `${key.signText(text)}\n` };
  const changed = new Map(Object.entries(signed).map(([name, content]) => [name, deflate(name, content)]));
  const parts = split(pack).map((part) => changed.get(part.entry.name) ?? part);
  const rest = parts.filter(({ entry }) => entry.name !== "seal.json");
  // The seal is about all that lies before it.
  const before = split(join(parts)).find(({ entry }) => entry.name === "seal.json")?.offset ?? 0;
  const archive = createHash("sha256").update(join(parts).subarray(0, before)).digest("base64url");
  const { signature: _, ...seal } = { ...JSON.parse(textOf(pack, "seal.json")), archive };
  const sealed = `${canonicalize({ ...seal, signature: key.signText(canonicalize(seal)) })}\n`;
  return join([...rest, deflate("seal.json", sealed)]);
}
