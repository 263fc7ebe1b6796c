// How the bench tells what grows from what only goes up and down, and what a soak's clients were told from what is on the books.

import { describe, expect, test } from "bun:test";
import { openDriver } from "../../scripts/bench/load/drive.ts";
import { varyRequests } from "../../scripts/bench/load/vary.ts";
import { startMock } from "../../scripts/bench/mock/server.ts";
import { judgeFlatness } from "../../scripts/bench/report/flat.ts";
import { BAND, judgeGrowth } from "../../scripts/bench/report/growth.ts";
import { EACH, FIRST, LAST, MIDDLE, SHARED, printRoutes } from "../../scripts/bench/scenario/many-routes.ts";
import { addResult, createFigures, listFaults } from "../../scripts/bench/soak/books.ts";
import { MIX, type Part, findPart } from "../../scripts/bench/soak/mix.ts";
import { createRouter } from "../../src/gateway/route.ts";
import { load } from "../config/scene.ts";

/** As even as dice are, and the same each time. */
function makeNoise(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647 - 0.5;
  };
}

describe("memory", () => {
  const read = (value: (second: number) => number): number[] => {
    const noise = makeNoise();
    return Array.from({ length: 1_620 }, (_, second) => value(second) * (1 + noise() * 0.2));
  };
  test("that goes up and down by ten percent is flat", () => {
    expect(judgeFlatness(read(() => 100))?.isFlat).toBeTrue();
  });
  test("that saws is flat", () => {
    expect(judgeFlatness(read((second) => 100 + (second % 200) / 10))?.isFlat).toBeTrue();
  });
  test("that grows by a tenth is not, nor is what shrinks by it", () => {
    expect(judgeFlatness(read((second) => 100 + second / 162))?.isFlat).toBeFalse();
    expect(judgeFlatness(read((second) => 110 - second / 162))?.isFlat).toBeFalse();
  });
  test("that makes one step is not", () => {
    expect(judgeFlatness(read((second) => (second < 600 ? 100 : 108)))?.isFlat).toBeFalse();
  });
  test("of which there are few readings says nothing", () => {
    expect(judgeFlatness([1, 1, 1, 1])).toBeNull();
  });
});

test("a cost grows where it does turn by turn, though all turns differ", () => {
  const turns = [50, 60, 90, 40, 55];
  const sizes = new Map([
    ["1", turns],
    ["100", turns.map((us) => us * 1.02)],
    ["10,000", turns.map((us) => us * (BAND + 0.05))],
    ["disturbed", [500, 41, 300]],
  ]);
  expect(judgeGrowth(sizes).map(({ isConstant }) => isConstant)).toEqual([true, true, false, true]);
  expect(
    judgeGrowth(
      new Map([
        ["1", [1]],
        ["2", []],
      ]),
    ).map(({ isConstant }) => isConstant),
  ).toEqual([true, false]);
});

test.each([1, 100, 10_000])("%d routes are as many, and all names are led on by them", async (count) => {
  const text = [
    "[provider.openai]",
    "base_url = http://127.0.0.1:1/v1",
    "api_key = sk-test-test-test-test",
    "allow_private = yes",
    ...printRoutes(count),
  ].join("\n");
  const { config } = await load({ files: { "config/setting.ini": text } });
  expect(config.routes).toHaveLength(count);
  const router = createRouter({
    ...config,
    providers: new Map([["openai", { ready: true }]]),
    findLister: () => undefined,
  });
  for (const model of [FIRST, MIDDLE, LAST, SHARED, ...EACH])
    expect(router.resolve(model).way?.targets[0].model).toBe("gpt-4o-mini");
});

describe("requests that differ", () => {
  test("have the next value wherever the blank stands, each connection in bytes of its own", () => {
    const requests = varyRequests(Buffer.from("key AAA, model m0, again m0"), [
      { blank: "AAA", values: ["k01", "k02"] },
      { blank: "m0", values: ["m1", "m2", "m3"] },
    ]);
    const [one, other] = [requests.open(), requests.open()];
    const first = one();
    expect(first.toString()).toBe("key k01, model m1, again m1");
    expect(other().toString()).toBe("key k02, model m3, again m3");
    expect(first.toString()).toBe("key k01, model m1, again m1");
    expect(one().toString()).toBe("key k01, model m2, again m2");
  });
  test("cannot differ in length, nor where nothing stands", () => {
    expect(() => varyRequests(Buffer.from("abc"), [{ blank: "b", values: ["bb"] }])).toThrow("not as long");
    expect(() => varyRequests(Buffer.from("abc"), [{ blank: "x", values: ["y"] }])).toThrow("nowhere");
  });
  test("need not, and then are the same bytes", () => {
    const bytes = Buffer.from("abc");
    expect(varyRequests(bytes).open()()).toBe(bytes);
  });
});

test("a client that leaves does so when the answer has begun, and asks again on another connection", async () => {
  const mock = startMock();
  mock.follow({ model: "m", delayMs: 0, answer: { kind: "stream", pieces: 1_000, gapMs: 20 } });
  const aim = { hostname: "127.0.0.1", port: mock.port, path: "/v1/chat/completions", headers: {}, body: "{}" };
  const driver = await openDriver(
    { ...aim, pieces: 1_000, leaves: true },
    { kind: "closed", connections: 2, requests: 10 },
  );
  const { requests, errors } = await driver.measure(1);
  driver.close();
  mock.stop();
  expect([requests, errors]).toEqual([10, {}]);
});

describe("the books of a soak", () => {
  const result = { requests: 5, errors: { "status 502": 2, closed: 1 }, unsent: 3 };
  const add = (part: Pick<Part, "refusals">) => {
    const figures = createFigures();
    addResult(figures, part, result as never);
    return figures;
  };
  test("tell refusals that are meant from those that are not", () => {
    expect(add({ refusals: /^status 5/u })).toEqual({ answered: 5, refused: 2, errors: { closed: 1 }, unsent: 3 });
    expect(add({}).errors).toEqual({ "status 502": 2, closed: 1 });
  });
  test("have exactly one row of each, or none where there is to be none", () => {
    const figures = { answered: 5, refused: 2, errors: {}, unsent: 0 };
    expect(listFaults("a", { rows: 1 }, figures, { rows: 8, requests: 8, before: 1 })).toEqual([]);
    expect(listFaults("a", { rows: 0 }, figures, { rows: 0, requests: 0, before: 0 })).toEqual([]);
    expect(listFaults("a", { rows: 1 }, figures, { rows: 7, requests: 7, before: 1 })[0]).toContain("7 were answered");
    expect(listFaults("a", { rows: 1 }, figures, { rows: 8, requests: 7, before: 1 })[0]).toContain("a row too many");
    expect(listFaults("a", { rows: 1 }, createFigures(), { rows: 0, requests: 0, before: 0 })).toHaveLength(1);
  });
  test("know all that is asked for by its model, and shares are all there is", () => {
    const parts = Object.entries<Part>(MIX);
    for (const [name, { model, models = [] }] of parts)
      expect([model, ...models].map(findPart)).toEqual([model, ...models].map(() => name as keyof typeof MIX));
    expect(findPart("other")).toBeNull();
    expect(parts.reduce((sum, [, { share }]) => sum + share, 0)).toBeCloseTo(1);
  });
});
