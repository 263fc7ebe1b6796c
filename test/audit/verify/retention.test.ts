// Rows and hashes that went by age: the books still verify, and what was never signed away is missed. On both engines.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { getTableColumns } from "drizzle-orm";
import { ledgerEntries } from "../../../src/store/sqlite/schema.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { runLine } from "../../cli/desk.ts";
import { runRetention } from "./age.ts";
import { PAYLOAD, makeBench, makeCall, type Report, tryChanges, verifyBooks } from "./books.ts";

// Many commands, each of which opens its database anew.
setDefaultTimeout(20_000);

const DAY_MS = 86_400_000;
const CALLS = 12;

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  test.skipIf(engine === "postgres" && !hasPostgres)("what is left is whole, and says how much went", async () => {
    const bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
    // A day apart, so that it does not matter how long the test's own clock runs: the last five stay.
    const day = (number: number) => new Date(bench.clock.wallMs() - (CALLS - number) * DAY_MS);
    const calls = Array.from({ length: CALLS }, (_, index) =>
      makeCall(index + 1, { createdAt: day(index + 1), ...PAYLOAD }),
    );
    await bench.write(async ({ ledger }) => {
      for (const call of calls) await ledger.add(call);
    });
    const gone = await runRetention(bench, { payloadHashesMs: 2.5 * DAY_MS, rowsMs: 4.5 * DAY_MS });
    expect(gone).toEqual([{ captured: 0, hashes: CALLS - 3, rows: CALLS - 5 }]);
    const report = await verifyBooks(bench);
    expect(report).toMatchObject({ ok: true, findings: [], rows: 5 });
    // A day behind the first row that is left, sums are proved again.
    expect(Date.parse(report.rollups?.proved_from ?? "")).toBeLessThan(bench.clock.wallMs() - 3 * DAY_MS);
    const last = "(select max(id) from ledger_rollups where level = 'total.hour')";
    const forged = await tryChanges(bench, [`update ledger_rollups set requests = 9 where id = ${last}`]);
    expect(forged).toMatchObject([{ kind: "sums_altered" }]);
    const less = await tryChanges(bench, ["update ledger_rollups set entries = 0 where level = 'total.day'"]);
    expect(less.length).toBeGreaterThan(0);
    const { requests } = await bench.desk.read<{ requests: number }>("usage summary");
    expect(requests).toBe(CALLS);
    // Whoever asks for proof of that time is told that it is gone.
    const [from, to] = [day(0), day(CALLS + 1)].map((at) => at.toISOString());
    const file = join(bench.desk.folder, "pack.zip");
    const pack = await bench.desk.run(`audit pack --provider openai --from ${from} --to ${to} -o ${file}`);
    expect([pack.code, pack.err]).toEqual([0, expect.stringContaining("were removed by age")]);
    expect((await runLine(["audit", "verify", file])).out).toContain("were removed by age");
    const late = await bench.desk.run(
      `audit pack --provider openai --from ${day(CALLS - 2).toISOString()} --to ${to} -o ${file}`,
    );
    expect([late.code, late.err]).toEqual([0, expect.not.stringContaining("were removed")]);
    const tokens = await bench.desk.read<{ rows_removed_before?: string }>("audit tokens");
    expect(tokens.rows_removed_before).toEqual(expect.any(String));
    // And whoever takes the rows themselves.
    for (const command of ["usage logs", "usage export"])
      expect((await bench.desk.run(command)).err).toMatch(/^note: rows from before \S+Z have been removed by age/mu);
    const logs = await bench.desk.read<{ rows_removed_before?: string }>("usage logs");
    expect(logs.rows_removed_before).toBe(tokens.rows_removed_before ?? "");
    const exported = await bench.desk.read<object>(`usage export -o ${join(bench.desk.folder, "rows.csv")}`);
    expect(exported).toMatchObject({ rows: 5, rows_removed_before: logs.rows_removed_before ?? "" });
    const date = (from ?? "").slice(0, 10);
    const csv = bench.desk.write("bill.csv", `date,model,input\n${date},gpt-4o,5\n`);
    const bill = `audit reconcile --provider openai --file ${csv} --map day=date,model=model,input=input`;
    expect((await bench.desk.run(bill)).err).toContain("were removed by age");
    await bench.tamper("delete from ledger_entries where seq = (select min(seq) from ledger_entries)");
    expect((await verifyBooks(bench)).ok).toBeFalse();
    bench.desk.close();
  });

  test.skipIf(engine === "postgres" && !hasPostgres)("evidence tells of what went by what was signed", async () => {
    const bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
    const day = (number: number) => new Date(bench.clock.wallMs() - number * DAY_MS);
    await bench.write(async ({ ledger }) => {
      for (const age of [9, 8, 7, 2, 1]) await ledger.add(makeCall(age, { createdAt: day(age), ...PAYLOAD }));
    });
    await runRetention(bench, { payloadHashesMs: 5 * DAY_MS, rowsMs: 5 * DAY_MS });
    const file = join(bench.desk.folder, "pack.zip");
    const pack = (from: number): Promise<{ err: string }> =>
      bench.desk.run(
        `audit pack --provider openai --from ${day(from).toISOString()} --to ${day(0).toISOString()} -o ${file}`,
      );
    // What is kept beside the chain is attested by nothing: without a word, or with that of another time, the pack says so all the same.
    for (const moment of ["null", engine === "sqlite" ? "0" : "'2000-01-01'"]) {
      await bench.tamper(`update ledger_marks set removed_before = ${moment}`);
      expect((await pack(10)).err).toContain("were removed by age");
      expect((await pack(2.5)).err).toContain("were removed by age");
      expect((await pack(1.5)).err).not.toContain("were removed");
    }
    bench.desk.close();
  });

  test.skipIf(engine === "postgres" && !hasPostgres)(
    "what is put in the place of a row that went is named",
    async () => {
      const bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
      const day = (number: number) => new Date(bench.clock.wallMs() - (CALLS - number) * DAY_MS);
      await bench.write(async ({ ledger }) => {
        for (let number = 1; number <= CALLS; number++) await ledger.add(makeCall(number, { createdAt: day(number) }));
      });
      await runRetention(bench, { payloadHashesMs: 0, rowsMs: 4.5 * DAY_MS });
      const [cut] = await bench.query<{ hash: string }>("select hash from ledger_heads where reason = 'cut'");
      const own = Object.values(getTableColumns(ledgerEntries)).map(({ name }) => name);
      const putIn = async (seq: number, hash: string): Promise<Report> => {
        const over: Record<string, string> = { id: "'put-in'", seq: String(seq), hash: `'${hash}'`, cost_nanos: "1" };
        const values = own.map((name) => over[name] ?? name).join(", ");
        await bench.tamper(
          `insert into ledger_entries (${own.join(", ")}) select ${values} from ledger_entries where seq = ${CALLS}`,
        );
        const report = await verifyBooks(bench, "--no-rollups");
        await bench.tamper("delete from ledger_entries where id = 'put-in'");
        return report;
      };
      expect((await putIn(3, "x")).findings).toMatchObject([{ kind: "inserted", seq: 3, to_seq: 3 }]);
      expect((await putIn(CALLS - 5, "x")).findings).toMatchObject([{ kind: "rewritten", to_seq: CALLS - 5 }]);
      // As a removal may be left half done, this is all that can be said.
      const { findings, notes } = await putIn(CALLS - 5, cut?.hash ?? "");
      expect(findings).toEqual([]);
      expect(notes.join(" ")).toContain(`Row ${CALLS - 5} cannot be checked`);
      const honest = await verifyBooks(bench);
      expect([honest.findings, honest.notes.join(" ")]).toEqual([[], expect.not.stringContaining("cannot be checked")]);
      bench.desk.close();
    },
  );

  test.skipIf(engine === "postgres" && !hasPostgres)("every chain has its turn, whoever signed it", async () => {
    const bench = makeBench(engine === "postgres" ? await createDatabase() : undefined);
    const day = (number: number) => new Date(bench.clock.wallMs() - number * DAY_MS);
    const write = (ages: readonly number[]) =>
      bench.write(async ({ ledger }) => {
        for (const age of ages) await ledger.add(makeCall(age, { createdAt: day(age), ...PAYLOAD }));
      });
    await write([30, 29, 28]);
    const keyFile = join(bench.desk.folder, "ledger.key");
    const first = bench.desk.write("first.pem", (await bench.desk.run("ledger key")).out);
    rmSync(keyFile);
    await write([27, 26, 3, 1]);
    const second = bench.desk.write("second.pem", (await bench.desk.run("ledger key")).out);
    const gone = await runRetention(bench, { payloadHashesMs: 2 * DAY_MS, rowsMs: 10 * DAY_MS });
    expect(gone).toEqual([{ captured: 0, hashes: 6, rows: 5 }]);
    expect(await verifyBooks(bench)).toMatchObject({ ok: true, rows: 2 });
    expect(await verifyBooks(bench, "--public-key", `${first},${second}`)).toMatchObject({ ok: true });
    expect((await bench.desk.read<{ requests: number }>("usage summary")).requests).toBe(7);
    // Where nothing is known of the second key, what it signed of the first one's chain is its own word alone.
    renameSync(keyFile, `${keyFile}.away`);
    const stranger = (await verifyBooks(bench)).findings;
    expect(stranger.map(({ kind }) => kind)).toContain("head_altered");
    expect(stranger.map(({ kind }) => kind)).toContain("truncated");
    expect(stranger.find(({ kind }) => kind === "head_altered")?.text).toContain("--public-key");
    renameSync(`${keyFile}.away`, keyFile);
    await bench.tamper("delete from ledger_entries where seq = (select min(seq) from ledger_entries)");
    expect((await verifyBooks(bench, "--no-rollups")).findings).toMatchObject([{ kind: "removed" }]);
    bench.desk.close();
  });
});
