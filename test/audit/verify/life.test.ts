// The key and the chains of books through stops, crashes, lost keys, old copies and several writers.

import { describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openKey, readKey } from "../../../src/cli/ledger/key-file.ts";
import { fingerprint, isSigned, readHeads, readPublicKey, toPem } from "../../../src/ledger/index.ts";
import { isChangeChain } from "../../../src/lib/change.ts";
import { createDatabase, hasPostgres, runSql } from "../../postgres.ts";
import { type Bench, makeBench, makeCall, makeRecount, verifyBooks } from "./books.ts";

async function withBench(work: (bench: Bench) => Promise<void>, dsn?: string): Promise<void> {
  const bench = makeBench(dsn);
  try {
    await work(bench);
  } finally {
    bench.desk.close();
  }
}

const chainsOf = (bench: Bench) =>
  bench.query<{ chain: string; seq: number; continues: string | null; slot: number }>(
    "select * from ledger_chains order by started_at, slot",
  );

describe("the key", () => {
  test("is made once, its owner's alone, and never overwritten", async () => {
    await withBench(async ({ desk }) => {
      const path = join(desk.folder, "keys/gate.key");
      const made = openKey(path);
      expect(made.isNew).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(readdirSync(join(desk.folder, "keys"))).toEqual(["gate.key"]);
      const text = readFileSync(path, "utf8");
      expect(openKey(path)).toMatchObject({ id: made.id, publicKey: made.publicKey, isNew: false });
      expect(readFileSync(path, "utf8")).toBe(text);
      expect(readKey(join(desk.folder, "none"))).toBeNull();
    });
  });

  test("is refused where it is none, in words that do not repeat it", async () => {
    await withBench(async ({ desk }) => {
      for (const text of ["", "hidden", '{"kty":"OKP","d":"hidden"}', "-----BEGIN PRIVATE KEY-----\nhidden\n"]) {
        const path = desk.write("bad.key", text);
        expect(() => openKey(path)).toThrow(`The key of the books cannot be used: ${path}`);
        expect(() => openKey(path)).not.toThrow("hidden");
        expect(readFileSync(path, "utf8")).toBe(text);
      }
    });
  });

  test("may be brought as a JWK; its fingerprint is what OpenSSL's users compute", async () => {
    await withBench(async ({ desk }) => {
      // The first key of RFC 8037, appendix A.
      const jwk = {
        kty: "OKP",
        crv: "Ed25519",
        d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
      };
      const key = openKey(desk.write("jwk.key", JSON.stringify(jwk)));
      expect(key.publicKey).toBe(jwk.x);
      const der = Buffer.from(toPem(jwk.x).replaceAll(/-----.*-----|\n/gu, ""), "base64");
      expect(fingerprint(jwk.x)).toBe(new Bun.CryptoHasher("sha256").update(der).digest("hex"));
      for (const form of [toPem(jwk.x), jwk.x, JSON.stringify({ kty: "OKP", crv: "Ed25519", x: jwk.x })])
        expect(readPublicKey(form)).toBe(jwk.x);
      for (const form of ["", "x", "{}", JSON.stringify({ kty: "RSA", x: jwk.x })])
        expect(readPublicKey(form)).toBeNull();
    });
  });

  test("is printed by its public half only, and not before it is there", async () => {
    await withBench(async (bench) => {
      const { desk } = bench;
      expect(await desk.run("ledger key")).toMatchObject({ code: 3, out: "" });
      await bench.write(async () => undefined);
      const printed = await desk.read<{ public_key: string; fingerprint: string; jwk: { x: string } }>("ledger key");
      expect(printed.fingerprint).toBe(fingerprint(printed.jwk.x));
      expect(readPublicKey(JSON.stringify(printed))).toBe(printed.jwk.x);
      const secret = readFileSync(join(desk.folder, "ledger.key"), "utf8").split("\n")[1] ?? "";
      const { out, err } = await desk.run("ledger key");
      expect(secret.length).toBeGreaterThan(60);
      expect(`${JSON.stringify(printed)}${out}${err}`).not.toContain(secret);
    });
  });

  test("that is lost gives a new one, and a new chain that says what it continues", async () => {
    await withBench(async (bench) => {
      await bench.write(async ({ ledger }) => ledger.add(makeCall(1)));
      rmSync(join(bench.desk.folder, "ledger.key"));
      await bench.write(async ({ ledger }) => ledger.add(makeCall(2)));
      const [old, next] = await chainsOf(bench);
      expect(JSON.parse(next?.continues ?? "")).toEqual({
        chain: old?.chain,
        seq: 1,
        hash: expect.any(String),
        startedAt: bench.clock.wallMs(),
      });
      expect(next?.chain).not.toBe(old?.chain ?? "");
      expect(bench.told).toHaveLength(1);
      expect(bench.told[0]).toContain("a new chain begins");
      expect(await verifyBooks(bench)).toMatchObject({ ok: true, rows: 2 });
      await bench.tamper(`update ledger_chains set continues = null where chain = '${next?.chain}'`);
      expect((await verifyBooks(bench)).findings).toMatchObject([
        { kind: "head_altered", id: `${next?.chain}/0/start` },
      ]);
      await bench.tamper(`update ledger_chains set continues = '${next?.continues}' where chain = '${next?.chain}'`);
      for (const table of ["chains", "heads", "entries"])
        await bench.tamper(`delete from ledger_${table} where chain = '${old?.chain}'`);
      expect((await verifyBooks(bench)).findings).toMatchObject([
        { kind: "chain_missing", id: old?.chain },
        { kind: "chain_missing", id: old?.chain },
      ]);
    });
  });
});

