// Routing decisions: deterministic, in the documented order, and explained.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type RouteTable, createRouter } from "../../src/gateway/route.ts";

function makeRouter(table: Partial<RouteTable> & { ready?: string[]; waiting?: string[]; routesText?: string[] }) {
  const ready = table.ready ?? ["alpha", "beta", "gamma"];
  return createRouter({
    aliases: table.aliases ?? [],
    defaultAliases: table.defaultAliases ?? [],
    routes: (table.routesText ?? []).map((text, index) => {
      const [pattern = "", provider = ""] = text.split("=");
      return { pattern, targets: [{ provider, model: null }] as const, origin: `test:${index + 1}` };
    }),
    defaultRoutes: table.defaultRoutes ?? [],
    providers: new Map<string, { ready: boolean }>([
      ...ready.map((name) => [name, { ready: true }] as const),
      ...(table.waiting ?? []).map((name) => [name, { ready: false }] as const),
    ]),
    findLister: table.findLister ?? (() => undefined),
  });
}

function target(router: ReturnType<typeof makeRouter>, model: string): string | null {
  const found = router.resolve(model).way?.targets[0];
  return found === undefined ? null : `${found.provider}:${found.model}`;
}

describe("patterns", () => {
  test.each([
    ["gpt-4o", "gpt-*=alpha", "alpha:gpt-4o"],
    ["GPT-4o", "gpt-*=alpha", "alpha:GPT-4o"],
    ["gpt-4-turbo", "*-turbo=alpha", "alpha:gpt-4-turbo"],
    ["my-claude-2", "*claude*=alpha", "alpha:my-claude-2"],
    ["claude", "*claude*=alpha", "alpha:claude"],
    ["exact", "exact=alpha", "alpha:exact"],
    ["Exact", "eXact=alpha", "alpha:Exact"],
    ["anything", "*=alpha", "alpha:anything"],
    ["gpt", "gpt-*=alpha", null],
    ["xgpt-4", "gpt-*=alpha", null],
    ["turbo", "*-turbo=alpha", null],
  ])("%s with %s goes to %p", (model, rule, expected) => {
    expect(target(makeRouter({ routesText: [rule] }), model)).toBe(expected);
  });
});

describe("precedence", () => {
  test("exact beats every pattern, whatever the order", () => {
    expect(target(makeRouter({ routesText: ["gpt-4o-mini*=alpha", "gpt-4o-mini=beta"] }), "gpt-4o-mini")).toBe(
      "beta:gpt-4o-mini",
    );
  });
  test("more literal characters beat fewer", () => {
    const routesText = ["*=gamma", "gpt-*=alpha", "gpt-4*=beta"];
    expect(target(makeRouter({ routesText }), "gpt-4o")).toBe("beta:gpt-4o");
    expect(target(makeRouter({ routesText }), "gpt-3.5")).toBe("alpha:gpt-3.5");
    expect(target(makeRouter({ routesText }), "other")).toBe("gamma:other");
  });
  test("equal literals: the first declared wins", () => {
    expect(target(makeRouter({ routesText: ["abc*=alpha", "*cde=beta"] }), "abcde")).toBe("alpha:abcde");
    expect(target(makeRouter({ routesText: ["*cde=beta", "abc*=alpha"] }), "abcde")).toBe("beta:abcde");
    expect(target(makeRouter({ routesText: ["same=alpha", "same=beta"] }), "same")).toBe("alpha:same");
  });
  test("the operator's catch-all beats built-in routes", () => {
    const defaultRoutes = [
      { pattern: "gpt-*", targets: [{ provider: "alpha", model: null }] as const, origin: "default" },
    ];
    expect(target(makeRouter({ routesText: ["*=beta"], defaultRoutes }), "gpt-4o")).toBe("beta:gpt-4o");
    expect(target(makeRouter({ routesText: ["llama*=beta"], defaultRoutes }), "gpt-4o")).toBe("alpha:gpt-4o");
  });
  test("exact comes first also where the exact route is ours and the catch-all the operator's", () => {
    const defaultRoutes = [
      { pattern: "loopback", targets: [{ provider: "alpha", model: null }] as const, origin: "default" },
    ];
    expect(target(makeRouter({ routesText: ["*=beta"], defaultRoutes }), "loopback")).toBe("alpha:loopback");
    expect(target(makeRouter({ routesText: ["loopback=beta"], defaultRoutes }), "Loopback")).toBe("beta:Loopback");
  });
  test("a provider that lists the model beats a built-in route whose provider lacks its key", () => {
    const router = makeRouter({
      waiting: ["delta"],
      defaultRoutes: [{ pattern: "gpt-*", targets: [{ provider: "delta", model: null }] as const, origin: "default" }],
      findLister: (model) => (model === "gpt-oss" ? "beta" : undefined),
    });
    expect(target(router, "gpt-oss")).toBe("beta:gpt-oss");
    expect(target(router, "gpt-4o")).toBe("delta:gpt-4o");
  });
  test("the order of rules with different specificity does not matter", () => {
    const rules = ["*=alpha", "m*=beta", "mo*=gamma", "mod*=alpha", "mode*=beta", "model=gamma"];
    fc.assert(
      fc.property(
        fc.shuffledSubarray(rules, { minLength: rules.length }),
        fc.constantFrom("model", "mode", "mop", "z"),
        (shuffled, model) => {
          expect(target(makeRouter({ routesText: shuffled }), model)).toBe(
            target(makeRouter({ routesText: rules }), model),
          );
        },
      ),
    );
  });
});

