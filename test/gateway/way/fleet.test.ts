// The fleet by itself: who is left alone, who takes turns, and what a call says of its place.

import { expect, test } from "bun:test";
import type { Place } from "../../../src/gateway/way/fleet.ts";
import { type ErrorKind, GatewayError } from "../../../src/ir/index.ts";
import { makeFleet } from "./fleet-kit.ts";

const place = (name: string): Place => ({ provider: { name }, model: "m", weight: 1 });
const [FIRST, SECOND] = [place("first"), place("second")];

function openFleet() {
  let nowMs = 1_000;
  const fleet = makeFleet(() => nowMs);
  const order = (strategy: "priority" | "round-robin" = "priority"): string[] =>
    fleet
      .order({ route: "r", places: [FIRST, SECOND], strategy, stickTo: "", costOf: () => null })
      .map(({ provider }) => provider.name);
  const call = (kind: ErrorKind | null, times = 1): void => {
    for (let index = 0; index < times; index++) {
      const visit = fleet.visit(FIRST);
      visit.end(kind === null ? null : new GatewayError({ kind, message: kind }), kind === null ? 5 : null);
      // What happens to a call after its end is nobody's business.
      visit.drop();
      visit.end(null, 5);
    }
  };
  return { order, call, pass: (ms: number) => (nowMs += ms) };
}

test("a place that failed five times in a row is left alone, and asked again after a while", () => {
  const { order, call, pass } = openFleet();
  call("timeout", 4);
  expect(order()).toEqual(["first", "second"]);
  call("upstream_unavailable");
  expect(order()).toEqual(["second"]);
  pass(15_000);
  expect(order()).toEqual(["first", "second"]);
  call(null);
  call("timeout", 4);
  expect(order()).toEqual(["first", "second"]);
});

test.each(["cancelled", "invalid_request", "overloaded", "quota_exceeded"] as const)(
  "%s is not the place's fault",
  (kind) => {
    const { order, call } = openFleet();
    call(kind, 50);
    expect(order()).toEqual(["first", "second"]);
  },
);

test("where all are left alone, all are asked", () => {
  const { order, call } = openFleet();
  call("timeout", 5);
  const fleet = makeFleet(() => 0);
  for (const each of [FIRST, SECOND]) {
    for (let index = 0; index < 5; index++) {
      fleet.visit(each).end(new GatewayError({ kind: "timeout", message: "t" }), null);
    }
  }
  expect(
    fleet.order({ route: "r", places: [FIRST, SECOND], strategy: "priority", stickTo: "", costOf: () => null }),
  ).toEqual([FIRST, SECOND]);
  expect(order()).toEqual(["second"]);
});

test("turns are a route's own", () => {
  const { order } = openFleet();
  expect([order("round-robin"), order("round-robin"), order("round-robin")]).toEqual([
    ["first", "second"],
    ["second", "first"],
    ["first", "second"],
  ]);
});

test("many names from outside neither fill the memory nor push out what is known to be ill", () => {
  const fleet = makeFleet(() => 0);
  const end = (model: string, failure: GatewayError | null): void =>
    fleet.visit({ ...FIRST, model }).end(failure, failure === null ? 1 : null);
  for (let call = 0; call < 5; call++) end("ill", new GatewayError({ kind: "timeout", message: "t" }));
  for (let index = 0; index < 20_000; index++) end(`model-${index}-${"x".repeat(1_000)}`, null);
  const places = fleet.list();
  expect(places.length).toBeLessThanOrEqual(4_096);
  expect(Math.max(...places.map(({ model }) => model?.length ?? 0))).toBeLessThanOrEqual(200);
  expect(places.find(({ model }) => model === "ill")?.state).toBe("open");
});

test("calls that run are counted down again, whatever became of them", () => {
  const fleet = makeFleet(() => 0);
  const visits = Array.from({ length: 10 }, () => fleet.visit(FIRST));
  expect(fleet.list()[0]?.inFlight).toBe(10);
  for (const [index, visit] of visits.entries()) {
    if (index % 2 === 0) visit.drop();
    else visit.end(new GatewayError({ kind: "cancelled", message: "left" }), null);
    visit.drop();
  }
  expect(fleet.list()[0]?.inFlight).toBe(0);
});

test("keys take turns of their own, and one that is ill is left out", () => {
  const fleet = makeFleet(() => 0);
  const keyed = (account: string): Place => ({ ...FIRST, provider: { name: "first", account } });
  const places = [keyed("a"), keyed("b"), keyed("c")] as const;
  const order = (): (string | undefined)[] =>
    fleet
      .order({
        route: "r",
        places: [FIRST],
        strategy: "priority",
        stickTo: "",
        costOf: () => null,
        keysOf: () => ({ places }),
      })
      .map(({ provider }) => provider.account);
  expect([order(), order(), order()]).toEqual([
    ["a", "b", "c"],
    ["b", "c", "a"],
    ["c", "a", "b"],
  ]);
  for (let call = 0; call < 5; call++)
    fleet.visit(keyed("b")).end(new GatewayError({ kind: "timeout", message: "t" }), null);
  expect([...order(), ...order()].includes("b")).toBe(false);
});

test("a provider is as fast as the key that is asked first, though nothing is known of one that stands behind it", () => {
  let nowMs = 0;
  const fleet = makeFleet(() => nowMs);
  const keyed = (account: string): Place => ({ ...FIRST, provider: { name: "first", account } });
  const keys = { places: [keyed("a"), keyed("b")], strategy: "priority" } as const;
  const other: Place = { ...FIRST, provider: { name: "other" } };
  const choice = {
    route: "r",
    places: [FIRST, other],
    strategy: "least-latency",
    stickTo: "",
    costOf: () => null,
    keysOf: ({ provider }: Place) => (provider.name === "first" ? keys : null),
  } as const;
  const ask = (tookMs: number): string => {
    const [place] = fleet.order(choice);
    const visit = fleet.visit(place);
    nowMs += tookMs;
    visit.end(null, tookMs);
    return place.provider.name;
  };
  const found = [ask(2_000), ask(2_000)];
  expect(found.toSorted()).toEqual(["first", "other"]);
  fleet.visit(other).end(null, 100);
  // One that is as fast as it was, and one that is twice as slow.
  fleet.visit(keyed("a")).end(null, 4_000);
  expect([ask(10), ask(10), ask(10), ask(10)]).toEqual(["other", "other", "other", "other"]);
  expect(fleet.survey(choice).map(({ place, latencyMs }) => [place.provider.name, latencyMs > 3_000])).toEqual([
    ["other", false],
    ["first", true],
  ]);
  // Whatever is under way at it: it is slow, and not unknown.
  const busy = fleet.visit(keyed("a"));
  for (let call = 0; call < 60; call++) fleet.visit(other);
  expect(fleet.order(choice)[0].provider.name).toBe("first");
  busy.end(null, 4_000);
});
