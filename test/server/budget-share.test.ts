// Budgets under a thousand calls at once, in one gateway and in three that share a database: never more than one reservation beyond the limit,
// and nothing left lying where somebody needs it.

import { afterEach, describe, expect, test } from "bun:test";
import { createBudgetSums, makePlace } from "../../src/ledger/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { makeBudget } from "../ledger/budget/sample.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { type Rig, type TestClock, makeConfig, makeRig, readJson } from "../rig.ts";

const CALLS = 1_000;
const INPUT = 10;
const OUTPUT = 30;
const MAX_TOKENS = 100;
const ASK = { model: "gpt-4o", max_tokens: MAX_TOKENS, messages: [{ role: "user", content: "Hi" }] };
/** What is reserved for one: the output limit, and rather too much than too little for the question. */
const MOST_RESERVED = MAX_TOKENS + 40;

/** Several gateways wait for each other. */
const realClock: TestClock = {
  ...systemClock,
  advance() {
    throw new Error("this clock goes by itself");
  },
};

/** Providers that answer nobody before everybody is there. */
function createGate() {
  let opened = Promise.withResolvers<void>();
  let missing = 0;
  /** One more is there, or will never be. */
  const count = (): void => {
    missing--;
    if (missing === 0) opened.resolve();
  };
  return {
    /** None: nobody waits for anybody. */
    expect(calls: number): void {
      missing = calls;
      opened = Promise.withResolvers<void>();
      if (calls === 0) opened.resolve();
    },
    count,
    async answer(): Promise<Response> {
      count();
      await opened.promise;
      return Response.json({
        id: "chatcmpl-1",
        object: "chat.completion",
        created: 1,
        model: "gpt-4o",
        choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
        usage: { prompt_tokens: INPUT, completion_tokens: OUTPUT, total_tokens: INPUT + OUTPUT },
      });
    },
  };
}

const rigs: Rig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.close();
});

interface Field {
  gateways: Rig[];
  gate: ReturnType<typeof createGate>;
  token: string;
  admin: string;
}

async function open(location: { identityPath: string; ledgerPath: string }, count: number): Promise<Field> {
  const gate = createGate();
  const gateways: Rig[] = [];
  for (let index = 0; index < count; index++) {
    const rig = await makeRig({
      upstream: ({ method }) => (method === "POST" ? gate.answer() : Response.json({ object: "list", data: [] })),
      clock: realClock,
      config: (config) => ({ ...config, ...location }),
    });
    rigs.push(rig);
    gateways.push(rig);
    rig.budgets.start();
  }
  const [first] = gateways;
  if (first === undefined) throw new Error("there is no gateway");
  const { token } = await first.issue();
  return { gateways, gate, token, admin: (await first.issue("gateway_admin")).token };
}

async function create({ gateways, admin }: Field, body: Record<string, unknown>): Promise<string> {
  const response = await gateways[0]?.send("/api/v1/admin/budgets", { body, token: admin });
  const { budget } = await readJson(response ?? new Response("{}"));
  for (const { budgets } of gateways) await budgets.refresh();
  return budget.id;
}

/** So many calls at once, spread over the gateways; where they wait for each other, the providers answer once all are either there or refused. */
async function storm({ gateways, gate, token }: Field, calls: number, waits: boolean): Promise<number> {
  let through = 0;
  gate.expect(waits ? calls : 0);
  const running = Array.from({ length: calls }, async (_, index) => {
    const response = await gateways[index % gateways.length]?.chat(ASK, { token });
    await response?.text();
    if (response?.status === 200) through++;
    else if (response?.status === 429) gate.count();
    else throw new Error(`status ${response?.status}`);
  });
  await Promise.all(running);
  return through;
}

/** Of all rows, whoever wrote them. */
async function sumRows({ gateways }: Field): Promise<number> {
  const place = makePlace(makeBudget(), { startMs: 0, endMs: Number.POSITIVE_INFINITY });
  // Each gateway's reading waits for its own rows.
  let total = 0;
  for (const { store } of [...gateways, ...gateways]) {
    const sums = await createBudgetSums(store.budgets).read(place);
    total = sums.reduce((sum, { spent }) => sum + spent, 0);
  }
  return total;
}

async function checkStorms(field: Field, limit: number): Promise<void> {
  const id = await create(field, { name: "all", limit_tokens: limit });
  const first = await storm(field, CALLS, true);
  const spent = await sumRows(field);
  expect(spent).toBe(first * (INPUT + OUTPUT));
  // What was reserved at once stayed within the limit and one reservation.
  expect(first * MAX_TOKENS).toBeLessThanOrEqual(limit + MOST_RESERVED);
  expect(first).toBeGreaterThan((limit / MOST_RESERVED) * 0.9);
  // What was not used is there for others: until the limit itself is reached.
  for (let round = 0; (await storm(field, 60, false)) > 0 || (await hasMore(field, id)); round++)
    expect(round).toBeLessThan(100);
  const total = await sumRows(field);
  expect(total).toBeGreaterThan(limit - MOST_RESERVED);
  expect(total).toBeLessThanOrEqual(limit + MOST_RESERVED);
  expect(await look(field, id)).toMatchObject({ spent_tokens: total, reserved_tokens: 0 });
}

/** What each of them knows, told to the others; as the last of them sees it. */
async function look({ gateways, admin }: Field, id: string) {
  let state = null;
  for (const { send } of [...gateways, ...gateways]) {
    ({ state } = (await readJson(await send(`/api/v1/admin/budgets/${id}`, { token: admin }))).budget);
  }
  return state;
}

/** A whole round was refused: it may be that one of them had not heard yet what fell free elsewhere. */
async function hasMore(field: Field, id: string): Promise<boolean> {
  return (await look(field, id)).remaining_tokens > 0;
}

describe("a thousand calls at once", () => {
  test("in one gateway on SQLite", async () => {
    const other = makeConfig((await makeRigFolder()).config.home);
    await checkStorms(await open({ identityPath: other.identityPath, ledgerPath: other.ledgerPath }, 1), 20_000);
  }, 180_000);

  test("in two processes' worth of gateways on one SQLite file", async () => {
    const other = makeConfig((await makeRigFolder()).config.home);
    await checkStorms(await open({ identityPath: other.identityPath, ledgerPath: other.ledgerPath }, 2), 20_000);
  }, 180_000);

  test.if(hasPostgres)(
    "in three gateways on PostgreSQL",
    async () => {
      const dsn = await createDatabase();
      await checkStorms(await open({ identityPath: dsn, ledgerPath: dsn }, 3), 20_000);
    },
    180_000,
  );
});

/** A place for files that outlives the gateways on it. */
async function makeRigFolder(): Promise<Rig> {
  const rig = await makeRig();
  rigs.unshift(rig);
  rigs.push(...rigs.splice(0, 1));
  return rig;
}
