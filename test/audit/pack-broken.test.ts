// Dispute packs that were broken or made up: whatever is done to one, somebody finds it, and says where.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { verifyPack, writePack } from "../../src/audit/index.ts";
import { readEnd, type ZipEntry } from "../../src/audit/pack/zip.ts";
import { CHAIN_RULES } from "../../src/audit/verify/index.ts";
import { openKey } from "../../src/cli/ledger/key-file.ts";
import { EXIT } from "../../src/cli/error.ts";
import { createSpool } from "../../src/lib/spool.ts";
import { openChains } from "../../src/store/chain-reader.ts";
import { runLine } from "../cli/desk.ts";
import { type Part, check, deflate, fillBooks, join, makePack, open, split, textOf } from "./pack-kit.ts";
import { type AuditScene, makeAuditScene } from "./scene.ts";

/** A manifest, whatever stands in it. */
interface Told extends Record<"providers", unknown> {
  chains: [Record<string, unknown>];
  files: [Record<string, unknown>];
  totals: Record<string, unknown>;
}

let scene: AuditScene;
let pack: Buffer;

beforeAll(async () => {
  scene = await makeAuditScene();
  await fillBooks(scene);
  pack = await makePack(scene, "pack.zip");
});
afterAll(() => scene.close());

describe("one changed byte", () => {
  test("anywhere is found, and the file that it is in is named", async () => {
    const parts = split(pack);
    const { start } = readEnd(pack.subarray(pack.length - 22)) ?? { start: 0 };
    const missed: number[] = [];
    const misnamed: [number, string[]][] = [];
    // A step that meets every file and header; which bit it is changes with the place.
    for (let at = 0; at < pack.length; at += 3) {
      const broken = Buffer.from(pack);
      broken[at] = (broken[at] ?? 0) ^ (1 << (at % 8));
      const { valid, problems } = await verifyPack(open(broken), { trusted: null, scratch: new Map() });
      if (valid) missed.push(at);
      const part = parts.findLast(({ offset }) => offset <= at);
      const names = problems.map(({ file }) => file);
      // In the directory a byte may be part of a file's name.
      if (at < start && !names.includes("zip") && !names.includes(part?.entry.name ?? "")) misnamed.push([at, names]);
    }
    expect({ missed, misnamed }).toEqual({ missed: [], misnamed: [] });
  }, 120_000);

  test.each(["rows.jsonl", "proof.jsonl", "heads.jsonl", "summary.csv", "README.txt"])(
    "in %s is told by that name",
    async (name) => {
      const broken = Buffer.from(pack);
      const part = split(pack).find(({ entry }) => entry.name === name);
      const at = (part?.offset ?? 0) + 40 + name.length;
      broken[at] = (broken[at] ?? 0) ^ 1;
      const { code, problems } = await check(scene, broken);
      expect(code).toBe(EXIT.failed);
      expect(problems.map(({ file }) => file)).toContain(name);
    },
  );

  test("packed again by another program, or with something before it, is told so", async () => {
    const aligned = join(
      split(pack).map((part) => ({ ...part, packed: Buffer.concat([part.packed, Buffer.alloc(4)]) })),
    );
    for (const bytes of [Buffer.concat([Buffer.alloc(10), pack]), aligned]) {
      const { code, problems } = await check(scene, bytes);
      expect({ code, problems }).toMatchObject({
        code: EXIT.failed,
        problems: [{ file: "zip", problem: expect.stringContaining("another program packed it") }],
      });
    }
  });

  test("cut off, or with something behind", async () => {
    const end = pack.subarray(-22);
    const longer = [["x"], [end], ["anything at all", end]].map((behind) =>
      Buffer.concat([pack, ...behind.map((piece) => Buffer.from(piece))]),
    );
    for (const bytes of [pack.subarray(0, -1), pack.subarray(0, 100), ...longer]) {
      expect(await check(scene, bytes)).toMatchObject({ code: EXIT.failed, valid: false });
    }
    expect((await check(scene, Buffer.from("no zip at all"))).problems[0]?.problem).toContain("no dispute pack");
  });
});

