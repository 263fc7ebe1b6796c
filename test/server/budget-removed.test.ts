// Budgets whose windows began before rows that are gone by age: what they count of these, and that they say where they count none. On both engines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { sumRemains } from "../../src/ledger/index.ts";
import { makeEntry } from "../ledger/entry.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { makeClock, type Rig, makeRig, readJson } from "../rig.ts";

const at = (hour: number): Date => new Date(Date.UTC(2026, 0, 1, hour));
const REMOVED = at(4).toISOString();
const TOKENS = 15;

describe.each(["sqlite", ...(hasPostgres ? ["postgres"] : [])])("on %s", (engine) => {
  let rig: Rig;
  let token: string;
  beforeAll(async () => {
    const dsn = engine === "postgres" ? await createDatabase() : null;
    const clock = makeClock();
    clock.advance(Date.UTC(2026, 1, 10) - clock.wallMs());
    rig = await makeRig({
      clock,
      config: (base) => (dsn === null ? base : { ...base, identityPath: dsn, ledgerPath: dsn }),
    });
    ({ token } = await rig.issue("gateway_admin"));
    for (let hour = 0; hour < 8; hour++) await rig.ledger.add(makeEntry({ createdAt: at(hour) }));
  });
  afterAll(() => rig.close());

  const path = "/api/v1/admin/budgets";
  const create = async (name: string, more: object): Promise<[removed: string | undefined, tokens: number]> => {
    const body = { name, limit_tokens: 1_000, period: "lifetime", ...more };
    const { budget } = await readJson(await rig.send(path, { body, token }));
    return [budget.rows_removed_before, budget.state.spent_tokens];
  };

  test("one that was there before has counted all of them, whatever it is for", async () => {
    expect(await create("early", { model: "gpt-*" })).toEqual([undefined, 8 * TOKENS]);
    const { ledger, arrive } = rig.store;
    await arrive();
    while ((await ledger.rollUp(100)).rows > 0);
    for (const cut of await ledger.findCuts(at(4))) await ledger.dropRows(cut, 100, sumRemains);
    const { budget, states } = await readJson(await rig.send(`${path}/early`, { token }));
    expect(budget).not.toHaveProperty("rows_removed_before");
    expect(states).toMatchObject([{ spent_tokens: 8 * TOKENS }]);
  });

  test("one that is made afterwards counts what sums tell of them, and of patterns of models says that it does not", async () => {
    expect(await create("all", {})).toEqual([undefined, 8 * TOKENS]);
    expect(await create("provider", { provider: "openai" })).toEqual([undefined, 8 * TOKENS]);
    expect(await create("model", { model: "gpt-*" })).toEqual([REMOVED, 4 * TOKENS]);
    // Its window began when they were gone already.
    expect(await create("month", { model: "gpt-*", period: "month" })).toEqual([undefined, 0]);

    const saying = async (where: string): Promise<(string | undefined)[]> => {
      const { budgets } = await readJson(await rig.send(where, { token }));
      const said = (name: string) => budgets.find((budget: { name: string }) => budget.name === name);
      return ["early", "all", "model", "month"].map((name) => said(name).rows_removed_before);
    };
    for (const where of [path, "/api/v1/budgets"])
      expect(await saying(where)).toEqual([undefined, undefined, REMOVED, undefined]);
    const { budget } = await readJson(await rig.send(`${path}/model`, { token }));
    expect(budget.rows_removed_before).toBe(REMOVED);
  });

  test("the reference says so", async () => {
    const { components } = await readJson(await rig.send("/openapi.json", { token }));
    for (const shape of ["Budget", "OwnBudget"])
      expect(components.schemas[shape].properties).toHaveProperty("rows_removed_before");
    expect(components.schemas.BudgetRule.properties).not.toHaveProperty("rows_removed_before");
  });
});
