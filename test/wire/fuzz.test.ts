// Bounded fuzzing of every codec: recorded and golden bodies and streams, mutated. Nothing may crash, hang or blame us: a request is
// accepted or refused by name, an answer is read or is the upstream's fault, a stream has exactly one end, and whatever was read can be
// told to every client. New formats join by their rows in the tables. FUZZ_SEED and FUZZ_RUNS choose another or a longer run.

import { describe, expect, test } from "bun:test";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Event, GatewayError, type Json, type JsonObject, isJsonObject } from "../../src/ir/index.ts";
import { type ChatWire, TARGETS, type TargetWire, WIRES } from "../../src/wire/index.ts";
import type { ClientContext } from "../../src/wire/type.ts";
import { listRecordings, readRecording } from "../fixture.ts";
import { createMutator } from "./mutate.ts";
import { decodeStream, encodeStream, replay } from "./replay.ts";
import { FACTS } from "./sample.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_125);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 250);
/** One body may not take longer, however odd it is; far beyond what any takes on a busy machine. */
const PATIENCE_MS = 5_000;

const CLIENTS: ChatWire[] = Object.values(WIRES).flatMap((wire) => (wire.operation === "chat" ? [wire] : []));
const PROVIDERS: TargetWire[] = [...TARGETS.values()];

const CLIENT: ClientContext = {
  request: { model: "any", messages: [], tools: [], stream: true, extra: {} },
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};

/** The surfaces of recordings by format; a format that has none is fed on golden files alone. */
const SURFACES: Readonly<Record<string, string>> = {
  "anthropic-messages": "anthropic",
  "bedrock-converse": "bedrock",
  "cohere-chat": "cohere",
  gemini: "gemini",
  "openai-chat": "chat",
  "openai-responses": "responses",
};

const GOLDEN = join(import.meta.dir, "..", "golden");

/** The inputs of the golden cases of one kind that are written in one format. */
function readGolden(id: string, kind: "request" | "response" | "stream"): string[] {
  const folders = readdirSync(GOLDEN).filter((name) => name.startsWith(`${id}--`));
  return folders.flatMap((folder) =>
    readdirSync(join(GOLDEN, folder)).flatMap((name) => {
      const [input = ""] = readFileSync(join(GOLDEN, folder, name), "utf8").split("\n----------\n");
      return input.startsWith(kind) ? [input.slice(input.indexOf("\n") + 1)] : [];
    }),
  );
}

function readRecorded(id: string): { requests: JsonObject[]; answers: string[] } {
  const surface = SURFACES[id];
  const rows = surface === undefined ? [] : listRecordings({ surface });
  const interactions = rows.flatMap(({ file }) => readRecording(file));
  return {
    requests: interactions.flatMap(({ request }) => toList(request?.body)),
    answers: interactions.flatMap(({ response }) => (response.status === 200 ? [response.body] : [])),
  };
}

function toList(body: JsonObject | null | undefined): JsonObject[] {
  return body === null || body === undefined ? [] : [body];
}

function parseObjects(texts: readonly string[]): JsonObject[] {
  return texts.flatMap((text) => {
    try {
      const value: Json = JSON.parse(text);
      return isJsonObject(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

/** Runs one step and returns what it gave; null where it threw an error of ours of one of the given kinds. */
function attempt<T>(kinds: readonly string[], input: unknown, step: () => T): T | null {
  const started = performance.now();
  try {
    return step();
  } catch (error) {
    if (error instanceof GatewayError && kinds.includes(error.kind)) return null;
    throw new Error(`${describeError(error)} on ${JSON.stringify(input)?.slice(0, 4000)}`, { cause: error });
  } finally {
    expect(performance.now() - started).toBeLessThan(PATIENCE_MS);
  }
}

function describeError(error: unknown): string {
  return error instanceof GatewayError ? `${error.kind}: ${error.message}` : String(error);
}

const UPSTREAM_FAULTS = ["upstream_malformed", "upstream_rejected"];

function tell(events: readonly Event[], input: unknown): void {
  for (const client of CLIENTS) {
    const text = attempt([], input, () => encodeStream(client, events, CLIENT));
    expect(text).toBeString();
  }
}

describe.each(CLIENTS.map((wire) => ({ wire, name: wire.id })))("requests of $name", ({ wire }) => {
  const samples = [...parseObjects(readGolden(wire.id, "request")), ...readRecorded(wire.id).requests];

  test("are read or refused by name, and so is their translation", () => {
    const mutator = createMutator(SEED, samples);
    let accepted = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const body = mutator.mutateValue(mutator.pick(samples));
      const address = { model: "any", stream: false };
      const request = attempt(["invalid_request"], body, () => {
        const peek = wire.peek(body, address);
        return wire.request.decode(body, peek);
      });
      if (request === null) continue;
      accepted += 1;
      for (const target of PROVIDERS) {
        attempt(["invalid_request"], body, () => JSON.stringify(target.request.encode(request, FACTS)));
      }
    }
    // Most mutations leave a body that can be read: a codec that refuses everything is not under test.
    expect(accepted).toBeGreaterThan(RUNS / 10);
  });
});

describe.each(PROVIDERS.map((wire) => ({ wire, name: wire.id })))("answers of $name", ({ wire }) => {
  const { answers } = readRecorded(wire.id);
  const whole = [...parseObjects(readGolden(wire.id, "response")), ...parseObjects(answers)];
  const streams = [
    ...readGolden(wire.id, "stream").map((text) => `${text}\n\n`),
    ...answers.filter((text) => /^(?:event|data):/m.test(text)),
  ];

  test("whole, are read or the upstream's fault, and can be told to every client", () => {
    const mutator = createMutator(SEED, whole);
    for (let run = 0; run < RUNS; run += 1) {
      const body = mutator.mutateValue(mutator.pick(whole));
      const response = attempt(UPSTREAM_FAULTS, body, () => wire.response.decode(body));
      if (response === null) continue;
      for (const client of CLIENTS) {
        expect(attempt([], body, () => JSON.stringify(client.response.encode(response, CLIENT)))).toBeString();
      }
      tell(replay(response), body);
    }
  });

  test("streamed, have exactly one end, and can be told to every client", () => {
    const mutator = createMutator(SEED, whole);
    for (let run = 0; run < RUNS; run += 1) {
      const text = mutator.mutateStream(mutator.pick(streams));
      const events = attempt([], text, () => decodeStream(wire, [text])) ?? [];
      expect(events.filter(({ type }) => type === "finish")).toHaveLength(1);
      expect(events.at(-1)?.type).toBe("finish");
      tell(events, text);
    }
  });

  test("errors of any form are read and told", () => {
    const mutator = createMutator(SEED, whole);
    for (let run = 0; run < RUNS; run += 1) {
      const body = mutator.mutateValue(mutator.pick(whole));
      const status = mutator.pick([400, 401, 404, 429, 500, 529, null]);
      const upstream = attempt([], body, () => wire.error.decode(status, body));
      if (upstream === null) throw new Error("unreadable");
      const error = new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
      for (const client of CLIENTS) {
        attempt([], body, () => JSON.stringify(client.error.encode(error, "req_1")));
        attempt([], body, () => client.error.encodeFrame(error, "req_1"));
      }
    }
  });
});