describe("addresses and aliases", () => {
  test("provider/model addresses the provider and strips its name", () => {
    expect(target(makeRouter({ routesText: ["*=alpha"] }), "beta/some/model")).toBe("beta:some/model");
    expect(target(makeRouter({}), "Beta/x")).toBe("beta:x");
  });
  test("an unknown provider's name is part of the model", () => {
    expect(target(makeRouter({ routesText: ["meta/*=alpha"] }), "meta/llama")).toBe("alpha:meta/llama");
  });
  test("an exact route beats the address", () => {
    expect(target(makeRouter({ routesText: ["beta/x=alpha"] }), "beta/x")).toBe("alpha:beta/x");
  });
  test("an alias renames once, and never in a circle", () => {
    const aliases = [
      { pattern: "a", target: "b", origin: "t" },
      { pattern: "b", target: "a", origin: "t" },
    ];
    const router = makeRouter({ aliases, routesText: ["a=alpha", "b=beta"] });
    expect(target(router, "a")).toBe("beta:b");
    expect(target(router, "b")).toBe("alpha:a");
  });
  test("an alias may name a provider, and the operator's beats a built-in one", () => {
    const router = makeRouter({
      aliases: [{ pattern: "fast*", target: "beta/small", origin: "t" }],
      defaultAliases: [{ pattern: "fast", target: "alpha/other", origin: "default" }],
    });
    expect(target(router, "fast")).toBe("beta:small");
  });
  test("an alias applies behind a provider's name too", () => {
    const router = makeRouter({ defaultAliases: [{ pattern: "short", target: "long-name", origin: "default" }] });
    expect(target(router, "beta/short")).toBe("beta:long-name");
  });
});

test("nothing matches: no target, never a silent echo", () => {
  expect(makeRouter({}).resolve("nope").way).toBeNull();
});

test("what is listed later is found after forget()", () => {
  let listed = false;
  const router = makeRouter({ findLister: () => (listed ? "beta" : undefined) });
  expect(target(router, "late")).toBeNull();
  listed = true;
  router.forget();
  expect(target(router, "late")).toBe("beta:late");
});

test("explain names the winner and those it beat, with where they were declared", () => {
  const { steps } = makeRouter({ routesText: ["*=gamma", "gpt-*=alpha"] }).explain("gpt-4o");
  expect(steps).toEqual([
    { rule: "gpt-* => alpha", origin: "test:2", outcome: "chosen: 4 literal characters, declared 2." },
    { rule: "* => gamma", origin: "test:1", outcome: "beaten: 0 literal characters, declared 1." },
  ]);
});
