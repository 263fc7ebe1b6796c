// Rules found by an index are those, and in that order, that a look at all of them finds; and it takes no longer where there are ten thousand.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { compileRules, indexRules } from "../../src/gateway/pattern.ts";
import { createRouter } from "../../src/gateway/route.ts";
import type { Conditions, RouteRule } from "../../src/gateway/rule.ts";
import type { RequestFacts } from "../../src/gateway/way/condition.ts";
import { createMarks } from "../../src/gateway/way/mark.ts";

const letters = fc.string({ unit: fc.constantFrom("a", "b", "-"), maxLength: 5 });
const pattern = fc
  .tuple(fc.boolean(), letters, fc.boolean())
  .map(([starts, text, ends]) => `${starts ? "*" : ""}${text}${ends ? "*" : ""}` || "*");

describe("an index", () => {
  test("finds what a look at all rules finds, in their order", () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 40 }),
        fc.string({ unit: fc.constantFrom("a", "b", "-") }),
        (all, name) => {
          const rules = compileRules(all.map((each) => ({ pattern: each })));
          const wanted = rules.filter((rule) => rule.matches(name));
          expect(indexRules(rules).find(name)).toEqual(wanted);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("finds letters inside by the name where there are many of them", () => {
    const rules = compileRules(Array.from({ length: 5_000 }, (_, index) => ({ pattern: `*<${index}>*` })));
    const index = indexRules(rules);
    expect(index.find("x<17>y<4999>z<17>").map(({ rule }) => rule.pattern)).toEqual(["*<4999>*", "*<17>*"]);
    expect(index.find("x")).toEqual([]);
  });

  test("leaves out what is for others, and finds what bears several marks once", () => {
    const rules = compileRules([["a"], ["b"], ["a", "b"], []].map((marks) => ({ pattern: "m", marks })));
    const index = indexRules(rules, ({ marks }) => marks);
    const find = (marks?: string[]) => index.find("m", marks).map(({ rule }) => rule.marks.join(""));
    expect(find()).toEqual(["a", "b", "ab", ""]);
    expect(find([])).toEqual([""]);
    expect(find(["b"])).toEqual(["b", "ab", ""]);
    expect(find(["b", "a"])).toEqual(["a", "b", "ab", ""]);
  });
});

const ASKED: RequestFacts = {
  endpoint: "chat.completions",
  isStream: false,
  body: {},
  header: (name) => ({ "x-team": "Blue" })[name] ?? null,
  userId: "u1",
  email: "Ada@example.com",
  keyId: "k1",
  tags: () => ["env=prod"],
  tokens: () => 1,
  atMs: 0,
};

test.each<[Conditions | undefined, string[], string[]]>([
  [undefined, [], []],
  [{ stream: true }, [], []],
  [{ key: ["K1", "k2"] }, ["key k1", "key k2"], ["key k1"]],
  [{ user: ["ada@example.com"] }, ["user ada@example.com"], ["user ada@example.com"]],
  [{ user: ["u1", "u2"] }, ["user u1", "user u2"], ["user u1"]],
  [{ user: ["*@example.com", "u1"] }, [], []],
  [{ key: ["!k1"] }, [], []],
  [{ key: ["!k1", "k2"] }, ["key k2"], []],
  [{ tag: ["env=prod"] }, ["tag env=prod"], ["tag env=prod"]],
  [{ headers: { "x-team": ["blue"] } }, ["header.x-team blue"], ["header.x-team blue"]],
  [{ key: ["k*"], tag: ["env=test"] }, ["tag env=test"], []],
])("%j marks %j, and a request bears %j of it", (when, marks, borne) => {
  const reader = createMarks([when]);
  expect([reader.of(when), reader.read(ASKED)]).toEqual([marks, borne]);
});

describe("a router", () => {
  const rule = (name: string, when?: Conditions): RouteRule => ({
    pattern: "m*",
    name,
    targets: [{ provider: "alpha", model: null }],
    origin: "test",
    ...(when === undefined ? {} : { when }),
  });
  const table = (routes: readonly RouteRule[]) => ({
    aliases: [],
    defaultAliases: [],
    routes,
    defaultRoutes: [],
    providers: new Map([["alpha", { ready: true }]]),
    findLister: () => undefined,
  });
  const who = (keyId: string): RequestFacts => ({ ...ASKED, keyId });
  const nameOf = (router: ReturnType<typeof createRouter>, facts?: RequestFacts) =>
    router.resolve("m1", facts).way?.name;

  test("leads each key by its own route of ten thousand, and whoever has none by that for all", () => {
    const own = Array.from({ length: 10_000 }, (_, index) => rule(`r${index}`, { key: [`k${index}`] }));
    const router = createRouter(table([...own, rule("all")]));
    for (const round of [1, 2]) {
      for (const index of [0, 17, 9_999])
        expect([round, nameOf(router, who(`k${index}`))]).toEqual([round, `r${index}`]);
      expect([round, nameOf(router, who("nobody"))]).toEqual([round, "all"]);
    }
    expect(nameOf(router)).toBe("all");
    expect(router.explain("m1", who("k17")).steps).toHaveLength(10_001);
  });

  test("passes over an own route whose other conditions do not hold", () => {
    const router = createRouter(table([rule("mine", { key: ["k1"], stream: true }), rule("all")]));
    expect(nameOf(router, ASKED)).toBe("all");
    expect(nameOf(router, { ...ASKED, isStream: true })).toBe("mine");
  });

  test("takes no name with a line in it for another one of somebody else's", () => {
    const router = createRouter(table([rule("mine", { key: ["k1"] }), rule("all")]));
    expect(nameOf(router, ASKED)).toBe("mine");
    const forged = `["key k1"]m1`;
    expect(router.resolve(forged, who("nobody")).way).toBeNull();
    expect(nameOf(router, who("nobody"))).toBe("all");
  });

  test("works out once where a model leads, also where all its routes have conditions, and a name that leads nowhere each time", () => {
    let looks = 0;
    const findLister = () => {
      looks++;
      return undefined;
    };
    const router = createRouter({ ...table([rule("mine", { stream: false })]), findLister });
    for (const model of ["m1", "m1", "m1"]) expect(router.resolve(model, ASKED).way?.name).toBe("mine");
    expect(looks).toBe(1);
    for (const model of ["x", "x"]) expect(router.resolve(model, ASKED).way).toBeNull();
    expect(looks).toBe(3);
  });

  test("knows where a model leads in general though all its routes are for somebody", () => {
    const router = createRouter(table([rule("mine", { key: ["k1"] }), rule("yours", { key: ["k2"] })]));
    expect(nameOf(router)).toBe("mine");
    expect(nameOf(router, who("k2"))).toBe("yours");
    expect(router.resolve("m1", who("k3")).way).toBeNull();
  });
});
