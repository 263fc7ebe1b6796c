// Packs about a provider that only tried a call, of which the cost as a whole is unknown: its own part counts, and counts once.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { BLANK_ENTRY, type LedgerEntry } from "../../src/ledger/index.ts";
import { canonicalize } from "../../src/lib/canonical-json.ts";
import { check, deflate, join, makePack, split, textOf } from "./pack-kit.ts";
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
  const usage = { freshInputTokens: 50, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 5, reasoningTokens: null };
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
  const [first, second] = attempts.map(({ usage: _, ...attempt }) => attempt);
  if (first === undefined || second === undefined) throw new Error("there were two");
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
    attempts: [
      { ...first, costNanos: 2_500 },
      { ...second, costNanos: 7_000 },
    ],
  });
  await scene.rig.rows();
}

/** As another version of the program would have signed it. */
function sayCost(pack: Buffer, nanos: number): Buffer {
  const manifest = JSON.parse(textOf(pack, "manifest.json"));
  manifest.totals.cost_nanos = String(nanos);
  const text = `${canonicalize(manifest)}\n`;
  const changed: Record<string, ReturnType<typeof deflate>> = {
    "manifest.json": deflate("manifest.json", text),
    "manifest.sig": deflate("manifest.sig", `${scene.key.signText(text)}\n`),
  };
  const parts = split(pack).map((part) => changed[part.entry.name] ?? part);
  const rest = parts.filter(({ entry }) => entry.name !== "seal.json");
  // The seal is about all that lies before it.
  const before = split(join(parts)).find(({ entry }) => entry.name === "seal.json")?.offset ?? 0;
  const archive = createHash("sha256").update(join(parts).subarray(0, before)).digest("base64url");
  const { signature: _, ...seal } = { ...JSON.parse(textOf(pack, "seal.json")), archive };
  const sealed = `${canonicalize({ ...seal, signature: scene.key.signText(canonicalize(seal)) })}\n`;
  return join([...rest, deflate("seal.json", sealed)]);
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
