// Budgets in the compiled executable: a kill leaves no reservation behind, the count goes on where the ledger stands, and what the command line
// changes is in force at once.

import { Database } from "bun:sqlite";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { createDatabase, hasPostgres, runSql } from "../postgres.ts";
import { type Served, expectOk, issueKey, makeFolder, serve, waitUntil } from "./binary.ts";
import { startUpstream } from "./upstream.ts";

const LIMIT = 1_000;
const ASK = { model: "gpt-4o", max_tokens: 300, messages: [{ role: "user", content: "Hi" }] };
const ANSWER = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "gpt-4o",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 60, completion_tokens: 40, total_tokens: 100 },
};

/** Answers at once until it is told to keep everybody waiting. */
function openProvider() {
  let isSlow = false;
  const upstream = startUpstream(() => (isSlow ? new Promise<Response>(() => undefined) : Response.json(ANSWER)));
  return {
    config: `openai_base_url = ${upstream.url}/v1\nopenai_api_key = sk-test\n`,
    waiting: () => upstream.calls.length,
    slow(value: boolean): void {
      isSlow = value;
      upstream.calls.length = 0;
    },
    close: upstream.stop,
  };
}

function ask({ url }: Served, token: string): Promise<number> {
  return fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(ASK),
  }).then(
    async (response) => {
      await response.text();
      return response.status;
    },
    () => 0,
  );
}

async function readOwn({ url }: Served, token: string): Promise<string> {
  return (await fetch(`${url}/api/v1/budgets`, { headers: { authorization: `Bearer ${token}` } })).text();
}

async function show(gateway: Served): Promise<{ spent_tokens: number; reserved_tokens: number }> {
  const printed = await expectOk(gateway.run(["admin", "budgets", "show", "--id", "team", "--json"]));
  return JSON.parse(printed).states[0];
}

async function killAndCount(env: Record<string, string>, sum: (folder: string) => Promise<number>): Promise<void> {
  const folder = makeFolder();
  const provider = openProvider();
  const start = (): Promise<Served> => serve({ folder, env, config: provider.config });
  let gateway = await start();
  const { token } = await issueKey(gateway);
  const create = ["admin", "budgets", "create", "--name", "team", "--limit-tokens", String(LIMIT), "--period", "month"];
  await expectOk(gateway.run(create));
  // In force within a second, without a word to the server.
  await waitUntil(async () => (await readOwn(gateway, token)).includes("team"), "the budget to be known");
  for (let turn = 0; turn < 3; turn++) expect(await ask(gateway, token)).toBe(200);
  // More than is left is reserved by calls that never come back.
  provider.slow(true);
  const lost = Array.from({ length: 3 }, () => ask(gateway, token));
  await waitUntil(() => provider.waiting() === 3, "the calls to reach the provider");
  expect(await ask(gateway, token)).toBe(429);
  gateway.signal("SIGKILL");
  await Promise.all([...lost, gateway.exited]);
  provider.slow(false);
  gateway = await start();
  // All 700 that are left are there again.
  const statuses: number[] = [];
  for (let turn = 0; turn < 9; turn++) statuses.push(await ask(gateway, token));
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 429, 429]);
  await gateway.stop();
  expect(await sum(folder)).toBe(LIMIT);
  expect(await show(gateway)).toMatchObject({ spent_tokens: LIMIT, reserved_tokens: 0 });
  await provider.close();
  rmSync(folder, { recursive: true, force: true });
}

const SUM =
  "select sum(coalesce(fresh_input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(output_tokens, 0)) as total from ledger_entries";

describe("kill -9 with calls under way", () => {
  test("SQLite", async () => {
    await killAndCount({}, async (folder) => {
      const db = new Database(join(folder, "home/ledger.db"), { readonly: true });
      const row = db.query<{ total: number }, []>(SUM).get();
      db.close();
      return row?.total ?? 0;
    });
  }, 60_000);

  test.if(hasPostgres)(
    "PostgreSQL",
    async () => {
      const dsn = await createDatabase();
      await killAndCount({ TOKLIGENCE_IDENTITY_PATH: dsn }, async () => Number((await runSql(dsn, SUM))[0]?.["total"]));
    },
    60_000,
  );
});