describe("chains", () => {
  test("go on after a stop, and after a death are signed as they were found", async () => {
    await withBench(async (bench) => {
      await bench.write(async ({ ledger }) => ledger.add(makeCall(1)));
      await bench.write(async () => undefined);
      // Dies: nothing is closed. What holds the file's slot ends with the process, so the copy stands for the next one.
      const { folder } = bench.desk;
      await bench.write(async ({ ledger }) => {
        await ledger.add(makeCall(2));
        mkdirSync(join(folder, "dead"));
        for (const name of readdirSync(folder).filter((each) => /^ledger\.db(?:-wal|\.journal-.*)?$/u.test(each)))
          copyFileSync(join(folder, name), join(folder, "dead", name));
      });
      for (const name of ["ledger.db", "ledger.db-wal", "ledger.db-shm"]) rmSync(join(folder, name), { force: true });
      for (const name of readdirSync(join(folder, "dead")))
        copyFileSync(join(folder, "dead", name), join(folder, name));
      const own = join(folder, "ledger.heads.jsonl");
      writeFileSync(
        own,
        readFileSync(own, "utf8")
          .split("\n")
          .filter((line) => !line.includes('"seq":2'))
          .join("\n"),
      );
      await bench.write(async ({ ledger }) => ledger.add(makeCall(3)));
      const heads = await bench.query<{ seq: number; reason: string }>(
        "select seq, reason from ledger_heads order by seq",
      );
      expect(heads).toEqual([
        { seq: 0, reason: "start" },
        { seq: 1, reason: "shutdown" },
        { seq: 2, reason: "crash" },
        { seq: 3, reason: "shutdown" },
      ]);
      expect(await verifyBooks(bench)).toMatchObject({ ok: true, rows: 3 });
      expect(bench.told).toEqual([]);
    });
  });

  test("that an old copy was put in the place of are left as they are: a new one begins, and what is missing is named", async () => {
    await withBench(async (bench) => {
      const file = join(bench.desk.folder, "ledger.db");
      await bench.write(async ({ ledger }) => ledger.add(makeCall(1)));
      copyFileSync(file, `${file}.old`);
      await bench.write(async ({ ledger }) => ledger.add(makeCall(2)));
      for (const name of [`${file}-wal`, `${file}-shm`]) rmSync(name, { force: true });
      copyFileSync(`${file}.old`, file);
      await bench.write(async ({ ledger }) => ledger.add(makeCall(3)));
      const [old] = await chainsOf(bench);
      expect(bench.told[0]).toContain("The books end before what was signed");
      expect((await verifyBooks(bench)).findings).toMatchObject([
        { kind: "head_missing", id: `${old?.chain}/2/shutdown` },
        { kind: "truncated", chain: old?.chain, seq: 2, to_seq: 2 },
        { kind: "chain_altered", chain: old?.chain },
      ]);
    });
  });

  test("may lose rows whose time is over, where that was signed before", async () => {
    await withBench(async (bench) => {
      await bench.write(async ({ ledger }) => {
        for (let number = 1; number <= 5; number++) await ledger.add(makeCall(number));
      });
      await bench.write(async ({ ledger, retire }) => {
        const [row] = await bench.query<{ hash: string }>("select hash from ledger_entries where seq = 3");
        await retire("cut", { chain: ledger.chain, seq: 3, hash: row?.hash ?? "" });
        await ledger.add(makeCall(6));
      });
      expect(await verifyBooks(bench)).toMatchObject({ ok: true, rows: 6 });
      await bench.tamper("insert into ledger_marks (chain, seq, removed_before) select chain, 0, 1 from ledger_chains");
      await bench.tamper("delete from ledger_entries where seq <= 2");
      expect(await verifyBooks(bench)).toMatchObject({ ok: true, rows: 4 });
      await bench.tamper("delete from ledger_entries where seq = 3");
      expect(await verifyBooks(bench)).toMatchObject({ ok: true, rows: 3 });
      await bench.tamper("update ledger_entries set cost_nanos = 0 where seq = 4");
      expect((await verifyBooks(bench)).findings).toMatchObject([{ kind: "altered", seq: 4 }]);
      await bench.tamper("delete from ledger_entries where seq = 4");
      expect((await verifyBooks(bench)).findings).toMatchObject([{ kind: "removed", seq: 4, to_seq: 4 }]);
      await bench.tamper("delete from ledger_heads where reason = 'cut'");
      rmSync(join(bench.desk.folder, "ledger.heads.jsonl"));
      const kinds = (await verifyBooks(bench)).findings.map(({ kind, seq }) => [kind, seq]);
      expect(kinds).toEqual([
        ["head_missing", null],
        ["removed", 1],
        ["chain_altered", null],
      ]);
    });
  });

  test("do not hold payload hashes, but attest them while they are there", async () => {
    const { digestPayloads } = await import("../../../src/ledger/index.ts");
    await withBench(async (bench) => {
      const payload = { payloadSalt: "salt", requestHash: "asked", responseHash: "answered" };
      const payloadDigest = digestPayloads("salt", "asked", "answered");
      await bench.write(async ({ ledger }) => ledger.add(makeCall(1, { ...payload, payloadDigest })));
      expect(await verifyBooks(bench)).toMatchObject({ ok: true });
      await bench.tamper("update ledger_entries set response_hash = 'other'");
      expect((await verifyBooks(bench)).findings).toMatchObject([{ kind: "payload_altered", seq: 1 }]);
      await bench.tamper("update ledger_entries set response_hash = null, request_hash = null, payload_salt = null");
      expect((await verifyBooks(bench)).findings).toMatchObject([{ kind: "payload_removed", seq: 1, to_seq: 1 }]);
      const [row] = await bench.query<{ hash: string }>("select hash from ledger_entries where seq = 1");
      await bench.write(({ ledger, retire }) =>
        retire("forget", { chain: ledger.chain, seq: 1, hash: row?.hash ?? "" }),
      );
      expect(await verifyBooks(bench)).toMatchObject({ ok: true });
    });
  });

  test.skipIf(!hasPostgres)("of two gateways on one PostgreSQL are one each", async () => {
    const dsn = await createDatabase();
    await withBench(async (first) => {
      await withBench(async (second) => {
        await first.write(async (one) => {
          await second.write(async (two) => {
            for (let number = 1; number <= 5; number++) {
              const call = makeCall(number);
              await Promise.all([one.ledger.add(call), two.ledger.add(makeCall(number + 10))]);
              await one.ledger.addRecounts([makeRecount(call.id)]);
            }
          });
        });
        expect(new Set((await chainsOf(first)).map(({ seq }) => Number(seq)))).toEqual(new Set([5, 10]));
        for (const bench of [first, second]) expect(await verifyBooks(bench)).toMatchObject({ ok: true, rows: 15 });
        const own = first.desk.write("own.pem", (await first.desk.run("ledger key")).out);
        expect((await verifyBooks(first, "--public-key", own)).findings).toMatchObject([{ kind: "key_replaced" }]);
        const both = `${own},${first.desk.write("two.pem", (await second.desk.run("ledger key")).out)}`;
        expect((await verifyBooks(first, "--public-key", both)).findings).toEqual([]);
        await runSql(dsn, "update ledger_entries set cost_nanos = 0 where seq = 3");
        expect((await verifyBooks(second)).findings.map(({ kind }) => kind)).toEqual(["altered", "altered"]);
      }, dsn);
    }, dsn);
  });
});

