// The books of the executable: made, signed, killed and verified by nobody but it.

import { expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { join } from "node:path";
import { makeBench, makeCall } from "../audit/verify/books.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { expectOk, issueKey, makeFolder, run, serve } from "./binary.ts";

interface Report {
  ok: boolean;
  rows: number;
  findings: { kind: string; seq: number }[];
}

/** What the executable says. */
async function verify(folder: string, ...flags: string[]): Promise<Report> {
  const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home") };
  const { out, err } = await run(["ledger", "verify", "--json", ...flags], { cwd: folder, env });
  if (out === "") throw new Error(err);
  return JSON.parse(out);
}

test("books that were killed and went on verify, and a changed row of them does not", async () => {
  const folder = makeFolder();
  for (const signal of ["SIGKILL", "SIGKILL", "SIGTERM"] as const) {
    const served = await serve({ folder });
    const { token } = await issueKey(served);
    const ask = () =>
      fetch(`${served.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ model: "loopback", messages: [{ role: "user", content: "hi" }] }),
      });
    for (let round = 0; round < 5; round++) expect((await ask()).status).toBe(200);
    served.signal(signal);
    await served.exited;
  }
  const clean = await verify(folder);
  expect(clean).toMatchObject({ ok: true, findings: [] });
  // Recounts come along, as far as there was time.
  expect(clean.rows).toBeGreaterThanOrEqual(15);
  const env = { HOME: folder, TOKLIGENCE_HOME: join(folder, "home") };
  const heads = JSON.parse(await expectOk(run(["ledger", "heads", "--json"], { cwd: folder, env }))).heads;
  expect(heads.map(({ reason }: { reason: string }) => reason)).toEqual(["shutdown", "crash", "crash", "start"]);
  const db = new Database(join(folder, "home/ledger.db"));
  const seventh = db.query<{ seq: number }, []>("select seq from ledger_entries order by seq limit 1 offset 6").get();
  db.run("update ledger_entries set output_tokens = 1 where seq = ?", [seventh?.seq ?? 0]);
  db.close();
  const { code, out, err } = await run(["ledger", "verify"], { cwd: folder, env });
  expect(code).toBe(1);
  expect(out).toContain(`altered: Row ${seventh?.seq} `);
  // The row, and the sums of its hour.
  expect(out).toContain("sums_altered: ");
  expect(err).toContain("2 findings");
});

test("many rows are gone through in threads, to the same end", async () => {
  const bench = makeBench();
  const { folder } = bench.desk;
  try {
    const count = 60_000;
    await bench.write(async ({ ledger }) => {
      let last = Promise.resolve();
      for (let number = 1; number <= count; number++) {
        last = ledger.add(makeCall(number));
        if (number % 1_000 === 0) await last;
      }
    });
    const place = ["--config", join(folder, "config")];
    expect(await verify(folder, ...place)).toMatchObject({ ok: true, rows: count });
    await bench.tamper("update ledger_entries set cost_nanos = 0 where seq in (7, 20001, 59999)");
    // Across the border of two stretches.
    await bench.tamper("delete from ledger_entries where seq between 49990 and 50010");
    const { findings, rows } = await verify(folder, ...place);
    expect(rows).toBe(count - 21);
    expect(findings.map(({ kind, seq }) => [kind, seq])).toEqual([
      ["altered", 7],
      ["altered", 20_001],
      ["altered", 59_999],
      ["removed", 49_990],
    ]);
  } finally {
    bench.desk.close();
  }
});

test.skipIf(!hasPostgres)(
  "books that are being written to, and are on their way to PostgreSQL, raise no false alarm",
  async () => {
    const dsn = await createDatabase();
    const served = await serve({ config: `ledger_sign_interval = 20ms\nidentity_path = ${dsn}\n` });
    try {
      const { token } = await issueKey(served);
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const body = JSON.stringify({ model: "loopback", messages: [{ role: "user", content: "hi" }] });
      let isOver = false;
      const clients = Array.from({ length: 4 }, async () => {
        while (!isOver)
          await (await fetch(`${served.url}/v1/chat/completions`, { method: "POST", headers, body })).text();
      });
      for (let round = 0; round < 6; round++) {
        const report: Report = JSON.parse((await served.run(["ledger", "verify", "--json"])).out);
        expect(report.findings).toEqual([]);
      }
      isOver = true;
      await Promise.all(clients);
    } finally {
      await served.stop();
    }
  },
);
