// The record of changes in the compiled executable: gateways and commands write one chain at a time, kills leave it whole, and what is done to it
// afterwards is named.

import { describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { type Served, expectOk, issueKey, serve, waitUntil } from "./binary.ts";

const CANARY = "sk-canary-5d1f0c7e9a3b2846";

interface Verified {
  ok: boolean;
  rows: number;
  chains: { database: string; rows: number; signed_to: number }[];
  findings: { kind: string; text: string }[];
  notes: string[];
}

const verify = async (served: Served, ...flags: string[]): Promise<Verified & { code: number }> => {
  const { code, out } = await served.run(["admin", "audit", "verify", "--json", ...flags]);
  return { ...(JSON.parse(out) as Verified), code };
};

const addUser = (served: Served, token: string, name: string): Promise<number> =>
  fetch(`${served.url}/api/v1/admin/users`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ email: `${name}@example.com` }),
  }).then(async (response) => {
    await response.text();
    return response.status;
  });

const readActions = async (served: Served): Promise<string[]> => {
  const out = await expectOk(served.run(["admin", "audit", "list", "--limit", "1000", "--json"]));
  return (JSON.parse(out) as { changes: { action: string }[] }).changes.map(({ action }) => action);
};

describe("the record of changes", () => {
  test("is whole after kills, with what commands and files changed in it, and no secret", async () => {
    let served = await serve();
    const { folder } = served;
    try {
      const { token } = await issueKey(served, "root_admin");
      const made: string[] = [];
      for (let round = 0; round < 3; round++) {
        const asked = Array.from({ length: 20 }, async (_, at) => {
          const name = `r${round}-${at}`;
          // The last ones get no answer.
          if ((await addUser(served, token, name).catch(() => 0)) === 201) made.push(name);
        });
        await Promise.race(asked);
        served.signal("SIGKILL");
        await Promise.all([...asked, served.exited]);
        served = await serve({ folder });
      }
      await expectOk(served.run(["admin", "users", "create", "--email", "by-command@example.com"]));
      const setting = join(folder, "config/setting.ini");
      writeFileSync(setting, `${readFileSync(setting, "utf8")}\nopenai_api_key = ${CANARY}\n`);
      await waitUntil(async () => (await readActions(served)).includes("settings.reload"), "the new file to be read");
      const exported = await expectOk(served.run(["admin", "audit", "export"]));
      for (const name of made) expect(exported).toContain(`${name}@example.com`);
      expect(exported).not.toContain(CANARY);
      expect(exported).not.toContain(token);
      served.signal("SIGTERM");
      await served.exited;
      const verified = await verify(served);
      expect(verified).toMatchObject({ ok: true, code: 0, findings: [] });
      for (const { rows, signed_to: signedTo } of verified.chains) expect(signedTo).toBe(rows);
      const db = new Database(join(folder, "home/identity.db"));
      db.run("delete from audit_changes where seq = (select max(seq) from audit_changes)");
      db.run("update audit_changes set actor_name = 'nobody' where seq = 2");
      db.close();
      const found = await verify(served);
      expect([found.code, found.findings.map(({ kind }) => kind)]).toEqual([1, ["altered", "truncated"]]);
    } finally {
      await served.stop();
    }
  }, 120_000);

  test.skipIf(!hasPostgres)(
    "of two gateways and a command on one PostgreSQL is one chain, which both sign",
    async () => {
      const location = await createDatabase();
      const config = `identity_path = ${location}\nledger_sign_interval = 1s\n`;
      const [first, second] = [await serve({ config }), await serve({ config })];
      try {
        const { token } = await issueKey(first, "root_admin");
        await waitUntil(async () => (await addUser(second, token, "early")) === 201, "the key to be known everywhere");
        const both = Array.from({ length: 30 }, (_, at) => addUser(at % 2 === 0 ? first : second, token, `u${at}`));
        const command = first.run(["admin", "users", "create", "--email", "by-command@example.com"]);
        expect(new Set(await Promise.all(both))).toEqual(new Set([201]));
        await expectOk(command);
        await Promise.all([first.stop(), second.stop()]);
        const rows = await runSql(location, "select seq::int as seq, chain from audit_changes order by seq");
        expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => at + 1));
        expect(new Set(rows.map(({ chain }) => chain)).size).toBe(1);
        const heads = await runSql(location, "select max(seq)::int as seq from audit_heads");
        expect(heads[0]?.["seq"]).toBe(rows.length);
      } finally {
        await Promise.all([first.stop(), second.stop()]);
      }
    },
    120_000,
  );
});
