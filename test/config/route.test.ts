// Routes with a name as the configuration declares them: what they mean, and what is refused by its line.

import { describe, expect, test } from "bun:test";
import { findOrigin, load, loadProblems } from "./scene.ts";

const ini = (...lines: string[]) => ({ files: { "config/setting.ini": lines.join("\n") } });

describe("[route.NAME]", () => {
  test("says targets, strategy, conditions and what else there is", async () => {
    const loaded = await load(
      ini(
        "[route.long]",
        "match=gpt-4o*, smart",
        "targets=openai weight=2, anthropic/claude-sonnet-4-5 weight=0.5 set.temperature=0",
        "strategy=sticky",
        "sticky_by=prompt",
        "context=>100k",
        "endpoint=messages, !responses",
        "stream=yes",
        "tools=no",
        "images=off",
        "user=*@example.com",
        "key=019a*",
        "tag=team=a",
        "time=mon-fri 08:00-18:00",
        "time_zone=Europe/Berlin",
        "header.X-Team=research*",
        "set.generationConfig.topK=3",
        "set.service_tier=flex",
        "canary=openai/gpt-5 5%",
        "shadow=loopback 10%, openai/o3 0.5%",
        "on_context_length=anthropic/claude-sonnet-4-5",
        "on_refusal=openai/gpt-4.1",
        "cache=10m",
        "cache_scope=user",
        "hedge=400ms",
        "max_attempts=4",
        "retry_window=90s",
        "on_unknown_price=Refuse",
        "connect_timeout=2s",
        "idle_timeout=0",
      ),
    );
    const set = { "generationConfig.topK": 3, service_tier: "flex" };
    const rule = {
      name: "long",
      origin: "config/setting.ini:1",
      strategy: "sticky" as const,
      targets: [
        { provider: "openai", model: null, weight: 2, set },
        { provider: "anthropic", model: "claude-sonnet-4-5", weight: 0.5, set: { ...set, temperature: 0 } },
      ],
      when: {
        context: { least: 100_001, most: Number.MAX_SAFE_INTEGER },
        endpoint: ["messages", "!responses"],
        headers: { "x-team": ["research*"] },
        images: false,
        key: ["019a*"],
        stream: true,
        tag: ["team=a"],
        time: { spans: [{ days: [0, 1, 2, 3, 4], fromMinute: 480, untilMinute: 1080 }], zone: "Europe/Berlin" },
        tools: false,
        user: ["*@example.com"],
      },
      onUnknownPrice: "refuse" as const,
      deadlines: { section: "route.long", rules: { connect: 2_000, idle: 2 ** 31 - 1 } },
      policy: {
        cacheTtlMs: 600_000,
        cacheScope: "user" as const,
        canary: { target: { provider: "openai", model: "gpt-5", set }, percent: 5 },
        shadow: [
          { target: { provider: "loopback", model: null, set }, percent: 10 },
          { target: { provider: "openai", model: "o3", set }, percent: 0.5 },
        ],
        onContextLength: [{ provider: "anthropic", model: "claude-sonnet-4-5", set }],
        onRefusal: [{ provider: "openai", model: "gpt-4.1", set }],
        stickBy: "prompt" as const,
        hedge: { afterMs: 400 },
        maxAttempts: 4,
        retryWindowMs: 90_000,
      },
    };
    expect(loaded.config.routes).toEqual([
      { ...rule, pattern: "gpt-4o*" },
      { ...rule, pattern: "smart" },
    ] as never);
    expect(findOrigin(loaded, "route.long.strategy")).toBe("config/setting.ini:4");
  });

  test("is for the model of its own name where it says no other", async () => {
    const { config } = await load(ini("[route.smart]", "targets=openai/gpt-4o"));
    expect(config.routes).toEqual([
      {
        pattern: "smart",
        name: "smart",
        targets: [{ provider: "openai", model: "gpt-4o" }],
        origin: "config/setting.ini:1",
      },
    ]);
  });

  test("comes before the lines of [routes]; switched off it is not there", async () => {
    const { config } = await load(
      ini(
        "[routes]",
        "gpt-4o=openai",
        "[route.a]",
        "match=gpt-4o",
        "targets=anthropic",
        "enabled=no",
        "[route.b]",
        "targets=openai",
      ),
    );
    expect(config.routes.map(({ pattern, name }) => [pattern, name])).toEqual([
      ["b", "b"],
      ["gpt-4o", undefined],
    ]);
  });

  test("variables overrule it", async () => {
    const { config } = await load({
      ...ini("[route.a]", "targets=openai"),
      env: { TOKLIGENCE_ROUTE_A_STRATEGY: "weighted", TOKLIGENCE_ROUTE_B_TARGETS: "anthropic/claude-x" },
    });
    expect(config.routes.map(({ name, strategy }) => [name, strategy])).toEqual([
      ["a", "weighted"],
      ["b", undefined],
    ]);
  });

  test("one that can never be taken is worth a word", async () => {
    const { warnings } = await load(
      ini(
        "[route.a]",
        "match=x",
        "targets=openai",
        "[route.b]",
        "match=X",
        "targets=openai",
        "[route.c]",
        "match=x",
        "targets=openai",
        "stream=yes",
      ),
    );
    expect(warnings).toEqual(['config/setting.ini:4: "X" has no effect in [route.b]: [route.a] comes first']);
  });

  test.each([
    ["targets=opnai", 'targets: "opnai" leads to "opnai", which is no provider — did you mean "openai"?'],
    ["targets=openai weight=0", 'targets: "weight=0": a weight is a number above 0'],
    ["targets=openai wait=2", 'targets: "wait=2" is neither weight=NUMBER nor set.FIELD=VALUE'],
    ["targets=openai/gpt-*", 'targets: "openai/gpt-*" must be a model\'s name'],
    ["strategy=wieghted", 'did you mean "weighted"?'],
    ["match=a*b", "match: "],
    ["sticky_by=key", "sticky_by: it is for strategy=sticky"],
    ["canary=openai", 'canary: "openai" names no share: write it like provider/model 10%'],
    ["canary=openai 0%", "names no share"],
    ["shadow=openai 101%", "names no share"],
    ["cache=often", 'cache: "often" is no duration'],
    ["cache_scope=team", 'cache_scope: "team" is not one of'],
    ["context=lots", 'context: "lots" is no count of tokens'],
    ["context=9k-8k", "is no count of tokens"],
    ["time=monday", 'time: "monday" cannot be read'],
    ["time_zone=UTC", "time_zone: it is for time="],
    ["time_zone=Mars/North", "is no time zone"],
    ["header.authorization=Bearer*", "it holds the caller's key"],
    ["set.model=x", '"model" is the client\'s to say'],
    ["set.a..b=x", "is no field of a body"],
    ["stream=perhaps", "is neither yes"],
    ["hedge=soon", 'hedge: "soon" is no duration: write it like'],
    ["max_attempts=0", "is no whole number from 1 to 20"],
    ["tarjets=openai", 'unknown key "tarjets" in [route.r] — did you mean "targets"?'],
  ])("%s is refused by its line", async (line, message) => {
    const lines = ["[route.r]", line, ...(line.startsWith("targets") ? [] : ["targets=openai"])];
    const { text, problems } = await loadProblems(ini(...lines));
    expect(text).toContain(message);
    expect(problems[0]).toMatchObject({ file: "config/setting.ini", line: 2 });
  });

  test("without targets it leads nowhere", async () => {
    const { text } = await loadProblems(ini("[route.r]", "match=x"));
    expect(text).toContain("config/setting.ini:1: [route.r]: targets: a route leads somewhere");
  });
});
