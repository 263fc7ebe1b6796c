// Dispute packs that say something else to people than their rows do, signed by whoever holds the key: what is printed anew from the rows finds it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { type PackBooks, writePack } from "../../src/audit/index.ts";
import { PRINTER, createPrinter } from "../../src/audit/pack/print.ts";
import { CHAIN_RULES } from "../../src/audit/verify/index.ts";
import { EXIT } from "../../src/cli/error.ts";
import { BLANK_ENTRY, type SealedEntry, type SealedRecount } from "../../src/ledger/index.ts";
import { createSpool } from "../../src/lib/spool.ts";
import { openChains } from "../../src/store/chain-reader.ts";
import { runLine } from "../cli/desk.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { GPT, check, fillBooks, makePack, signAnew, textOf } from "./pack-kit.ts";
import { type AuditScene, makeAuditScene } from "./scene.ts";

let scene: AuditScene;
let pack: Buffer;

beforeAll(async () => {
  scene = await makeAuditScene();
  await fillBooks(scene);
  pack = await makePack(scene, "pack.zip", "--with-identities");
});
afterAll(() => scene.close());

/** One text of a file in another's place, and all signed. */
function forge(name: string, from: RegExp | string, to: string): Buffer {
  const text = textOf(pack, name);
  const changed = text.replace(from, to);
  if (changed === text) throw new Error(`${name} does not say ${from}`);
  return signAnew(pack, scene.key, { [name]: changed });
}

const CHANGES: [string, RegExp | string, string][] = [
  ["README.txt", "needs no network", "needs no key"],
  ["summary.html", "0.0040565", "0.0990565"],
  ["summary.csv", ",1803,", ",1903,"],
  ["prices.csv", "input_mtok 2.5", "input_mtok 1.5"],
  ["rows.csv", /,10,,provider/u, ",11,,provider"],
  ["recounts.csv", ",over,600,500", ",over,600,400"],
  ["usage.jsonl", String.raw`\"prompt_tokens\":600`, String.raw`\"prompt_tokens\":500`],
];

test.each(CHANGES)("a %s that the rows do not say is found, whoever signed it", async (file, from, to) => {
  const problem = `${file} is not what follows from the rows of this pack: it says something else.`;
  expect(await check(scene, forge(file, from, to))).toMatchObject({
    code: EXIT.failed,
    valid: false,
    problems: [{ file, problem }],
  });
});

test.each(["rows.csv", "recounts.csv", "usage.jsonl"])("one line less in %s is found", async (file) => {
  const lines = textOf(pack, file).trimEnd().split("\n");
  const { code, problems } = await check(
    scene,
    signAnew(pack, scene.key, { [file]: `${lines.slice(0, -1).join("\n")}\n` }),
  );
  expect({ code, files: problems.map((problem) => problem.file) }).toEqual({ code: EXIT.failed, files: [file] });
});

test("one that calls its rows those of another time or model is found", async () => {
  for (const told of [{ from: "2023-11-15T00:00:00.000Z" }, { model: "gpt-5" }, { providers: ["openai-eu"] }]) {
    const { code, problems } = await check(
      scene,
      signAnew(pack, scene.key, {}, (manifest) => Object.assign(manifest, told)),
    );
    expect(code).toBe(EXIT.failed);
    expect(problems).toContainEqual({ file: "rows.jsonl", problem: expect.stringContaining("another time, model") });
  }
});

test.each([
  ["notes", 5],
  ["rates", [[], {}]],
  ["rates", "none"],
  ["from", null],
])("one whose manifest has no %s that can be printed is told of like any other", async (name, value) => {
  const bytes = signAnew(pack, scene.key, {}, (manifest) => (manifest[name] = value));
  expect(await check(scene, bytes)).toMatchObject({ code: EXIT.failed, valid: false });
});

