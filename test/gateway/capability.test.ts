// The capability matrix against recorded traffic: wherever a recorded request uses a feature, what becomes of it is what the matrix says.

import { describe, expect, test } from "bun:test";
import { isDeepStrictEqual } from "node:util";
import type { RequestProbe } from "../../src/gateway/capability-probe.ts";
import { REQUEST_PROBES } from "../../src/gateway/capability-request.ts";
import { UNTOLD, openPair } from "../../src/gateway/capability-judge.ts";
import { type Capability, FEATURES, SURFACES, probeCapabilities } from "../../src/gateway/index.ts";
import { type Plan, makePlan } from "../../src/gateway/plan.ts";
import { GatewayError, type JsonObject, type Request } from "../../src/ir/index.ts";
import { listSampleProviders } from "../../src/provider/sample.ts";
import { type Address, type ChatWire, PLAIN_ADDRESS, TARGETS } from "../../src/wire/index.ts";
import { listRecordings, readRecording } from "../fixture.ts";

const SAMPLES = listSampleProviders();
const CELLS = [...probeCapabilities(SAMPLES)].flat();
const BY_PLACE = new Map(CELLS.map((cell) => [keyOf(cell), cell]));

function keyOf({ surface, provider, model, feature }: Omit<Capability, "outcome">): string {
  return [surface, provider, model, feature].join(" ");
}

test("every client format meets every kind of provider in every feature, once", () => {
  expect(new Set(CELLS.map(keyOf)).size).toBe(CELLS.length);
  expect(CELLS.length).toBe(SAMPLES.length * SURFACES.length * FEATURES.length);
  expect(new Set(FEATURES.map(({ feature }) => feature)).size).toBe(FEATURES.length);
});

test("every feature is kept somewhere, and what is left out or refused says what", () => {
  for (const { feature } of FEATURES) {
    const found = CELLS.filter((cell) => cell.feature === feature && cell.outcome === "kept");
    expect([feature, found.length > 0]).toEqual([feature, true]);
  }
  const requests = new Set(REQUEST_PROBES.map(({ feature }) => feature));
  for (const cell of CELLS) {
    const needsNote = cell.outcome === "refused" || (cell.outcome === "dropped" && requests.has(cell.feature));
    if (needsNote) expect([keyOf(cell), cell.note ?? ""]).not.toEqual([keyOf(cell), ""]);
  }
});

test("nothing is left out without a word", () => {
  const silent = CELLS.filter((cell) => cell.note === UNTOLD);
  expect(silent.map(keyOf)).toEqual([]);
});

test("between two formats that are alike all that the client's can say is forwarded, but for what the server refuses", () => {
  for (const { name, provider, model } of SAMPLES) {
    const spoken: readonly string[] = provider.speaks(model);
    const cells = CELLS.filter(
      (cell) => cell.provider === name && cell.model === model && spoken.includes(cell.surface),
    );
    const changed = cells.filter(({ outcome }) => outcome === "mapped" || outcome === "refused");
    expect(changed.map(keyOf)).toEqual([]);
  }
});

interface Recorded {
  name: string;
  wire: ChatWire;
  body: JsonObject;
  address: Address;
}

const RECORDED: Recorded[] = listRecordings().flatMap(({ file }) =>
  readRecording(file).flatMap(({ request, response }, index) => {
    if (request?.method !== "POST" || request.body === null || response.status !== 200) return [];
    const found = findWire(new URL(request.url, "http://recorded.test").pathname);
    return found === null ? [] : [{ name: `${file} ${index + 1}`, body: request.body, ...found }];
  }),
);

/** By the end of the path: recordings were taken under many roots. */
function findWire(path: string): { wire: ChatWire; address: Address } | null {
  for (const wire of SURFACES) {
    for (const own of wire.paths) {
      const [start = "", end] = own.split("{model}");
      const tail = start.replace(/^(?:\/anthropic)?\/v\d(?:beta)?/u, "");
      if (end === undefined) {
        if (path.endsWith(tail)) return { wire, address: PLAIN_ADDRESS };
      } else if (path.endsWith(end) && path.includes(tail)) {
        const model = path.slice(path.lastIndexOf(tail) + tail.length, -end.length);
        return { wire, address: { model, stream: wire.address?.(own).stream ?? null } };
      }
    }
  }
  return null;
}

test("recordings of every surface are among them", () => {
  for (const { id } of SURFACES) {
    const count = RECORDED.filter(({ wire }) => wire.id === id).length;
    expect([id, count > 5]).toEqual([id, true]);
  }
});

