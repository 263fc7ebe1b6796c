// The attested bytes as each engine puts them together are those that were sealed, whatever is in a row.

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { getTableColumns, type Table } from "drizzle-orm";
import fc from "fast-check";
import postgres from "postgres";
import { EXIT } from "../../src/cli/error.ts";
import { CHAIN_RULES, type NamedRow } from "../../src/audit/verify/index.ts";
import { digestRow, encodeRow, type SealedEntry } from "../../src/ledger/index.ts";
import { openChains } from "../../src/store/chain-reader.ts";
import { planCopy } from "../../src/store/postgres/copy-row.ts";
import { readCopy } from "../../src/store/postgres/copy.ts";
import { ledgerEntries } from "../../src/store/postgres/schema.ts";
import { type Bench, makeBench, makeCall, makeRecount } from "../audit/verify/books.ts";
import { anyEntry } from "../ledger/any-entry.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";

const RANGE = { after: 0, through: 1_000 };

/** As they are read: figures that no gateway writes are read as unknown. */
const entry = anyEntry.filter((each) => {
  const times = [each.latencyMs, each.ttftMs ?? 0, ...each.attempts.map(({ latencyMs }) => latencyMs)];
  return [...times, ...Object.values(each.units ?? {})].every((figure) => Math.abs(figure) <= 1e11);
});

async function readSealed(bench: Bench): Promise<SealedEntry[]> {
  const rows = await bench.desk.withStore(async ({ ledger }) => (await ledger.page({}, 1_000, null)).entries);
  return rows.sort((left, right) => (left.seq ?? 0) - (right.seq ?? 0));
}

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  test.skipIf(engine === "postgres" && !hasPostgres)(
    "books of a newer version are not judged by this one",
    async () => {
      const dsn = engine === "postgres" ? await createDatabase() : undefined;
      const bench = makeBench(dsn);
      await bench.write(({ ledger }) => ledger.add(makeCall(1)));
      await bench.query("insert into tokligence_migrations (name, applied_at) values ('29990101000000_tomorrow', 'x')");
      for (const line of ["ledger verify", "ledger heads"]) {
        const { code, err } = await bench.desk.run(line);
        expect([line, code, err]).toEqual([line, EXIT.failed, expect.stringContaining("newer version of tokligence")]);
      }
    },
  );

  test.skipIf(engine === "postgres" && !hasPostgres)(
    "books of a version that had no such proof are brought up to date by a gateway, it says",
    async () => {
      const bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
      await bench.write(({ ledger }) => ledger.add(makeCall(1)));
      await bench.query("alter table ledger_entries drop column payload_digest");
      const { code, err } = await bench.desk.run("ledger verify");
      expect(code).toBe(EXIT.failed);
      expect(err).toContain("no gateway of this version has used it yet");
      expect(err).toContain("start the gateway on it once");
    },
  );

  test.skipIf(engine === "postgres" && !hasPostgres)(
    "books that are none, or have no row, are not called whole",
    async () => {
      const bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
      const file = join(bench.desk.folder, "ledger.db");
      if (engine === "sqlite") new Database(file, { create: true }).run("create table notes (id text)");
      for (const line of ["ledger verify", "ledger heads"]) {
        const { code, err } = await bench.desk.run(line);
        expect([line, code]).toEqual([line, EXIT.failed]);
        expect(err).toContain("it lacks tables of this program");
        expect(err).toContain("start the gateway on it once");
      }
      if (engine === "sqlite") rmSync(file);
      await bench.desk.run("admin users list");
      const { code, out, err } = await bench.desk.run("ledger verify");
      expect([code, out]).toEqual([0, ""]);
      expect(err).toContain("There is no row in these books, so there was nothing to prove.");
      expect(err).not.toContain("All is as it was sealed");
      if (engine === "postgres") return;
      rmSync(file);
      mkdirSync(file);
      expect((await bench.desk.run("ledger verify")).err).toContain(`${file} is a folder; name a file in it.`);
    },
  );

  test.skipIf(engine === "postgres" && !hasPostgres)(
    "the bytes are the sealed ones, quickly and with care",
    async () => {
      const dsn = engine === "postgres" ? await createDatabase() : undefined;
      const bench = makeBench(dsn);
      const entries = fc.sample(entry, { numRuns: 300, seed: 8785 });
      await bench.write(async ({ ledger }) => {
        await Promise.all(entries.map((entry) => ledger.add(entry)));
        await ledger.addRecounts([
          makeRecount(entries[0]?.id ?? ""),
          makeRecount(entries[1]?.id ?? "", { state: "skipped", reason: 'too "long"', method: null, verdict: null }),
        ]);
      });
      expect(bench.told).toEqual([]);
      const reader = await openChains(dsn ?? join(bench.desk.folder, "ledger.db"), CHAIN_RULES);
      try {
        const [state] = await reader.chains();
        const chain = state?.chain ?? "";
        const sealed = await readSealed(bench);
        const rows = (await Array.fromAsync(reader.rows("ledger_entries", { chain, ...RANGE }))).flat();
        expect(sealed).toHaveLength(300);
        expect(rows.map(({ digest }) => digest)).toEqual(sealed.map(digestRow));
        for (const row of sealed) {
          const { seq } = row;
          expect((await reader.recheck("ledger_entries", chain, seq ?? 0))?.text).toBe(encodeRow(row));
        }
        const recounts = (await Array.fromAsync(reader.rows("ledger_recounts", { chain, ...RANGE }))).flat();
        expect(recounts.map(({ seq }) => seq)).toEqual([301, 302]);
        const first = await reader.recheck("ledger_recounts", chain, 301);
        expect(JSON.parse(first?.text ?? "")).toMatchObject({ chain, entryId: entries[0]?.id, verdict: "within" });
        expect(await reader.extent(chain)).toEqual({ rows: 302, least: 1, most: 302 });
        expect(await reader.loose(10)).toEqual([]);
      } finally {
        await reader.close();
      }
      const { code, err } = await bench.desk.run("ledger verify");
      expect({ code, err }).toMatchObject({ code: 0 });
      bench.desk.close();
    },
  );
});