test("of another printer, or of none, nothing is compared, and a note says so", async () => {
  for (const printer of [undefined, PRINTER + 1]) {
    const bytes = signAnew(pack, scene.key, { "summary.html": "<p>as it was printed then</p>" }, (manifest) => {
      if (printer === undefined) delete manifest["rates"];
      manifest["printer"] = printer;
      if (printer === undefined) delete manifest["printer"];
    });
    const { code, problems, unproved } = await check(scene, bytes);
    expect({ code, problems }).toEqual({ code: EXIT.ok, problems: [] });
    expect(unproved).toHaveLength(1);
    for (const [file] of CHANGES) expect(unproved[0]).toContain(file);
    const { err } = await runLine(["audit", "verify", `${scene.folder}/check.zip`]);
    expect(err).toContain("note: This pack was made by another version of the program");
    expect(err).toContain("were not compared with the rows, and are their writer's word.");
  }
});

test("what no row says is named as the writer's word", async () => {
  expect(await check(scene, pack)).toMatchObject({
    code: EXIT.ok,
    unproved: ["No row says, and it is their writer's word: the rates in prices.csv, the names in identities.csv."],
  });
});

test("of recounts and corrections whose call is not in it, what that call would say is named, and the rest compared", async () => {
  const { audit } = scene.rig.store;
  const chains = await openChains(scene.rig.config.ledgerPath, CHAIN_RULES);
  const pieces: Uint8Array[] = [];
  // As one that is older than the chain.
  const about: PackBooks["about"] = async (chain, kind, span, after) => {
    const page = await audit.about(chain, kind, span, after);
    return kind === "call" ? { ...page, found: page.found.slice(1) } : page;
  };
  await writePack({
    books: { ...audit, about },
    chains,
    selection: { providers: new Set(["openai"]), model: null, from: new Date(0), to: new Date(2_000_000_000_000) },
    key: scene.key,
    writer: "0.0.0",
    write: async (bytes) => void pieces.push(bytes),
    openSpool: () => createSpool(scene.folder, 1_000_000),
    printRates: () => null,
    printIdentities: null,
  });
  await chains.close();
  const without = Buffer.concat(pieces);
  expect(await check(scene, without)).toMatchObject({
    code: EXIT.ok,
    problems: [],
    unproved: [
      "The calls of 2 corrections or recounts are not in this pack: summary.html, summary.csv, recounts.csv were not compared with the rows, and are their writer's word.",
    ],
  });
  const frames = textOf(without, "usage.jsonl").replace("600", "500").replace("601", "501");
  const { problems } = await check(scene, signAnew(without, scene.key, { "usage.jsonl": frames }));
  expect(problems.map(({ file }) => file)).toEqual(["usage.jsonl"]);
});

test.skipIf(!hasPostgres)("what one gateway says of another's call holds, wherever that lies", async () => {
  const dsn = await createDatabase();
  const [first, second] = [await makeAuditScene(dsn), await makeAuditScene(dsn)];
  try {
    for (const one of [first, second]) {
      await one.call("gpt-4o", { prompt: 7, completion: 1 }, GPT);
      await one.rig.rows();
    }
    const calls = (await first.rig.store.ledger.page({}, 10, null)).entries;
    for (const call of calls) {
      const count = { inputTokens: 5, inputLow: 5, inputHigh: 5, outputTokens: 1, outputLow: 1, outputHigh: 1 };
      const how = { method: "exact", tokenizer: "o200k_base", tokenizerVersion: "1", verdict: "over" } as const;
      const createdAt = new Date(first.rig.clock.wallMs());
      // The other one has counted it.
      const by = call.chain === calls[0]?.chain ? 1 : 0;
      const rig = [first, second][by]?.rig;
      await rig?.ledger.addRecounts([
        { entryId: call.id, createdAt, state: "counted", reason: null, ...how, ...count },
      ]);
      await rig?.rows();
    }
    const found = await check(first, await makePack(first, "pack.zip"));
    expect(found).toMatchObject({ valid: true, problems: [], totals: { calls: 2, recounts: 2 } });
    expect(found.unproved.join()).not.toContain("not in this pack");
  } finally {
    await second.close();
    await first.close();
  }
});

