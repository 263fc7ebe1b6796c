// What signed heads prove: ends that were cut off, heads and keys that were changed. On both engines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { type Bench, fillBooks, makeBench, makeCall, tryChanges, verifyBooks } from "./books.ts";

const ENGINES = ["sqlite", "postgres"] as const;

describe.each(ENGINES)("on %s", (engine) => {
  const isPostgres = engine === "postgres";
  let bench: Bench;
  let chain: string;

  const runs = !isPostgres || hasPostgres;
  beforeAll(async () => {
    if (!runs) return;
    bench = makeBench(isPostgres ? await createDatabase() : undefined);
    await fillBooks(bench);
    chain = (await bench.query<{ chain: string }>("select chain from ledger_chains"))[0]?.chain ?? "";
  });
  afterAll(() => bench?.desk.close());

  const verify = (...flags: string[]) => verifyBooks(bench, ...flags);
  const tryOut = (changes: readonly string[], ...flags: string[]) => tryChanges(bench, changes, ...flags);

  test.skipIf(!runs)("a tail that was cut off is missed, whatever was changed with it", async () => {
    const cut = "delete from ledger_entries where seq > 17";
    expect(await tryOut([cut])).toMatchObject([{ kind: "truncated", seq: 18, to_seq: 20 }]);
    const [link] = await bench.query<{ hash: string }>("select hash from ledger_entries where seq = 17");
    const state = `update ledger_chains set seq = 17, hash = '${link?.hash}'`;
    expect(await tryOut([cut, state])).toMatchObject([
      { kind: "truncated", seq: 18, to_seq: 20 },
      { kind: "chain_altered" },
    ]);
    // The head in the database goes too; those beside the key know.
    const heads = "delete from ledger_heads where seq = 20";
    const all = await tryOut([cut, state, heads]);
    expect(all).toMatchObject([
      { kind: "head_missing", id: `${chain}/20/shutdown` },
      { kind: "truncated", seq: 18, to_seq: 20 },
      { kind: "chain_altered" },
    ]);
  });

  test.skipIf(!runs)("an anchored head proves it also where everything on the machine was changed", async () => {
    const anchored = join(bench.desk.folder, "anchored.json");
    expect((await bench.desk.run(["ledger", "heads", "--export", anchored])).code).toBe(0);
    expect((await verify("--head", anchored)).findings).toEqual([]);
    const own = join(bench.desk.folder, "ledger.heads.jsonl");
    const kept = readFileSync(own, "utf8");
    writeFileSync(
      own,
      kept
        .split("\n")
        .filter((line) => !line.includes('"seq":20'))
        .join("\n"),
    );
    try {
      const [link] = await bench.query<{ hash: string }>("select hash from ledger_entries where seq = 17");
      const cut = [
        "delete from ledger_entries where seq > 17",
        "delete from ledger_heads where seq = 20",
        `update ledger_chains set seq = 17, hash = '${link?.hash}'`,
      ];
      expect(await tryOut(cut)).toEqual([]);
      expect(await tryOut(cut, "--head", anchored)).toMatchObject([
        { kind: "head_missing" },
        { kind: "truncated", seq: 18, to_seq: 20 },
        { kind: "chain_altered" },
      ]);
      const wiped = ["ledger_entries", "ledger_recounts", "ledger_heads", "ledger_chains"].map(
        (name) => `delete from ${name}`,
      );
      expect(await tryOut(wiped, "--head", anchored)).toMatchObject([{ kind: "chain_missing", id: chain }]);
    } finally {
      writeFileSync(own, kept);
    }
  });

  test.skipIf(!runs)("heads that were removed, altered or put in are named", async () => {
    const middle = `${chain}/10/interval`;
    expect(await tryOut([`delete from ledger_heads where id = '${middle}'`])).toMatchObject([
      { kind: "head_missing", id: middle },
      { kind: "head_missing", id: middle },
    ]);
    expect(
      await tryOut([`update ledger_heads set signed_at = ${isPostgres ? "now()" : "1"} where id = '${middle}'`]),
    ).toMatchObject([{ kind: "head_altered", id: middle }]);
    const all = await tryOut(["delete from ledger_heads"]);
    expect(all.every(({ kind }) => kind === "head_missing")).toBe(true);
    expect(all.map(({ id }) => id)).toContain(middle);
  });

  test.skipIf(!runs)("a head from elsewhere that was altered is told as such, and not as another key's", async () => {
    const heads = readFileSync(join(bench.desk.folder, "ledger.heads.jsonl"), "utf8");
    const line = heads.split("\n").find((text) => text.includes('"seq":10')) ?? "";
    const forged = bench.desk.write("forged.jsonl", line.replace('"seq":10', '"seq":9'));
    const { findings } = await verify("--head", forged);
    expect(findings).toMatchObject([{ kind: "head_altered", seq: 9, expected: null }]);
    expect(findings[0]?.text).toContain("its signature does not hold");
  });

  test.skipIf(!runs)("another public key is named, and what it signed", async () => {
    const other = makeBench();
    await other.write(async ({ ledger }) => ledger.add(makeCall(1)));
    const [foreign] = await other.query<{ public_key: string; key_id: string }>("select * from ledger_chains");
    const { out: pem } = await other.desk.run("ledger key");
    const strange = bench.desk.write("strange.pem", pem);
    const [key, id] = [foreign?.public_key, foreign?.key_id];
    other.desk.close();
    expect(await tryOut([`update ledger_chains set public_key = '${key}'`])).toMatchObject([
      { kind: "key_replaced", chain },
    ]);
    expect(await tryOut([`update ledger_chains set public_key = '${key}', key_id = '${id}'`])).toMatchObject([
      { kind: "key_replaced", chain },
    ]);
    expect(
      (await tryOut([`update ledger_heads set public_key = '${key}' where seq = 10`])).map(({ kind }) => kind),
    ).toEqual(["head_altered"]);
    const own = bench.desk.write("own.pem", (await bench.desk.run("ledger key")).out);
    expect((await verify("--public-key", own)).findings).toEqual([]);
    expect((await verify("--public-key", strange)).findings).toMatchObject([{ kind: "key_replaced", chain }]);
    expect((await verify("--public-key", `${own},${strange}`)).findings).toEqual([]);
  });
});