test("a threshold is told by webhook, once, across a restart", async () => {
  const folder = makeFolder();
  const provider = openProvider();
  const told: Record<string, unknown>[] = [];
  const webhook = startUpstream(({ body }) => {
    told.push(body);
    return new Response(null, { status: 204 });
  });
  const config = `${provider.config}budget_alerts = log, ${webhook.url}/alerts\n`;
  let gateway = await serve({ folder, config });
  const { token } = await issueKey(gateway);
  const limits = ["--limit-tokens", "1000", "--alerts", "10,15", "--period", "day", "--time-zone", "America/New_York"];
  await expectOk(gateway.run(["admin", "budgets", "create", "--name", "watched", ...limits]));
  await waitUntil(async () => (await readOwn(gateway, token)).includes("watched"), "the budget to be known");
  expect(await ask(gateway, token)).toBe(200);
  await waitUntil(() => told.length === 1, "the alert");
  await gateway.stop();
  gateway = await serve({ folder, config });
  expect(await ask(gateway, token)).toBe(200);
  await waitUntil(() => told.length === 2, "the second alert");
  expect(told.map((notice) => JSON.stringify(notice))).toEqual([
    expect.stringContaining('"threshold":"10"'),
    expect.stringContaining('"threshold":"15"'),
  ]);
  await gateway.stop();
  await Promise.all([provider.close(), webhook.stop()]);
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

test("what the configuration declares is in force at the start, follows the file, and is not to be changed elsewhere", async () => {
  const provider = openProvider();
  const gateway = await serve({ config: `${provider.config}[budget.team]\nlimit_tokens=150\n` });
  try {
    const { token } = await issueKey(gateway);
    // 100 tokens each, and the second one is the last that may reach beyond the limit.
    expect([await ask(gateway, token), await ask(gateway, token), await ask(gateway, token)]).toEqual([200, 200, 429]);
    const refused = await gateway.run(["admin", "budgets", "update", "--id", "team", "--limit-tokens", "9000"]);
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain("declared in the gateway's configuration");
    const path = join(gateway.folder, "config/setting.ini");
    await Bun.write(path, (await Bun.file(path).text()).replace("limit_tokens=150", "limit_tokens=1000"));
    await waitUntil(async () => (await ask(gateway, token)) === 200, "the file to be read again");
    await Bun.write(path, (await Bun.file(path).text()).replace("[budget.team]\nlimit_tokens=1000", ""));
    await waitUntil(async () => !(await readOwn(gateway, token)).includes("team"), "the budget to be lifted");
  } finally {
    await gateway.stop();
    await provider.close();
  }
});

test("a new price for what was booked counts in a gateway that runs", async () => {
  const provider = openProvider();
  const gateway = await serve({ config: `${provider.config}[budget.team]\nlimit_usd=0.05\n` });
  try {
    const { token } = await issueKey(gateway);
    expect(await ask(gateway, token)).toBe(200);
    expect(await readOwn(gateway, token)).toContain('"spent_usd":"0.00055"');
    const path = join(gateway.folder, "config/setting.ini");
    const dear = "[price.dear]\nmodel=gpt-4o*\ninput=1000\noutput=1000\n";
    await Bun.write(path, `${await Bun.file(path).text()}${dear}`);
    await expectOk(gateway.run(["ledger", "reprice", "--from", "1d"]));
    await waitUntil(async () => (await readOwn(gateway, token)).includes('"spent_usd":"0.1"'), "the price to count");
    expect(await ask(gateway, token)).toBe(429);
  } finally {
    await gateway.stop();
    await provider.close();
  }
});
