// `admin budgets …` on a database of its own: made, shown with what the ledger says, changed, and lifted.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { sumRemains } from "../../src/ledger/index.ts";
import { makeEntry } from "../ledger/entry.ts";
import { type Desk, makeDesk } from "./desk.ts";

interface BudgetJson {
  id: string;
  name: string;
  [field: string]: unknown;
}

let desk: Desk;
beforeEach(async () => {
  desk = makeDesk();
  await desk.read("admin users create --email ana@example.com");
});
afterEach(() => desk.close());

const create = async (flags: string): Promise<BudgetJson> =>
  (await desk.read<{ budget: BudgetJson }>(`admin budgets create ${flags}`)).budget;
const show = (id: string) => desk.read<{ budget: BudgetJson; states: BudgetJson[] }>(`admin budgets show --id ${id}`);

describe("admin budgets", () => {
  test("are made as they are asked for, by dollars that no float has touched", async () => {
    const budget = await create(
      "--name team --limit-usd 12.345678901 --soft-usd 10 --period week --time-zone Europe/Berlin --user ana@example.com --model gpt-*",
    );
    expect(budget).toMatchObject({
      name: "team",
      unit: "usd",
      limit_nanos: 12_345_678_901,
      limit_usd: "12.345678901",
      soft_limit_usd: "10",
      period: "week",
      time_zone: "Europe/Berlin",
      model: "gpt-*",
      mode: "enforce",
      unpriced: "refuse",
      alert_percents: [80, 100],
    });
    expect(typeof budget["user_id"]).toBe("string");
  });

  test("say where no provider has the name that they are for", async () => {
    const made = await desk.run("admin budgets create --name one --limit-usd 1 --provider opnai");
    expect([made.code, made.err]).toEqual([EXIT.ok, expect.stringContaining("no provider here is called opnai")]);
    const known = await desk.run("admin budgets create --name two --limit-usd 1 --provider openai");
    expect(known.err).not.toContain("no provider");
  });

  test("show what the ledger says of the present window, and of each subject", async () => {
    await create("--name total --limit-tokens 1000 --period day");
    await create("--name each --limit-tokens 1000 --period day --each user");
    const entry = { freshInputTokens: 30, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 12 };
    await desk.withStore(({ ledger }) =>
      ledger.append([
        makeEntry({ ...entry, createdAt: new Date() }),
        // Of another window.
        makeEntry({ ...entry, createdAt: new Date(Date.now() - 3 * 86_400_000) }),
      ]),
    );
    const { states } = await show("total");
    expect(states).toMatchObject([{ spent_tokens: 42, remaining_tokens: 958, reserved_tokens: 0 }]);
    expect((await show("each")).states).toEqual([]);
    const listed = await desk.read<{ budgets: BudgetJson[] }>("admin budgets list");
    expect(listed.budgets.map(({ name, state }) => [name, state === null])).toEqual([
      ["total", false],
      ["each", true],
    ]);
    const { out } = await desk.run("admin budgets list");
    expect(out).toContain("1000 tokens");
    expect((await desk.run("admin budgets show --id total")).out).toContain("remaining_tokens");
  });

  test("say that rows were gone which no sum tells of to them", async () => {
    const old = new Date(Date.now() - 9 * 86_400_000);
    await desk.withStore(async ({ ledger }) => {
      await ledger.append([
        makeEntry({ createdAt: old, chain: "c", seq: 1, hash: "" } as Parameters<typeof makeEntry>[0]),
      ]);
      while ((await ledger.rollUp(100)).rows > 0);
      for (const cut of await ledger.findCuts(new Date(old.getTime() + 1))) await ledger.dropRows(cut, 100, sumRemains);
    });
    const lines = ["create --name team --limit-usd 1 --period lifetime --model gpt-*", "list", "show --id team"];
    for (const line of [...lines, "update --id team --limit-usd 2"]) {
      const { err } = await desk.run(`admin budgets ${line}`);
      expect([line, err]).toEqual([line, expect.stringContaining("what is spent of team lacks rows from before")]);
    }
    const { budgets } = await desk.read<{ budgets: BudgetJson[] }>("admin budgets list");
    expect(budgets[0]).toHaveProperty("rows_removed_before", new Date(old.getTime() + 1).toISOString());
    expect((await desk.run("admin budgets create --name all --limit-usd 1 --period lifetime")).err).toBe("");
  });

  test("are listed by whom they concern", async () => {
    await create("--name hers --limit-usd 1 --user ana@example.com");
    await create("--name all --limit-usd 1 --tag team=a");
    const listed = async (flags: string) =>
      (await desk.read<{ budgets: BudgetJson[] }>(`admin budgets list ${flags}`)).budgets.map(({ name }) => name);
    expect(await listed("--user ana@example.com")).toEqual(["hers"]);
    expect(await listed("--tag team=a")).toEqual(["all"]);
    expect(await listed("--model gpt-4o")).toEqual([]);
  });

  test("are changed in what they allow, and not in what they count", async () => {
    await create("--name team --limit-usd 1");
    expect((await desk.run("admin budgets update --id team --limit-usd 2 --mode shadow --alerts 50")).code).toBe(
      EXIT.ok,
    );
    const { budget } = await show("team");
    expect(budget).toMatchObject({ limit_usd: "2", mode: "shadow", alert_percents: [50] });
    const other = await desk.run("admin budgets update --id team --limit-tokens 5");
    expect(other.code).not.toBe(EXIT.ok);
    expect(other.err).toContain("This budget is in usd");
    expect((await desk.run("admin budgets update --id team --limit-usd none")).err).toContain("needs a limit");
    expect((await desk.run("admin budgets update --id team --period day")).code).toBe(EXIT.usage);
  });

  test("are gone once they are deleted, and their names free", async () => {
    await create("--name team --limit-usd 1");
    expect((await desk.run("admin budgets create --name team --limit-usd 1")).err).toContain("already");
    expect((await desk.run("admin budgets delete --id team")).out).toContain("(team)");
    expect((await desk.run("admin budgets show --id team")).code).toBe(EXIT.notFound);
    await create("--name team --limit-tokens 1");
  });

  test.each([
    ["--name x", "needs a limit"],
    ["--name x --limit-usd one", "dollars"],
    ["--name x --limit-tokens 1.5", "--limit-tokens"],
    ["--name x --limit-usd 1 --period year", "period"],
    ["--name x --limit-usd 1 --time-zone Mars", "time zone"],
    ["--name x --limit-usd 1 --user nobody@example.com", "no such user"],
    ["--name x --limit-usd 1 --key none", "no such API key"],
    ["--name x --limit-usd 1 --alerts 80,much", "alert_percents"],
  ])("refuses %s", async (flags, said) => {
    const { code, err } = await desk.run(`admin budgets create ${flags}`);
    expect(code).not.toBe(EXIT.ok);
    expect(err).toContain(said);
  });
});
