// Budgets as the configuration declares them: sections, variables, and what is refused by its line.

import { describe, expect, test } from "bun:test";
import { diffReload } from "../../src/config/index.ts";
import { findOrigin, load, loadProblems } from "./scene.ts";

const ini = (...lines: string[]) => ({ files: { "config/setting.ini": lines.join("\n") } });

describe("[budget.NAME]", () => {
  test("says what the flags of the command say", async () => {
    const loaded = await load(
      ini(
        "[budget.team]",
        "user=ada@example.com",
        "provider=OpenAI",
        "model=gpt-4o*",
        "tag=night",
        "each=key",
        "limit_usd=12.50",
        "soft_usd=10",
        "period=week",
        "time_zone=Europe/Berlin",
        "mode=shadow",
        "unpriced=allow",
        "alerts=50, 90%",
        "[budget.all]",
        "limit_tokens=1000",
      ),
    );
    expect(loaded.config.budgets.declared).toEqual([
      {
        name: "team",
        user: "ada@example.com",
        apiKey: null,
        provider: "openai",
        model: "gpt-4o*",
        tag: "night",
        each: "key",
        unit: "usd",
        hardLimit: 12_500_000_000,
        softLimit: 10_000_000_000,
        period: "week",
        timeZone: "Europe/Berlin",
        mode: "shadow",
        unpriced: "allow",
        alertPercents: [50, 90],
      },
      expect.objectContaining({
        name: "all",
        unit: "tokens",
        hardLimit: 1000,
        period: "month",
        alertPercents: [80, 100],
      }),
    ]);
    expect(findOrigin(loaded, "budget.team.limit_usd")).toBe("config/setting.ini:7");
  });

  test("variables overrule it, and declare one of their own", async () => {
    const { config, warnings } = await load({
      ...ini("[budget.my-team]", "limit_usd=1"),
      env: {
        TOKLIGENCE_BUDGET_MY_TEAM_LIMIT_USD: "2",
        TOKLIGENCE_BUDGET_MY_TEAM_SOFT_USD: "1",
        TOKLIGENCE_BUDGET_OTHER_LIMIT_TOKENS: "7",
        TOKLIGENCE_BUDGET_DEFAULT_OUTPUT_TOKENS: "9",
      },
    });
    expect(config.budgets.declared.map(({ name, hardLimit, softLimit }) => [name, hardLimit, softLimit])).toEqual([
      ["my-team", 2e9, 1e9],
      ["other", 7, null],
    ]);
    expect(config.budgets.defaultOutputTokens).toBe(9);
    expect(warnings).toEqual([]);
  });

  test("is a change of its own, and takes effect at once", async () => {
    const [before, after] = await Promise.all([
      load(ini("[budget.a]", "limit_usd=1")),
      load(ini("[budget.a]", "limit_usd=2")),
    ]);
    expect(diffReload(before.config, after.config)).toEqual({ changes: ["budgets"], needRestart: [] });
  });

  test.each([
    [["[budget.a]", "period=day"], "config/setting.ini:1: [budget.a]: A budget needs a limit"],
    [["[budget.a]", "limit_usd=ten"], "config/setting.ini:2: [budget.a]: limit_usd must be dollars"],
    [["[budget.a]", "limit_usd=0.0000000001"], "limit_usd has at most 9 decimals"],
    [["[budget.a]", "limit_usd=1", "soft_usd=x"], "config/setting.ini:3: [budget.a]: soft_limit_usd must be dollars"],
    [["[budget.a]", "limit_tokens=1e6"], '"1e6" is no whole number'],
    [["[budget.a]", "limit_usd=1", "limit_tokens=1"], "in dollars or in tokens"],
    [["[budget.a]", "limit_usd=1", "period=year"], "config/setting.ini:3: [budget.a]: period must be one of minute"],
    [["[budget.a]", "limit_usd=1", "time_zone=Mars"], 'no time zone "Mars"'],
    [["[budget.a]", "limit_usd=1", "mode=on"], "mode must be one of enforce, shadow"],
    [["[budget.a]", "limit_usd=1", "alerts=most"], '"most" is no whole number'],
    [["[budget.a]", "limit_us=1"], 'did you mean "limit_usd"'],
    [["[budget.A b]", "limit_usd=1"], "a budget's name consists of"],
    [["[budgets.a]", "limit_usd=1"], "[budget.a]"],
  ])("%j is refused", async (lines, message) => {
    expect((await loadProblems(ini(...lines))).text).toContain(message);
  });
});
