// Whatever is done to the record of changes behind the gateway's back is found and named: on both engines, row by row.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { makeRecord, type Recorded } from "./record.ts";

/** What is done, and the findings that it must give: kind, first place and last. */
const CASES: Record<string, { statements: string[]; found: [kind: string, from: number, to: number][] }> = {
  "a column is another": {
    statements: ["update audit_changes set actor_name = 'nobody' where seq = 4"],
    found: [["altered", 4, 4]],
  },
  "a name is left out": {
    statements: ["update audit_changes set actor_name = null where seq = 4"],
    found: [["altered", 4, 4]],
  },
  "what there is now is another": {
    statements: [`update audit_changes set after = '{"role":"root_admin"}' where seq = 7`],
    found: [["altered", 7, 7]],
  },
  "what there was is put in": {
    statements: ["update audit_changes set before = '{}' where seq = 7"],
    found: [["altered", 7, 7]],
  },
  "a row is removed": {
    statements: ["delete from audit_changes where seq = 5"],
    found: [["removed", 5, 5]],
  },
  "several are removed": {
    statements: ["delete from audit_changes where seq in (2, 3, 8)"],
    found: [
      ["removed", 2, 3],
      ["removed", 8, 8],
    ],
  },
  "the first is removed": {
    statements: ["delete from audit_changes where seq = 1"],
    found: [["removed", 1, 1]],
  },
  "a row is removed, and those behind it take its place": {
    statements: [
      "delete from audit_changes where seq = 8",
      "update audit_changes set seq = 8 where seq = 9",
      "update audit_changes set seq = 9 where seq = 10",
    ],
    found: [
      ["moved", 8, 8],
      ["moved", 9, 9],
      ["truncated", 10, 10],
    ],
  },
  "two change places": {
    statements: [
      "update audit_changes set seq = 1000 where seq = 3",
      "update audit_changes set seq = 3 where seq = 6",
      "update audit_changes set seq = 6 where seq = 1000",
    ],
    found: [
      ["moved", 3, 3],
      ["moved", 6, 6],
    ],
  },
  "the end is cut off": {
    statements: ["delete from audit_changes where seq > 7"],
    found: [["truncated", 8, 10]],
  },
  "the end is cut off, and the chain says so": {
    statements: [
      "delete from audit_changes where seq > 7",
      "update audit_chain set seq = 7, hash = (select hash from audit_changes where seq = 7)",
    ],
    found: [
      ["truncated", 8, 10],
      ["chain_altered", 7, 10],
    ],
  },
  "all is gone but the heads": {
    statements: ["delete from audit_changes", "delete from audit_chain"],
    found: [
      ["chain_missing", 1, 10],
      ["chain_missing", 1, 10],
    ],
  },
  "a hash is another": {
    statements: ["update audit_changes set hash = 'x' where seq = 4"],
    found: [["altered", 4, 4]],
  },
  "a row is copied behind the end": {
    statements: [
      `insert into audit_changes select 'copy', chain, 11, at, actor, actor_id, actor_name, key_id, address, request_id,
         action, subject_kind, subject_id, "before", "after", previous, hash from audit_changes where seq = 2`,
    ],
    found: [
      ["altered", 11, 11],
      ["inserted", 11, 11],
    ],
  },
  "a row is put into another chain": {
    statements: ["update audit_changes set chain = 'changes-other' where seq = 4"],
    found: [
      ["removed", 4, 4],
      ["inserted", 4, 4],
    ],
  },
  "a head is altered": {
    statements: ["update audit_heads set hash = 'x' where seq = 10"],
    found: [["head_altered", 10, 10]],
  },
  "the newest head is removed": {
    statements: ["delete from audit_heads where seq = 10"],
    found: [["head_missing", 10, 10]],
  },
  "an earlier head is removed": {
    statements: ["delete from audit_heads where seq = 5"],
    found: [["head_missing", 5, 5]],
  },
};

const ENGINES: [string, () => Promise<string | undefined>][] = [
  ["sqlite", () => Promise.resolve(undefined)],
  ...(hasPostgres ? [["postgres", createDatabase] as [string, () => Promise<string>]] : []),
];

