// Sums of packs where something is unknown: of a call whose cost as a whole is unknown, the part of a provider that only tried it counts, and counts
// once; and where no call has a price, their cost is not nought.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { BLANK_ENTRY, type LedgerEntry } from "../../src/ledger/index.ts";
import { check, makePack, signAnew, textOf } from "./pack-kit.ts";
import { type AuditScene, makeAuditScene } from "./scene.ts";

let scene: AuditScene;

beforeEach(async () => {
  scene = await makeAuditScene();
});
afterEach(() => scene.close());

/** A call that openai failed at, and that a provider without a price answered. */
async function addCall(): Promise<LedgerEntry> {
  const { rig } = scene;
  await scene.call("gpt-4o", { prompt: 10, completion: 1 });
  await rig.rows();
  const first = (await rig.store.ledger.page({}, 1, null)).entries[0];
  if (first === undefined) throw new Error("there is no call");
  const usage = {
    freshInputTokens: 50,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 5,
    reasoningTokens: null,
  };
  const attempt = { status: 200, errorKind: null, upstreamRequestId: null, latencyMs: 1, model: "gpt-4o", usage };
  const call: LedgerEntry = {
    ...first,
    id: Bun.randomUUIDv7(),
    requestId: Bun.randomUUIDv7(),
    provider: "acme",
    costNanos: null,
    priceId: null,
    priceSource: null,
    priceDate: null,
    attempts: [
      { ...attempt, provider: "openai", costNanos: 2_000 },
      { ...attempt, provider: "acme", costNanos: null },
    ],
  };
  await rig.ledger.add(call);
  await rig.rows();
  return call;
}

async function correct(call: LedgerEntry): Promise<void> {
  const { requestId, userId, apiKeyId, endpoint, provider, modelAsked, modelServed, createdAt, attempts } = call;
  const whose = { requestId, userId, apiKeyId, endpoint, provider, modelAsked, modelServed, createdAt };
  const costs = [2_500, 7_000];
  const parts = attempts.map(({ provider: name, model }, at) => {
    const told = { status: null, errorKind: null, upstreamRequestId: null, latencyMs: 0, costNanos: costs[at] ?? 0 };
    return { provider: name, model, ...told };
  });
  await scene.rig.ledger.add({
    ...BLANK_ENTRY,
    ...whose,
    id: Bun.randomUUIDv7(),
    kind: "correction",
    corrects: call.id,
    reason: "reprice",
    status: 200,
    usageSource: "provider",
    costNanos: 9_500,
    pricesUnknown: true,
    attempts: parts,
  });
  await scene.rig.rows();
}

/** As another version of the program would have signed it. */
function sayCost(pack: Buffer, nanos: number): Buffer {
  return signAnew(pack, scene.key, {}, ({ totals }) => (totals.cost_nanos = String(nanos)));
}

const OWN = 35_000;

test("what is known of it counts at once, and what a correction brings of it only as far as it is new", async () => {
  const call = await addCall();
  const pack = await makePack(scene, "pack.zip");
  expect(await check(scene, pack)).toMatchObject({ valid: true, totals: { cost_nanos: String(OWN + 2_000) } });
  expect(textOf(pack, "summary.csv").split("\r\n").at(-2)).toEndWith(",0.000037,0");
  await correct(call);
  const later = await makePack(scene, "later.zip");
  expect(await check(scene, later)).toMatchObject({ valid: true, totals: { cost_nanos: String(OWN + 2_500) } });
  expect(textOf(later, "summary.csv").split("\r\n").at(-2)).toEndWith(",0.0000375,0");
});

test("a pack of an earlier version, which counted it twice, is as it was signed; one that says anything else is not", async () => {
  await correct(await addCall());
  const pack = await makePack(scene, "pack.zip");
  expect(await check(scene, sayCost(pack, OWN + 2_000 + 2_500))).toMatchObject({ valid: true, problems: [] });
  expect((await check(scene, sayCost(pack, OWN + 2_501))).problems.map(({ problem }) => problem)).toEqual([
    `The manifest says cost_nanos ${OWN + 2_501}; the rows add up to ${OWN + 2_500}.`,
  ]);
});

test("of calls without a price, the cost is unknown and not nought, and a note says so", async () => {
  await scene.call("gpt-4o-unheard-of", { prompt: 10, completion: 1 });
  const pack = await makePack(scene, "pack.zip");
  const note = "Calls without a known price: 1. What they cost is in no sum.";
  expect(await check(scene, pack)).toMatchObject({ valid: true, notes: [note] });
  expect(textOf(pack, "summary.csv").split("\r\n").at(-2)).toEndWith(",0,0,,1");
  const page = textOf(pack, "summary.html");
  expect(page).toContain(note);
  expect(page.match(/<td>unknown<\/td><\/tr>/gu)).toHaveLength(6);
});

test("the page has a line for each tokenizer, not for each ratio that a row was estimated with", async () => {
  for (let turn = 0; turn < 3; turn++) await scene.call("gpt-4o", { prompt: 10, completion: 1 });
  await scene.rig.rows();
  const { entries } = await scene.rig.store.ledger.page({}, 10, null);
  const counts = { inputTokens: 9, inputLow: 8, inputHigh: 10, outputTokens: 1, outputLow: 1, outputHigh: 1 };
  const how = {
    state: "counted",
    reason: "format",
    method: "estimate",
    tokenizerVersion: "1",
    verdict: "within",
  } as const;
  const createdAt = new Date(scene.rig.clock.wallMs());
  await scene.rig.ledger.addRecounts(
    entries.map(({ id }, at) => {
      const tokenizer = `o200k_base:claude/messages x1.00${at}0${at === 0 ? "" : `(${at})`}/1`;
      return { ...how, ...counts, entryId: id, createdAt, tokenizer };
    }),
  );
  await scene.rig.rows();
  const pack = await makePack(scene, "pack.zip");
  const page = textOf(pack, "summary.html");
  expect(page.match(/o200k_base[^<]*/gu)).toEqual(["o200k_base:claude/messages"]);
  expect(page).toContain('<td class="text">1</td><td>3</td>');
  expect(textOf(pack, "recounts.csv")).toContain("x1.0020(2)/1");
});
