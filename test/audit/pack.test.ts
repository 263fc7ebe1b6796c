// Dispute packs: made of books that a whole gateway wrote, checked by the command that a provider would use.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { EXIT } from "../../src/cli/error.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { GPT, SPAN, check, fillBooks, makePack, split, textOf } from "./pack-kit.ts";
import { type AuditScene, makeAuditScene } from "./scene.ts";

let scene: AuditScene;
let pack: Buffer;

beforeAll(async () => {
  scene = await makeAuditScene();
  await fillBooks(scene);
  pack = await makePack(scene, "pack.zip");
});
afterAll(() => scene.close());

describe("a pack", () => {
  test("is valid, and says whose rows it has, proved by what", async () => {
    const found = await check(scene, pack);
    expect(found).toMatchObject({
      code: EXIT.ok,
      valid: true,
      problems: [],
      fingerprint: scene.key.id,
      // Two foreign rows up to the head; after it, one lies in between.
      signed_heads: 1,
      digests_in_between: 3,
      totals: { calls: 3, corrections: 1, recounts: 1, input_tokens: 1_803, output_tokens: 30 },
    });
    const pem = scene.write("gateway.pem", textOf(pack, `keys/${scene.key.id}.pem`));
    expect((await check(scene, pack, "--public-key", pem)).valid).toBe(true);
  });

  test("is the same to the last byte for the same books", async () => {
    expect((await makePack(scene, "again.zip")).equals(pack)).toBe(true);
  });

  test("holds rows as the bytes that are attested, with the provider's own usage beside them", async () => {
    const rows = textOf(pack, "rows.jsonl").trimEnd().split("\n");
    expect(rows.map((line) => JSON.parse(line).seq)).toEqual([1, 3, 5, 8]);
    const { hash } = (await scene.rig.store.ledger.page({}, 100, null)).entries.find(({ seq }) => seq === 1) ?? {};
    const digest = createHash("sha256")
      .update(rows[0] ?? "")
      .digest("base64url");
    expect(createHash("sha256").update(`.${digest}`).digest("base64url")).toBe(hash ?? "");
    const frames = textOf(pack, "usage.jsonl")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(frames.map(({ seq }) => seq)).toEqual([1, 3, 5]);
    expect(JSON.parse(frames[0]?.usage)).toMatchObject({
      prompt_tokens: 600,
      prompt_tokens_details: { cached_tokens: 200 },
    });
    expect(frames[0]).toMatchObject({ provider: "openai", upstream_request_id: "req_upstream_1" });
  });

  test("shows nothing of others, no text and no names", async () => {
    const all = split(pack)
      .map(({ entry }) => textOf(pack, entry.name))
      .join("\n");
    const foreign = (await scene.rig.store.ledger.page({ provider: "openai-eu" }, 100, null)).entries;
    expect(foreign).toHaveLength(3);
    for (const { id, requestId } of foreign)
      expect([all.includes(id), all.includes(requestId)]).toEqual([false, false]);
    expect(all).not.toContain("@example.com");
    expect(all).not.toContain("Hello.");
    expect(all).not.toContain("sk-canary");
  });

  test("names users and keys where it is asked to, and only those that are in it", async () => {
    await scene.rig.issue();
    const named = await makePack(scene, "named.zip", "--with-identities");
    const table = textOf(named, "identities.csv");
    expect(table.split("\r\n").filter((line) => line.startsWith("user,"))).toHaveLength(1);
    expect(table).toContain("@example.com");
    expect((await check(scene, named)).valid).toBe(true);
  });

  test("sums up what was booked, reported and counted, in a page without scripts", () => {
    const page = textOf(pack, "summary.html");
    expect(page).not.toContain("<script");
    expect(page).toContain("default-src 'none'");
    // On a phone, a table scrolls by itself.
    expect(page).toMatch(/@media screen and \(max-width:[^}]*\}[^@]*table\{[^}]*overflow-x:auto/u);
    for (const text of ["1,803", "0.0040565", "o200k_base", "operator", "2023-11-01", "req_upstream_1", "over"]) {
      expect({ text, isThere: page.includes(text) }).toEqual({ text, isThere: true });
    }
    const summary = textOf(pack, "summary.csv");
    expect(summary.split("\r\n").at(-2)).toBe("total,,,3,1,1803,30,1803,30,1,600,500,500,10,10,10,1,0,0.0040565,0");
    const prices = textOf(pack, "prices.csv");
    expect(prices).toContain("openai/gpt-4o,operator,2023-11-01,");
    // The price of today is not the operator's of then; the list's is the one that was used.
    expect(prices).toMatch(
      /^openai\/gpt-4o,genai-prices@[^\r]*"cache_read_mtok 1\.25, input_mtok 2\.5, output_mtok 10/mu,
    );
    expect(textOf(pack, "recounts.csv")).toContain(",over,600,500,500,500,10,10,10,10,exact,o200k_base,1\r\n");
  });

  test("of a model, and of a time without rows", async () => {
    const none = await makePack(scene, "none.zip", "--model", "gpt-5");
    expect(await check(scene, none)).toMatchObject({ valid: true, totals: { calls: 0 } });
  });

  test("is not written where the books do not hold", async () => {
    const other = await makeAuditScene();
    try {
      for (let turn = 0; turn < 3; turn++) await other.call("gpt-4o", { prompt: 10, completion: 1 }, GPT);
      await other.tamper("update ledger_entries set output_tokens = 0 where seq = 2");
      const path = `${other.folder}/pack.zip`;
      const { code, err } = await other.run(["audit", "pack", "--provider", "openai", ...SPAN, "-o", path]);
      expect({ code, isThere: await Bun.file(path).exists() }).toEqual({ code: EXIT.conflict, isThere: false });
      expect(err).toContain("does not hold at row 2");
      expect(await Bun.file(`${path}.part`).exists()).toBe(false);
    } finally {
      await other.close();
    }
  });
});

test.skipIf(!hasPostgres)("two gateways on one PostgreSQL each have their chain and key in one pack", async () => {
  const dsn = await createDatabase();
  const [first, second] = [await makeAuditScene(dsn), await makeAuditScene(dsn)];
  try {
    await fillBooks(first);
    await second.call("gpt-4o", { prompt: 7, completion: 1 }, GPT);
    await second.rig.rows();
    const bytes = await makePack(first, "pack.zip");
    const keys = [first.key.id, second.key.id];
    expect(await check(first, bytes)).toMatchObject({ valid: true, problems: [], totals: { calls: 4 } });
    const files = keys.map((id) => first.write(`${id}.pem`, textOf(bytes, `keys/${id}.pem`)));
    expect((await check(first, bytes, "--public-key", files.join(","))).valid).toBe(true);
    const { problems } = await check(first, bytes, "--public-key", files[0] ?? "");
    expect(problems.map(({ file }) => file)).toEqual([`keys/${second.key.id}.pem`]);
  } finally {
    await second.close();
    await first.close();
  }
});

test.skipIf(!hasPostgres)("books on PostgreSQL make a pack that holds as well", async () => {
  const own = scene;
  scene = await makeAuditScene(await createDatabase());
  try {
    await fillBooks(scene);
    const found = await check(scene, await makePack(scene, "pack.zip"));
    expect(found).toMatchObject({
      valid: true,
      problems: [],
      signed_heads: 1,
      totals: { calls: 3, corrections: 1, recounts: 1 },
    });
  } finally {
    await scene.close();
    scene = own;
  }
});
