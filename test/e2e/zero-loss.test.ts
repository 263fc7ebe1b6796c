// kill -9 under load: every answer that a client saw complete has exactly one row, streams included, on both engines.

import { Database } from "bun:sqlite";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { expectOk, issueKey, makeFolder, run, serve } from "./binary.ts";
import { killAgainAndAgain } from "./kill.ts";
import { rm } from "node:fs/promises";

const ROUNDS = 3;
const CLIENTS = 12;
/** Answers to see before the kill, a different number each round: the moment is what matters, not the time. */
const AFTER = [7, 60, 301];

interface Seen {
  complete: Set<string>;
}

/** One client: asks again and again until the server is gone; remembers what it saw complete. */
async function ask(url: string, token: string, seen: Seen, stream: boolean, onAnswer: () => void): Promise<void> {
  for (let turn = 0; ; turn++) {
    const id = `${stream ? "s" : "p"}-${Bun.randomUUIDv7()}`;
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "x-request-id": id },
        body: JSON.stringify({ model: "loopback", stream, messages: [{ role: "user", content: `turn ${turn}` }] }),
      });
      const text = await response.text();
      if (response.status !== 200) throw new Error(text);
      if (stream ? !text.endsWith("data: [DONE]\n\n") : !text.endsWith("}")) return;
    } catch (error) {
      // The connection of the killed server; anything that it said is no answer.
      if (error instanceof SyntaxError) throw error;
      return;
    }
    seen.complete.add(id);
    onAnswer();
  }
}

async function killUnderLoad(env: Record<string, string>, folder: string): Promise<Set<string>> {
  const seen: Seen = { complete: new Set() };
  for (let round = 0; round < ROUNDS; round++) {
    const gateway = await serve({ folder, env });
    const { token } = await issueKey(gateway);
    let answers = 0;
    const onAnswer = (): void => {
      answers++;
      if (answers === AFTER[round]) gateway.signal("SIGKILL");
    };
    await Promise.all(
      Array.from({ length: CLIENTS }, (_, index) => ask(gateway.url, token, seen, index % 3 === 0, onAnswer)),
    );
    await gateway.exited;
  }
  return seen.complete;
}

function checkRows(complete: Set<string>, rows: { request_id: string; rows: number }[]): void {
  const byId = new Map(rows.map((row) => [row.request_id, Number(row.rows)]));
  const lost = [...complete].filter((id) => !byId.has(id));
  const doubled = rows.filter((row) => Number(row.rows) !== 1);
  expect({ lost, doubled }).toEqual({ lost: [], doubled: [] });
  expect(complete.size).toBeGreaterThan(AFTER.at(-1) ?? 0);
}

const COUNT = "select request_id, count(*) as rows from ledger_entries group by request_id";

describe("kill -9", () => {
  test("SQLite", async () => {
    const folder = makeFolder();
    const complete = await killUnderLoad({}, folder);
    // What the last one wrote to its journal is bound by whoever comes next, be it a command.
    await expectOk(
      run(["usage", "summary"], { cwd: folder, env: { HOME: folder, TOKLIGENCE_HOME: join(folder, "home") } }),
    );
    const db = new Database(join(folder, "home/ledger.db"), { readonly: true });
    expect(db.query<{ integrity_check: string }, []>("pragma integrity_check").get()?.integrity_check).toBe("ok");
    checkRows(complete, db.query<{ request_id: string; rows: number }, []>(COUNT).all());
    db.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  test.skipIf(!hasPostgres)(
    "PostgreSQL",
    async () => {
      const folder = makeFolder();
      const dsn = await createDatabase();
      const env = { TOKLIGENCE_IDENTITY_PATH: dsn };
      const complete = await killUnderLoad(env, folder);
      // What the last one left in its outbox goes on to the database after the next start.
      const next = await serve({ folder, env });
      next.signal("SIGTERM");
      await next.exited;
      checkRows(complete, (await runSql(dsn, COUNT)) as unknown as { request_id: string; rows: number }[]);
      await rm(folder, { recursive: true, force: true });
    },
    60_000,
  );
});

describe("kill -9 at random moments, with streams, plain calls, clients that hang up and providers that fail", () => {
  const seed = Number(process.env["TOKLIGENCE_SEED"] ?? Math.floor(Math.random() * 1e6));
  const kills = 8;
  const check = async (dsn: string | null): Promise<void> => {
    const folder = makeFolder();
    const report = await killAgainAndAgain({ seed, kills, folder, dsn });
    expect({ seed, ...report }).toMatchObject({
      seed,
      unsettled: [],
      unbooked: [],
      unlisted: [],
      doubled: [],
      openIntents: 0,
      brokenChains: [],
    });
    expect(Math.min(report.complete, report.called)).toBeGreaterThan(kills);
    await rm(folder, { recursive: true, force: true });
  };
  test("SQLite", () => check(null), 60_000);
  test.skipIf(!hasPostgres)("PostgreSQL", async () => check(await createDatabase()), 60_000);
});

test("a second server on the same database goes on where the first was killed", async () => {
  const folder = makeFolder();
  const first = await serve({ folder });
  const { token } = await issueKey(first);
  first.signal("SIGKILL");
  await first.exited;
  const second = await serve({ folder });
  expect((await fetch(`${second.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  await expectOk(second.run(["usage", "summary"]));
  await second.stop();
  await rm(folder, { recursive: true, force: true });
});