describe.each(SAMPLES)("$name $model does with recorded requests what the matrix says", ({ name, provider, model }) => {
  test.each(SURFACES.map((wire) => [wire.id, wire] as const))("%s", (_, wire) => {
    const pair = openPair(wire, provider, model);
    for (const recorded of RECORDED.filter((each) => each.wire === wire)) {
      const peek = { ...wire.peek(recorded.body, recorded.address), model };
      const request = wire.request.decode(recorded.body, peek);
      const used = REQUEST_PROBES.flatMap((probe) => {
        const cell = BY_PLACE.get(keyOf({ surface: wire.id, provider: name, model, feature: probe.feature }));
        const value = probe.read(request);
        return value === undefined || cell === undefined ? [] : [{ probe, cell, value }];
      });
      const asked = {
        wire,
        raw: JSON.stringify(recorded.body),
        body: recorded.body,
        peek,
        isStrict: false,
        keeper: null,
        headers: new Headers(),
      };
      const isServed = BY_PLACE.get(keyOf({ surface: wire.id, provider: name, model, feature: "answer-text" }));
      if (isServed?.outcome === "refused") continue;
      const wrong = judge(() => makePlan(pair.scene, asked), used);
      expect([recorded.name, ...wrong]).toEqual([recorded.name]);
    }
  });
});

const USUAL = new Map<string, unknown>([
  ["frequency-penalty", 0],
  ["presence-penalty", 0],
  ["temperature", 1],
  ["top-p", 1],
]);
const LEAST_BUDGET = 1_024;

interface Use {
  probe: RequestProbe;
  cell: Capability;
  value: unknown;
}

/** What is not as the matrix says, in sentences. */
function judge(plan: () => Plan, used: readonly Use[]): string[] {
  const refused = used.filter(({ cell }) => cell.outcome === "refused").map(({ probe }) => probe.feature);
  let made: Plan;
  try {
    made = plan();
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return refused.length > 0 ? [] : [`refused, and nobody said so: ${error.message}`];
  }
  if (refused.length > 0) return [`not refused, although it has ${refused.join(", ")}`];
  const target = TARGETS.get(made.spoken.id);
  const back = target !== undefined && "decode" in target.request ? decodeBack(target as ChatWire, made) : null;
  return used.flatMap(({ probe: { feature, isUsual, read }, cell: { outcome, note }, value }) => {
    // The matrix speaks of what the provider that is asked sealed itself.
    if (feature.startsWith("thought-") && isForeign(made)) return [];
    if (outcome === "absent") return [`${feature} is there, although the format cannot say it`];
    // One format has a word for the thoughts that led to calls, and none for others.
    if (feature === "thought-text" && made.dropped.length === 0 && hasCalls(made)) return [];
    // What is usual anyway may go without a word.
    if (value === USUAL.get(feature)) return [];
    if (outcome === "dropped" && note !== UNTOLD && made.dropped.length === 0) return [`${feature} was not left out`];
    // What happens anyway need not be said: tools that only another provider has may have gone, and their choice with them.
    if (isUsual === true && back !== null && read(back) === undefined) return [];
    // Where only some of the tools may be called, telling the model of no others says the same.
    if (feature === "tools" && used.some((use) => use.probe.feature === "choice-allowed")) return [];
    // Formats have a least budget, to which a smaller one is raised.
    if (feature === "budget" && Number(value) < LEAST_BUDGET) return [];
    // A limit that the model cannot have is brought within reach, and that is told.
    if (feature === "max-tokens" && made.dropped.some((name) => /max_(?:completion_)?tokens$/.test(name))) return [];
    if (outcome !== "kept" || made.mode.kind === "forward" || back === null) return [];
    return isSame(feature, clean(read(back)), clean(value)) ? [] : [`${feature} was not kept`];
  });
}

function hasCalls({ mode }: Plan): boolean {
  const parts = mode.kind === "translate" ? mode.request.messages.flatMap((message) => message.parts) : [];
  return parts.some(({ type }) => type === "tool-call");
}

/** What is sealed may go back under an id. */
function isSame(feature: string, found: unknown, value: unknown): boolean {
  if (!feature.startsWith("thought-") || !Array.isArray(found) || !Array.isArray(value)) {
    return isDeepStrictEqual(found, value);
  }
  return value.every((text, index) => String(found[index]).endsWith(String(text)));
}

function isForeign({ mode, spoken }: Plan): boolean {
  const parts = mode.kind === "translate" ? mode.request.messages.flatMap((message) => message.parts) : [];
  return parts.some((part) => part.type === "reasoning" && part.origin !== spoken.id);
}

function decodeBack(target: ChatWire, { body, model }: Plan): Request {
  const parsed: JsonObject = JSON.parse(body);
  const stream = parsed["stream"] === true;
  return target.request.decode({ model, ...parsed }, { model, stream });
}

function clean(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, field: unknown) => (key === "extra" ? undefined : field)) ?? "null");
}