describe("a pack that somebody made up", () => {
  const rebuild = (
    change: (parts: { entry: ZipEntry; packed: Uint8Array }[]) => { entry: ZipEntry; packed: Uint8Array }[],
  ) => join(change(split(pack)));

  test.each([
    ["a file more", (parts: Part[]) => [...parts, { ...deflate("extra.txt", "x"), offset: 0 }], "extra.txt"],
    [
      "a way out of the folder",
      (parts: Part[]) => [...parts, { ...deflate("../../etc/passwd", "x"), offset: 0 }],
      "../../etc/passwd",
    ],
    ["an absolute path", (parts: Part[]) => [...parts, { ...deflate("/etc/passwd", "x"), offset: 0 }], "/etc/passwd"],
    ["a file twice", (parts: Part[]) => [...parts, { ...deflate("rows.jsonl", "x"), offset: 0 }], "rows.jsonl"],
    ["a file less", (parts: Part[]) => parts.filter(({ entry }) => entry.name !== "usage.jsonl"), "usage.jsonl"],
    ["no seal", (parts: Part[]) => parts.filter(({ entry }) => entry.name !== "seal.json"), "seal.json"],
    ["no manifest", (parts: Part[]) => parts.filter(({ entry }) => entry.name !== "manifest.json"), "manifest.json"],
    ["another order", (parts: Part[]) => parts.toReversed(), "zip"],
    [
      "another key",
      (parts: Part[]) => [...parts, { ...deflate(`keys/${"0".repeat(64)}.pem`, "x"), offset: 0 }],
      `keys/${"0".repeat(64)}.pem`,
    ],
  ])("with %s", async (_what, change, name) => {
    const { valid, problems } = await check(scene, join(change(split(pack))));
    expect(valid).toBe(false);
    expect(problems.map(({ file }) => file)).toContain(name);
  });

  test.each(["outputTokens", "costNanos", "createdAt"])(
    "with a row whose %s is another names that row",
    async (field) => {
      const lines = textOf(pack, "rows.jsonl").trimEnd().split("\n");
      const row = JSON.parse(lines[1] ?? "");
      lines[1] = (lines[1] ?? "").replace(`"${field}":${row[field]}`, `"${field}":${row[field] + 1}`);
      const changed = deflate("rows.jsonl", `${lines.join("\n")}\n`);
      const { problems } = await check(
        scene,
        rebuild((parts) => parts.map((part) => (part.entry.name === "rows.jsonl" ? changed : part))),
      );
      expect(problems.map(({ problem }) => problem).join("\n")).toContain(`The row ${row.id} at place 3 of the chain`);
    },
  );

  test("with a row left out names its place", async () => {
    const lines = textOf(pack, "rows.jsonl").split("\n").toSpliced(1, 1);
    const changed = deflate("rows.jsonl", lines.join("\n"));
    const { problems } = await check(
      scene,
      rebuild((parts) => parts.map((part) => (part.entry.name === "rows.jsonl" ? changed : part))),
    );
    expect(problems.map(({ problem }) => problem).join("\n")).toContain("The place 3 of the chain");
  });

  test.each([
    ["a key that is a number", (told: Told) => (told.chains[0].public_key = 5)],
    ["a key that is nothing", (told: Told) => (told.chains[0].public_key = null)],
    ["a name that is none", (told: Told) => (told.files[0].name = { toString: null })],
    ["a chain that is a list", (told: Told) => (told.chains[0].chain = [[]])],
    ["providers that are none", (told: Told) => (told.providers = [null])],
    ["numbers that are texts", (told: Told) => Object.assign(told.chains[0], { rows: {}, end: 1e308 })],
    ["totals that are lists", (told: Told) => (told.totals.calls = [[]])],
    ["a chain's end that is none", (told: Told) => (told.chains[0].end = null)],
  ])("with %s in its manifest is told of like any other", async (_what, change) => {
    const told = JSON.parse(textOf(pack, "manifest.json"));
    change(told);
    const changed = deflate("manifest.json", JSON.stringify(told));
    const { code, valid } = await check(
      scene,
      rebuild((parts) => parts.map((part) => (part.entry.name === "manifest.json" ? changed : part))),
    );
    expect({ code, valid }).toEqual({ code: EXIT.failed, valid: false });
  });

  test("with a bomb in it unpacks nothing of it", async () => {
    const bomb = deflate("rows.jsonl", Buffer.alloc(50_000_000));
    const bytes = rebuild((parts) => parts.map((part) => (part.entry.name === "rows.jsonl" ? bomb : part)));
    expect((await check(scene, bytes)).problems).toEqual([
      { file: "rows.jsonl", problem: expect.stringContaining("no pack does that") },
    ]);
    // One that lies about its size is stopped at what it says.
    const liar = { ...bomb, entry: { ...bomb.entry, bytes: 1_000 } };
    const lying = rebuild((parts) => parts.map((part) => (part.entry.name === "rows.jsonl" ? liar : part)));
    expect((await check(scene, lying)).problems.map(({ file }) => file)).toContain("rows.jsonl");
  });

  test("by another key passes only for who trusts that key", async () => {
    const forger = openKey(`${scene.folder}/forger.key`);
    const { audit } = scene.rig.store;
    const pieces: Uint8Array[] = [];
    const books = {
      ...audit,
      chains: async () => (await audit.chains()).map((chain) => ({ ...chain, publicKey: forger.publicKey })),
      heads: async () => [],
    };
    const chains = await openChains(scene.rig.config.ledgerPath, CHAIN_RULES);
    await writePack({
      books,
      chains,
      selection: { providers: new Set(["openai"]), model: null, from: new Date(0), to: new Date(2_000_000_000_000) },
      key: forger,
      writer: "0.0.0",
      write: async (bytes) => void pieces.push(bytes),
      openSpool: () => createSpool(scene.folder, 1_000_000),
      printRates: () => null,
      printIdentities: null,
    });
    await chains.close();
    const forged = Buffer.concat(pieces);
    expect(await check(scene, forged)).toMatchObject({ valid: true, fingerprint: forger.id });
    const pem = scene.write("gateway.pem", textOf(pack, `keys/${scene.key.id}.pem`));
    const { code, problems } = await check(scene, forged, "--public-key", pem);
    expect({ code, file: problems[0]?.file }).toEqual({ code: EXIT.failed, file: `keys/${forger.id}.pem` });
  });

  test("or what is no pack and no key ends with a word on it", async () => {
    const { code, err } = await runLine(["audit", "verify", "/nowhere.zip"]);
    expect({ code, isNamed: err.includes("/nowhere.zip is not there.") }).toEqual({
      code: EXIT.notFound,
      isNamed: true,
    });
    const path = scene.write("a.pem", "no key");
    const wrong = await runLine(["audit", "verify", `${scene.folder}/pack.zip`, "--public-key", path]);
    expect({ code: wrong.code, isNamed: wrong.err.includes("holds no public Ed25519 key") }).toEqual({
      code: EXIT.usage,
      isNamed: true,
    });
  });
});
