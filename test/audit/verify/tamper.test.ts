// Rows that somebody changed in the database: each thing that was done is named, and nothing else. On both engines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChainHead, sealAll } from "../../../src/ledger/index.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { type Bench, fillBooks, makeBench, makeCall, tryChanges, verifyBooks } from "./books.ts";

const ENGINES = ["sqlite", "postgres"] as const;

describe.each(ENGINES)("on %s", (engine) => {
  const isPostgres = engine === "postgres";
  let bench: Bench;
  let ids: string[];
  let chain: string;

  const runs = !isPostgres || hasPostgres;
  beforeAll(async () => {
    if (!runs) return;
    bench = makeBench(isPostgres ? await createDatabase() : undefined);
    ids = (await fillBooks(bench)).map(({ id }) => id);
    chain = (await bench.query<{ chain: string }>("select chain from ledger_chains"))[0]?.chain ?? "";
  });
  afterAll(() => bench?.desk.close());

  const verify = (...flags: string[]) => verifyBooks(bench, ...flags);
  const tryOut = (changes: readonly string[], ...flags: string[]) => tryChanges(bench, changes, ...flags);

  const idAt = (seq: number): string => ids[seq <= 8 ? seq - 1 : seq - 3] ?? "";

  test.skipIf(!runs)("untouched books are as they were sealed", async () => {
    const report = await verify();
    expect(report).toMatchObject({ ok: true, rows: 20, findings: [] });
    expect(report.chains).toMatchObject([{ chain, from: 1, to: 20, signed_to: 20 }]);
    expect(bench.told).toEqual([]);
  });

  /** Every attested column but those that say where a row stands, with a value unlike the one that is there. */
  const ENTRY_CHANGES: Record<string, string> = {
    api_key_id: "'other'",
    attempts: `'[]'`,
    cache_read_tokens: "1",
    cache_write_tokens: "null",
    corrects: "'x'",
    cost_nanos: "cost_nanos - 1",
    created_at: isPostgres ? "created_at + interval '1 ms'" : "created_at + 1",
    direction: "'supply'",
    dropped: `'["seed","stop"]'`,
    endpoint: "'messages'",
    error_kind: "'timeout'",
    fresh_input_tokens: "fresh_input_tokens + 1",
    id: "'0193b6ff-0000-7000-8000-000000000001'",
    kind: "'correction'",
    latency_ms: "latency_ms + 0.001",
    long_cache_write_tokens: "0",
    model_asked: "'gpt-4o '",
    model_served: "null",
    output_tokens: "output_tokens * 2",
    payload_digest: "'x'",
    price_date: "'2026-01-02'",
    price_id: "'list/other'",
    price_source: "'operator'",
    prices_unknown: isPostgres ? "false" : "0",
    provider: `'openai","x":"'`,
    reason: "''",
    reasoning_tokens: "0",
    request_id: "'request-0'",
    service_tier: "'Flex'",
    status: "500",
    streamed: isPostgres ? "true" : "1",
    tags: "null",
    ttft_ms: "0",
    units: `'{"images":3}'`,
    usage_source: "'estimate'",
    user_id: "'user-2'",
  };

  test.skipIf(!runs)("the columns that are tried are all that there are", async () => {
    const { ledgerEntries } = await import("../../../src/store/sqlite/schema.ts");
    const { getTableColumns } = await import("drizzle-orm");
    const names = Object.values(getTableColumns(ledgerEntries)).map(({ name }) => name);
    const others = ["chain", "hash", "payload_salt", "request_hash", "response_hash", "seq"];
    expect([...Object.keys(ENTRY_CHANGES), ...others].toSorted()).toEqual(names.toSorted());
  });

  test.skipIf(!runs).each(Object.entries(ENTRY_CHANGES))(
    "a changed %s is named, and no row after it",
    async (column, value) => {
      const cast = isPostgres && ["attempts", "dropped", "units"].includes(column) ? "::jsonb" : "";
      const findings = await tryOut([`update ledger_entries set ${column} = ${value}${cast} where seq = 12`]);
      const id = column === "id" ? value.replaceAll("'", "") : idAt(12);
      expect(findings).toMatchObject([{ kind: "altered", chain, table: "ledger_entries", id, seq: 12, to_seq: 12 }]);
      expect(findings).toHaveLength(1);
    },
  );

  test
    .skipIf(!runs)
    .each([
      "state = 'skipped'",
      "reason = 'x'",
      "method = 'exact'",
      "output_high = 23",
      "verdict = 'over'",
      "tokenizer_version = null",
    ])("a recount's changed %s is named", async (change) => {
    const findings = await tryOut([`update ledger_recounts set ${change} where seq = 9`]);
    expect(findings).toMatchObject([{ kind: "altered", table: "ledger_recounts", id: idAt(1), seq: 9 }]);
    expect(findings).toHaveLength(1);
  });

  test.skipIf(!runs)("the last row and the first one are no exception", async () => {
    for (const seq of [1, 20]) {
      const findings = await tryOut([`update ledger_entries set output_tokens = 99 where seq = ${seq}`]);
      expect(findings).toMatchObject([{ kind: "altered", id: idAt(seq), seq }]);
      expect(findings).toHaveLength(1);
    }
  });

  test.skipIf(!runs)("a replaced hash is told from changed contents", async () => {
    for (const seq of [5, 20]) {
      const findings = await tryOut([`update ledger_entries set hash = 'forged' where seq = ${seq}`]);
      expect(findings.filter(({ kind }) => kind !== "rewritten")).toMatchObject([
        { kind: "hash_replaced", id: idAt(seq), seq, found: "forged" },
      ]);
    }
    const findings = await tryOut([`update ledger_entries set hash = null where seq = 5`]);
    expect(findings).toMatchObject([{ kind: "hash_replaced", id: idAt(5), seq: 5 }]);
  });

  test.skipIf(!runs)("several changes are named one by one", async () => {
    const findings = await tryOut([
      "update ledger_entries set cost_nanos = 0 where seq in (2, 3, 15)",
      "update ledger_recounts set verdict = 'over' where seq = 10",
      "delete from ledger_entries where seq = 18",
    ]);
    expect(findings.map(({ kind, seq }) => `${kind} ${seq}`).toSorted()).toEqual([
      "altered 10",
      "altered 15",
      "altered 2",
      "altered 3",
      "removed 18",
    ]);
  });

  test.skipIf(!runs)("removed rows are named by their places", async () => {
    const findings = await tryOut([
      "delete from ledger_entries where seq between 13 and 15",
      "delete from ledger_entries where seq <= 2",
    ]);
    expect(findings).toMatchObject([
      { kind: "removed", seq: 1, to_seq: 2 },
      { kind: "removed", seq: 13, to_seq: 15 },
    ]);
    expect(findings).toHaveLength(2);
  });

  test.skipIf(!runs)("a removed row is missed also where those behind it were given new numbers", async () => {
    const findings = await tryOut([
      "delete from ledger_entries where seq = 13",
      "update ledger_entries set seq = -(seq - 1) where seq > 13",
      "update ledger_entries set seq = -seq where seq < 0",
      "update ledger_chains set seq = 19",
    ]);
    const renumbered = findings.find(({ kind }) => kind === "renumbered");
    expect(renumbered).toMatchObject({ seq: 14, to_seq: 19 });
    expect(renumbered?.text).toContain("1 removed");
    expect(findings.map(({ kind }) => kind).toSorted()).toEqual(["chain_altered", "renumbered", "truncated"]);
  });

  test.skipIf(!runs)("rows that changed places are named, near and far", async () => {
    for (const [a, b] of [
      [12, 13],
      [3, 17],
    ] as const) {
      const findings = await tryOut([
        `update ledger_entries set seq = -1 where seq = ${a}`,
        `update ledger_entries set seq = ${a} where seq = ${b}`,
        `update ledger_entries set seq = ${b} where seq = -1`,
      ]);
      expect(findings).toMatchObject([
        { kind: "moved", id: idAt(b), seq: a, expected: String(b) },
        { kind: "moved", id: idAt(a), seq: b, expected: String(a) },
      ]);
      expect(findings).toHaveLength(2);
    }
  });

  test.skipIf(!runs)("contents that changed places, too", async () => {
    const columns = ["cost_nanos", "request_id", "output_tokens"].map((name) => `${name} = other.${name}`).join(", ");
    const findings = await tryOut([
      `update ledger_entries set request_id = 'swap', cost_nanos = 5, output_tokens = 5 where seq in (4, 6)`,
      `update ledger_entries set ${columns} from (select * from kept_ledger_entries) as other
         where ledger_entries.seq in (4, 6) and other.seq = 10 - ledger_entries.seq`,
    ]);
    // Their ids stayed, so each is a row of its own with another's figures.
    expect(findings.map(({ kind, id }) => [kind, id])).toEqual([
      ["altered", idAt(4)],
      ["altered", idAt(6)],
    ]);
  });

  test.skipIf(!runs)("rows that were put in are named: at the end, in between, and without a place", async () => {
    const names = (
      await bench.query<{ name: string }>(
        isPostgres
          ? "select column_name as name from information_schema.columns where table_name = 'ledger_entries'"
          : "select name from pragma_table_info('ledger_entries')",
      )
    ).map(({ name }) => name);
    const copy = (seq: string, chainTo: string): string => {
      const values = names.map((name) => ({ id: "'put-in'", seq, chain: chainTo })[name] ?? name);
      return `insert into ledger_entries (${names.join(", ")}) select ${values.join(", ")} from ledger_entries where seq = 14`;
    };
    expect(await tryOut([copy("21", "chain")])).toMatchObject([
      { kind: "altered" },
      { kind: "inserted", id: "put-in", seq: 21 },
    ]);
    // Nothing was ever between the end and a row that was put in far behind it.
    expect(await tryOut([copy("100021", "chain")])).toMatchObject([{ kind: "inserted", id: "put-in", seq: 100_021 }]);
    expect(await tryOut([copy("9", "chain")])).toMatchObject([{ kind: "inserted", seq: 9 }]);
    expect(await tryOut([copy("null", "null")])).toMatchObject([{ kind: "inserted", id: "put-in", chain: null }]);
    expect(await tryOut([copy("null", "chain")])).toMatchObject([{ kind: "inserted", id: "put-in", chain }]);
    expect(await tryOut([copy("1", "''")])).toMatchObject([{ kind: "inserted", id: "put-in", chain: "" }]);
    expect(await tryOut([copy("0", "chain")])).toMatchObject([{ kind: "inserted", id: "put-in", chain }]);
    expect(await tryOut([copy("1", "'nobody'")])).toMatchObject([{ kind: "inserted", id: "put-in", chain: "nobody" }]);
    const between = await tryOut([
      "update ledger_entries set seq = -(seq + 1) where seq > 14",
      "update ledger_entries set seq = -seq where seq < 0",
      copy("15", "chain"),
    ]);
    expect(between.find(({ kind }) => kind === "renumbered")).toMatchObject({ seq: 16, to_seq: 21 });
    expect(between).toContainEqual(expect.objectContaining({ kind: "inserted", id: "put-in", seq: 15 }));
    expect(between.every(({ seq }) => seq === null || seq >= 15)).toBe(true);
  });

  test.skipIf(!runs)("rows that were all sealed anew are caught by what was signed", async () => {
    const entries = await bench.desk.withStore(async ({ ledger }) =>
      (await ledger.page({}, 100, null)).entries.toReversed(),
    );
    const tail = entries.filter(({ seq }) => (seq ?? 0) >= 13).map((entry) => ({ ...entry, costNanos: 1 }));
    const before = entries.find(({ seq }) => seq === 12);
    const start: ChainHead = { chain, seq: 12, hash: before?.hash ?? "" };
    const { head, sealed } = sealAll(start, tail);
    const changes = sealed.map(
      ({ seq, hash }) => `update ledger_entries set cost_nanos = 1, hash = '${hash}' where seq = ${seq}`,
    );
    const findings = await tryOut([...changes, `update ledger_chains set hash = '${head.hash}'`]);
    expect(findings).toMatchObject([{ kind: "rewritten", seq: 11, to_seq: 20 }]);
    expect(findings).toHaveLength(1);
  });

  test.skipIf(!runs)(
    "a row that was altered and given the hash of its new contents is named with its neighbour",
    async () => {
      const entries = await bench.desk.withStore(async ({ ledger }) => (await ledger.page({}, 100, null)).entries);
      const at = (seq: number) => entries.find((entry) => entry.seq === seq);
      const { sealed } = sealAll({ chain, seq: 13, hash: at(13)?.hash ?? "" }, [
        { ...(at(14) ?? makeCall(0)), costNanos: 1 },
      ]);
      const findings = await tryOut([
        `update ledger_entries set cost_nanos = 1, hash = '${sealed[0]?.hash}' where seq = 14`,
      ]);
      expect(findings).toMatchObject([{ kind: "altered", seq: 15 }]);
      expect(findings[0]?.text).toContain("Or the row before it was");
      const last = sealAll({ chain, seq: 19, hash: at(19)?.hash ?? "" }, [
        { ...(at(20) ?? makeCall(0)), costNanos: 1 },
      ]);
      const end = await tryOut([
        `update ledger_entries set cost_nanos = 1, hash = '${last.sealed[0]?.hash}' where seq = 20`,
      ]);
      expect(end.map(({ kind, to_seq }) => [kind, to_seq])).toEqual([
        ["rewritten", 20],
        ["altered", 20],
      ]);
    },
  );

  test.skipIf(!runs)("a span of time is looked at alone, and chains' ends with it", async () => {
    const time = (number: number): string => new Date(1_700_000_000_000 + number * 1_000).toISOString();
    const report = await verify("--from", time(10), "--to", time(15));
    expect(report.chains).toMatchObject([{ from: 12, to: 16 }]);
    expect(report).toMatchObject({ ok: true, rows: 5 });
    const change = "update ledger_entries set cost_nanos = 1 where seq in (3, 13)";
    expect(await tryOut([change], "--from", time(10), "--to", time(15))).toMatchObject([{ seq: 13 }]);
    expect(await tryOut(["delete from ledger_entries where seq > 18"], "--to", time(5))).toMatchObject([
      { kind: "truncated" },
    ]);
    // A recount comes behind the last call that is counted again.
    const early = [
      "delete from ledger_entries where seq > 10",
      "update ledger_recounts set verdict = 'over' where seq = 10",
    ];
    expect(await tryOut(early, "--from", time(1))).toContainEqual(
      expect.objectContaining({ kind: "altered", seq: 10 }),
    );
    const { code, err } = await bench.desk.run(["ledger", "verify", "--from", time(5), "--to", time(5)]);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining("it must be before --to") });
  });
});