test.skipIf(!hasPostgres)("however what PostgreSQL copies out is cut, it gives the same rows", async () => {
  const dsn = await createDatabase();
  const bench = makeBench(dsn);
  await bench.write(async ({ ledger }) => {
    for (const each of fc.sample(entry, { numRuns: 6, seed: 1 })) await ledger.add(each);
  });
  const sealed = await readSealed(bench);
  const columns = getTableColumns<Table>(ledgerEntries);
  const plan = planCopy({ table: "ledger_entries", columns, rules: CHAIN_RULES, id: "id" });
  const sql = postgres(dsn, { max: 1, onnotice: () => {} });
  const statement = `copy (select ${plan.select} from ledger_entries order by ledger_entries.seq) to stdout (format binary)`;
  const pieces: Buffer[] = [];
  for await (const _ of readCopy(sql, statement, (piece) => void pieces.push(Buffer.from(piece))));
  await sql.end();
  const stream = Buffer.concat(pieces);
  const read = (cuts: readonly number[]): NamedRow[] => {
    const rows: NamedRow[] = [];
    const reader = plan.makeReader(sealed[0]?.chain ?? "");
    const places = [0, ...cuts.toSorted((left, right) => left - right), stream.length];
    for (const [index, place] of places.slice(1).entries())
      reader.take(stream.subarray(places[index], place), (_, name) => rows.push(name()));
    return rows;
  };
  expect(read([]).map(({ text }) => text)).toEqual(sealed.map(encodeRow));
  const every = Array.from({ length: stream.length - 1 }, (_, index) => index + 1);
  expect(read(every)).toEqual(read([]));
  const cuts = fc.array(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 8 });
  fc.assert(
    fc.property(cuts, (places) => {
      expect(read(places)).toEqual(read([]));
    }),
    { numRuns: 50 },
  );
  bench.desk.close();
});