test("heads beside the key prove themselves", async () => {
  await withBench(async (bench) => {
    await bench.write(async ({ ledger }) => ledger.add(makeCall(1)));
    const { heads, unreadable } = readHeads(readFileSync(join(bench.desk.folder, "ledger.heads.jsonl"), "utf8"));
    expect([heads.length, unreadable]).toEqual([2, 0]);
    for (const { head, continues } of heads) {
      expect(isSigned(head, continues)).toBe(true);
      expect(isSigned({ ...head, seq: head.seq + 1 }, continues)).toBe(false);
      expect(
        isSigned(
          { ...head, signature: head.signature.replace(/^./u, (first) => (first === "_" ? "A" : "_")) },
          continues,
        ),
      ).toBe(false);
    }
  });
});

test("heads are put off the machine: each stop, and what was signed in between at most once an interval", async () => {
  await withBench(async (bench) => {
    const path = join(bench.desk.folder, "worm/anchor.jsonl");
    bench.desk.write(
      "config/setting.ini",
      `${readFileSync(join(bench.desk.folder, "config/setting.ini"), "utf8")}ledger_anchor = ${path}\n`,
    );
    await bench.write(async ({ ledger }, arrive) => {
      for (let minute = 1; minute <= 100; minute++) {
        await ledger.add(makeCall(minute));
        await arrive();
        bench.clock.advance(60_000);
        await endTurn();
      }
      await ledger.add(makeCall(101));
    });
    const all = () => readHeads(readFileSync(path, "utf8")).heads.map(({ head }) => head);
    const read = () => all().flatMap(({ chain, seq }) => (isChangeChain(chain) ? [] : [seq]));
    // An hour later, by what was bound when it was signed.
    const [, hourly = 0] = read();
    expect(read()).toEqual([0, hourly, 101]);
    expect(hourly).toBeWithin(59, 62);
    // That the books were begun is a change, and signed in its own chain.
    expect(all().filter(({ chain }) => isChangeChain(chain))).toMatchObject([{ seq: 1 }]);
    expect(await bench.desk.read(["admin", "audit", "verify", "--head", path])).toMatchObject({ ok: true });
    expect(await verifyBooks(bench, "--head", path)).toMatchObject({ ok: true });
    expect((await bench.query("select * from ledger_heads")).length).toBeGreaterThan(100);
    // The last rows before it becomes quiet, too.
    await bench.write(async ({ ledger }, arrive) => {
      for (const number of [102, 103]) {
        await ledger.add(makeCall(number));
        await arrive();
        bench.clock.advance(60_000);
        await endTurn();
      }
      bench.clock.advance(3_600_000);
      await ledger.add(makeCall(104));
      await arrive();
      bench.clock.advance(60_000);
      await endTurn();
    });
    expect(read()).toEqual([0, hourly, 101, 102, 103, 104]);
  });
});

/** A head is signed in turns of the event loop, for which a clock that is put on does not wait. */
function endTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
