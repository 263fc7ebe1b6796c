// Rate limits as the configuration declares them: sections, variables, and what is refused by its line.

import { describe, expect, test } from "bun:test";
import { diffReload } from "../../src/config/index.ts";
import { findOrigin, load, loadProblems } from "./scene.ts";

const ini = (...lines: string[]) => ({ files: { "config/setting.ini": lines.join("\n") } });

describe("[limit.NAME]", () => {
  test("says what the flags of the command say", async () => {
    const loaded = await load(
      ini(
        "[limit.team]",
        "user=Ada@example.com",
        "provider=OpenAI",
        "model=gpt-4o*",
        "key=k1",
        "per=model, key",
        "requests_per_minute=60",
        "tokens_per_minute=100000",
        "concurrent=10",
        "[limit.all]",
        "concurrent=1",
      ),
    );
    const none = { requests: null, tokens: null, key: null, user: null, model: null, provider: null, per: [] };
    expect(loaded.config.limits).toEqual([
      {
        limit: {
          name: "team",
          requests: 60,
          tokens: 100_000,
          slots: 10,
          per: ["key", "model"],
          key: "k1",
          user: "ada@example.com",
          model: "gpt-4o*",
          provider: "openai",
        },
        origin: "config/setting.ini:1",
      },
      { limit: { ...none, name: "all", slots: 1 }, origin: "config/setting.ini:10" },
    ]);
    expect(findOrigin(loaded, "limit.team.concurrent")).toBe("config/setting.ini:9");
  });

  test("variables overrule it, and declare one of their own", async () => {
    const { config } = await load({
      ...ini("[limit.each-key]", "per=key", "requests_per_minute=1"),
      env: { TOKLIGENCE_LIMIT_EACH_KEY_REQUESTS_PER_MINUTE: "2", TOKLIGENCE_LIMIT_ALL_CONCURRENT: "3" },
    });
    expect(config.limits.map(({ limit: { name, requests, slots, per } }) => [name, requests, slots, per])).toEqual([
      ["each-key", 2, null, ["key"]],
      ["all", null, 3, []],
    ]);
  });

  test("what is wrong is named by its line", async () => {
    const { problems } = await loadProblems(
      ini("[limit.x]", "per=team", "requests_per_minute=0", "[limit.empty]", "per=key", "[limit.y]", "burst=3"),
    );
    expect(problems.map(({ line, message }) => [line, message])).toEqual([
      [2, '[limit.x]: per: "team" is none of key, model, provider, user'],
      [
        3,
        '[limit.x]: requests_per_minute: "0" is no whole number from 1 to 999999999999; without the field there is no limit',
      ],
      [
        4,
        "[limit.empty]: requests_per_minute: it limits nothing: say requests_per_minute, tokens_per_minute, concurrent, one or several",
      ],
      [
        6,
        "[limit.y]: requests_per_minute: it limits nothing: say requests_per_minute, tokens_per_minute, concurrent, one or several",
      ],
      [7, 'unknown key "burst" in [limit.y]'],
    ]);
  });

  test("a change of them takes effect at once", async () => {
    const [before, after] = await Promise.all([load(ini()), load(ini("[limit.all]", "concurrent=1"))]);
    expect(diffReload(before.config, after.config)).toEqual({ changes: ["limits"], needRestart: [] });
  });
});