/** If this fails, a printer prints otherwise: raise PRINTER, and take these digests over. Else packs of before would be called forged. */
test("the printer has another number whenever it prints something else", async () => {
  const pieces = new Map<string, string>();
  const add = (name: string, text: string): void => void pieces.set(name, (pieces.get(name) ?? "") + text);
  const printer = createPrinter(new Set(["acme", "other"]), add);
  await printer.begin();
  for (const { row, call } of ROWS) {
    if ("entryId" in row) await printer.addRecount(row, call);
    else await printer.addEntry(row, call);
  }
  const about = {
    providers: ["acme", "other"],
    model: "m<1>",
    from: "2026-01-01",
    to: "2026-02-01",
    notes: ["A note."],
  };
  for (const hasIdentities of [false, true])
    for (const [name, texts] of printer.end({ about, fingerprint: "f", rates: ["in 1"], hasIdentities }))
      for (const text of texts) add(name, text);
  const all = [...pieces].map(([name, text]) => `${name} ${createHash("sha256").update(text).digest("hex")}`);
  expect({ printer: PRINTER, all }).toEqual({ printer: 1, all: DIGESTS });
});

const CALL: SealedEntry = {
  ...BLANK_ENTRY,
  chain: "chain",
  seq: 1,
  hash: "hash",
  id: "call",
  requestId: "request",
  userId: "user",
  apiKeyId: "=key",
  endpoint: "chat.completions",
  createdAt: new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6)),
  provider: "acme",
  modelAsked: "m<1>",
  modelServed: 'm "1", later',
  status: 200,
  freshInputTokens: 1_234_567,
  cacheReadTokens: 10,
  cacheWriteTokens: 5,
  longCacheWriteTokens: 2,
  outputTokens: 99,
  reasoningTokens: 9,
  usageSource: "provider",
  serviceTier: "batch",
  costNanos: 1_234_567_891,
  priceId: "acme/m",
  priceSource: "list@1",
  priceDate: "2026-01-01",
  attempts: [
    { provider: "acme", model: "m", status: 500, errorKind: "internal", upstreamRequestId: null, latencyMs: 1 },
    {
      provider: "acme",
      model: "m",
      status: 200,
      errorKind: null,
      upstreamRequestId: "up",
      latencyMs: 1,
      usageRaw: '{"a":1}',
    },
  ],
};

const UNPRICED: SealedEntry = {
  ...CALL,
  id: "unpriced",
  seq: 2,
  costNanos: null,
  priceId: null,
  priceSource: null,
  priceDate: null,
  usageSource: "estimate",
  attempts: [],
};

const CORRECTION: SealedEntry = {
  ...UNPRICED,
  id: "correction",
  seq: 3,
  kind: "correction",
  corrects: "unpriced",
  reason: "reprice",
  pricesUnknown: true,
  costNanos: -5,
};

const RECOUNT: SealedRecount = {
  chain: "chain",
  seq: 4,
  hash: "hash",
  entryId: "call",
  createdAt: CALL.createdAt,
  state: "counted",
  reason: null,
  method: "estimate",
  tokenizer: "t x1.0020(2)/1",
  tokenizerVersion: "1",
  inputTokens: 1_000,
  inputLow: 900,
  inputHigh: 1_100,
  outputTokens: 90,
  outputLow: 90,
  outputHigh: 90,
  verdict: "over",
};

const ROWS: { row: SealedEntry | SealedRecount; call: SealedEntry }[] = [
  { row: CALL, call: CALL },
  { row: UNPRICED, call: UNPRICED },
  { row: CORRECTION, call: UNPRICED },
  { row: RECOUNT, call: CALL },
  { row: { ...RECOUNT, state: "skipped", reason: "queue", verdict: null }, call: UNPRICED },
  ...Array.from({ length: 501 }, () => ({ row: { ...RECOUNT, verdict: "under" as const }, call: CALL })),
];

const DIGESTS = [
  "rowsCsv d9ffb79721467b80bbab14d400f14ac8e00fcc20bd9b125ede384d619ef181a1",
  "recountsCsv 747e78435c962d2863095e9161daa3514214d5672fb021263583884df531176f",
  "usage d8634613b2e853593ddb73fd925ef70829d23c4657a9b4ea21d3c6a3cf25c924",
  "README.txt 504818d88a9e8d670469a74be67502311e8fabeb0accd92f848ab924ed84e454",
  "summary.html 40feebc768c99e8858aa2bf7db0d27618663d21d93c154d2e57e3b32dd7e9dec",
  "summary.csv 23ec6c345db93919c8734b2f000893a3d9fd67bb9c603a7366154220c1e54287",
  "prices.csv 75f7f3adbe7630b2278420e96de32fab3e8f571dc514839651410481609c435f",
];
