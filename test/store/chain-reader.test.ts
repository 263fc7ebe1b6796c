// The attested bytes as each engine puts them together are those that were sealed, whatever is in a row.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import { CHAIN_FIELDS } from "../../src/audit/verify/index.ts";
import { encodeRow, type SealedEntry } from "../../src/ledger/index.ts";
import { openChains } from "../../src/store/chain-reader.ts";
import { type Bench, makeBench, makeRecount } from "../audit/verify/books.ts";
import { anyEntry } from "../ledger/any-entry.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";

const RANGE = { after: 0, through: 1_000, limit: 1_000 };

async function readSealed(bench: Bench): Promise<SealedEntry[]> {
  const rows = await bench.desk.withStore(async ({ ledger }) => (await ledger.page({}, 1_000, null)).entries);
  return rows.sort((left, right) => (left.seq ?? 0) - (right.seq ?? 0));
}

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  test.skipIf(engine === "postgres" && !hasPostgres)(
    "the bytes are the sealed ones, quickly and with care",
    async () => {
      const dsn = engine === "postgres" ? await createDatabase() : undefined;
      const bench = makeBench(dsn);
      const entries = fc.sample(anyEntry, { numRuns: 300, seed: 8785 });
      await bench.write(async ({ ledger }) => {
        await Promise.all(entries.map((entry) => ledger.add(entry)));
        await ledger.addRecounts([
          makeRecount(entries[0]?.id ?? ""),
          makeRecount(entries[1]?.id ?? "", { state: "skipped", reason: 'too "long"', method: null, verdict: null }),
        ]);
      });
      expect(bench.told).toEqual([]);
      const reader = await openChains(dsn ?? join(bench.desk.folder, "ledger.db"), CHAIN_FIELDS);
      try {
        const [state] = await reader.chains();
        const chain = state?.chain ?? "";
        const sealed = await readSealed(bench);
        const rows = await reader.rows("ledger_entries", { chain, ...RANGE });
        expect(sealed).toHaveLength(300);
        expect(rows.map(({ text }) => text)).toEqual(sealed.map(encodeRow));
        for (const { seq, text } of rows) expect((await reader.recheck("ledger_entries", chain, seq))?.text).toBe(text);
        const recounts = await reader.rows("ledger_recounts", { chain, ...RANGE });
        const [first] = recounts;
        expect(recounts.map(({ seq }) => seq)).toEqual([301, 302]);
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