describe.each(ENGINES)("on %s", (engine, create) => {
  let record: Recorded;
  beforeEach(async () => {
    record = makeRecord(await create());
    await record.write(5);
    await record.write(5);
  });
  afterEach(() => record.desk.close());

  test("an honest record passes, however it was read before", async () => {
    expect(await record.verify()).toMatchObject({ ok: true, code: 0, rows: 10, findings: [] });
    expect((await record.verify()).chains[0]).toMatchObject({ rows: 10, signed_to: 10 });
  });

  test.each(Object.keys(CASES))("%s", async (name) => {
    const { statements, found } = CASES[name] ?? { statements: [], found: [] };
    for (const statement of statements) await record.tamper(statement);
    const report = await record.verify();
    expect(report.findings.map(({ kind, seq, to_seq }) => [kind, seq, to_seq])).toEqual(found);
    expect([report.ok, report.code]).toEqual([false, 1]);
  });

  test("each column of a row is held", async () => {
    const [row = {}] = await record.query("select * from audit_changes where seq = 6");
    const missed: string[] = [];
    for (const column of Object.keys(row)) {
      const later = engine === "postgres" ? "at + interval '1 millisecond'" : "at + 1";
      const value = column === "at" ? later : TAMPERED[column];
      if (value === undefined) throw new Error(`no other value for ${column}`);
      await record.tamper(`update audit_changes set "${column}" = ${value} where id = '${String(row["id"])}'`);
      if ((await record.verify()).ok) missed.push(column);
      const id = column === "id" ? "tampered" : String(row["id"]);
      await record.tamper(`update audit_changes set "${column}" = ${quote(row[column])} where id = '${id}'`);
    }
    expect(missed).toEqual([]);
    expect(await record.verify()).toMatchObject({ ok: true });
  });

  test("a chain that is made anew from some row on, hashes and all, is not the one that was signed", async () => {
    // Whoever knows how it is sealed can seal it again, but cannot sign it.
    await record.tamper("update audit_changes set actor_name = 'forger' where seq = 9");
    await reseal(record, 9);
    const { findings } = await record.verify();
    expect(findings.map(({ kind, seq, to_seq }) => [kind, seq, to_seq])).toEqual([["rewritten", 6, 10]]);
  });

  test("without the file beside the key the heads of the database still prove a cut", async () => {
    record.writeHeads("");
    await record.tamper("delete from audit_changes where seq > 7");
    await record.tamper("update audit_chain set seq = 7, hash = (select hash from audit_changes where seq = 7)");
    expect((await record.verify()).findings.map(({ kind }) => kind)).toEqual(["truncated", "chain_altered"]);
  });

  test("with nothing left in the database the file beside the key still proves it", async () => {
    for (const table of ["audit_changes", "audit_chain", "audit_heads"]) await record.tamper(`delete from ${table}`);
    const { findings } = await record.verify();
    expect(findings.map(({ kind, to_seq }) => [kind, to_seq])).toEqual([["chain_missing", 10]]);
    expect(findings[0]?.text).toContain("ledger.changes.jsonl");
  });

  test("heads of a stranger's key are told, and refused where the key is given", async () => {
    const mine = await record.desk.run(["ledger", "key"]);
    const path = record.desk.write("mine.pem", mine.out);
    expect(await record.verify("--public-key", path)).toMatchObject({ ok: true });
    const other = makeRecord();
    await other.write(1);
    const theirs = other.desk.write("theirs.pem", (await other.desk.run(["ledger", "key"])).out);
    const { findings } = await record.verify("--public-key", theirs);
    expect(findings.map(({ kind }) => kind)).toEqual(["key_unknown", "key_unknown"]);
    other.desk.close();
  });

  test(`rows that nobody signed yet are told of (${engine})`, async () => {
    await record.write(2, false);
    const { notes, ok } = await record.verify();
    expect([ok, notes[0]]).toEqual([
      true,
      "Rows 11 to 12 are not signed yet (identity database): a gateway signs every ledger_sign_interval (1m unless set), and at once when it is stopped or started.",
    ]);
  });
});

/** Another value for each column, such that the row stays where it can be found. */
const TAMPERED: Record<string, string> = {
  id: "'tampered'",
  chain: "'changes-tampered'",
  seq: "600",
  actor: "'user'",
  actor_id: "'x'",
  actor_name: "'x'",
  key_id: "'x'",
  address: "'x'",
  request_id: "'x'",
  action: "'user.update'",
  subject_kind: "'key'",
  subject_id: "'x'",
  before: "'{}'",
  after: "'{}'",
  previous: "'x'",
  hash: "'x'",
};

function quote(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  return `'${value instanceof Date ? value.toISOString() : JSON.stringify(value).replaceAll("'", "''")}'`;
}

/** As the gateway would have sealed it. */
async function reseal(record: Recorded, from: number): Promise<void> {
  await record.desk.withStore(async (store) => {
    const { linkChange } = await import("../../../src/lib/change.ts");
    const [chain] = store.changes.chains;
    const state = await chain?.state();
    if (chain === undefined || state === null || state === undefined) throw new Error("there is no chain");
    const rows = await chain.rows(state.chain, from - 2, 100);
    let previous = rows[0]?.hash ?? "";
    for (const row of rows.slice(1)) {
      const hash = linkChange({ ...row, previous });
      await record.tamper(`update audit_changes set previous = '${previous}', hash = '${hash}' where seq = ${row.seq}`);
      previous = hash;
    }
    await record.tamper(`update audit_chain set hash = '${previous}'`);
  });
}
