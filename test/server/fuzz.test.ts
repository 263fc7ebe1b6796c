// Bounded fuzzing of the whole gateway: damaged requests at every chat surface, damaged answers from every kind of provider. Nothing hangs or
// is called our fault, each request has its one row, and memory stays flat. FUZZ_SEED and FUZZ_RUNS choose another or a longer run.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type JsonObject, isJsonObject } from "../../src/ir/index.ts";
import { listRecordings, readRecording } from "../fixture.ts";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import { type Mutator, createMutator } from "../wire/mutate.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_125);
const RUNS = Number(process.env["FUZZ_RUNS"] ?? 120);

const SURFACES = [
  { surface: "chat", path: "/v1/chat/completions" },
  { surface: "responses", path: "/v1/responses" },
  { surface: "anthropic", path: "/v1/messages" },
  { surface: "gemini", path: "/v1beta/models/local/any:generateContent" },
];
/** The kinds of providers, and the recordings that they answer with. */
const ANSWERING = [
  { surface: "chat", model: "local/any" },
  { surface: "responses", model: "openai/gpt-5-codex" },
  { surface: "anthropic", model: "anthropic/claude-sonnet-5-5" },
  { surface: "gemini", model: "google/gemini-3-pro-preview" },
];

let rig: Rig;
let answer: () => Response = () => new Response();

beforeAll(async () => {
  const google = { name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: "AIza-test" } as const;
  rig = await makeRig({
    upstream: (call) => (call.method === "GET" ? Response.json({ data: [] }) : answer()),
    config: (config) => ({ ...config, providers: [...config.providers, makeProviderSettings(google)] }),
  });
});
afterAll(() => rig.close());

const interactions = (surface: string) => listRecordings({ surface }).flatMap(({ file }) => readRecording(file));
const readRequests = (surface: string): JsonObject[] =>
  interactions(surface).flatMap(({ request }) => (isJsonObject(request?.body) ? [request.body] : []));
const readAnswers = (surface: string): string[] =>
  interactions(surface).flatMap(({ response }) => (response.status === 200 ? [response.body] : []));

const COMPLETION = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "any",
  choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

const countRows = async (): Promise<number> => (await rig.store.ledger.summarize({})).consume.requests;

describe.each(SURFACES)("damaged requests at $path", ({ surface, path }) => {
  test("are answered, or refused as the client's fault, and each has a row", async () => {
    answer = () => Response.json(COMPLETION);
    const samples = readRequests(surface);
    const mutator = createMutator(SEED, samples);
    const before = await countRows();
    for (let run = 0; run < RUNS; run += 1) {
      const { stream: _stream, ...body } = mutator.mutateValue(mutator.pick(samples));
      const response = await rig.send(path, { body: "model" in body ? { ...body, model: "local/any" } : body });
      const text = await response.text();
      if (response.status >= 500) throw new Error(`${response.status} ${text}\nfor ${JSON.stringify(body)}`);
    }
    expect((await countRows()) - before).toBe(RUNS);
  });
});

describe.each(ANSWERING)("damaged answers of $model", ({ surface, model }) => {
  const answers = readAnswers(surface);
  const donors = answers.flatMap((text) => (text.startsWith("{") ? [JSON.parse(text) as JsonObject] : []));

  const ask = async (mutator: Mutator, stream: boolean): Promise<void> => {
    const streams = answers.filter((text) => !text.startsWith("{"));
    answer = stream
      ? () =>
          new Response(mutator.mutateStream(mutator.pick(streams)), {
            headers: { "content-type": "text/event-stream" },
          })
      : () => Response.json(mutator.mutateValue(mutator.pick(donors)));
    for (const path of ["/v1/chat/completions", "/v1/messages"]) {
      const body = { model, stream, max_tokens: 99, messages: [{ role: "user", content: "hi" }] };
      const response = await rig.send(path, { body });
      const text = await response.text();
      // What is wrong is the provider's fault, and is said so.
      if (response.status !== 200) expect([400, 401, 404, 429, 502, 503, 529]).toContain(response.status);
      if (response.status === 500) throw new Error(text);
    }
  };

  test.each([false, true])("streamed: %p", async (stream) => {
    const mutator = createMutator(SEED, donors);
    const before = await countRows();
    for (let run = 0; run < RUNS; run += 1) await ask(mutator, stream);
    expect((await countRows()) - before).toBe(2 * RUNS);
  });
});

test("memory is flat", async () => {
  const answers = readAnswers("chat").filter((text) => !text.startsWith("{"));
  const mutator = createMutator(SEED, [{ a: 1 }]);
  answer = () =>
    new Response(mutator.mutateStream(mutator.pick(answers)), { headers: { "content-type": "text/event-stream" } });
  const body = { model: "local/any", stream: true, max_tokens: 9, messages: [{ role: "user", content: "hi" }] };
  const work = async (): Promise<number> => {
    for (let run = 0; run < 200; run += 1) await (await rig.send("/v1/messages", { body })).text();
    // What the test itself keeps is not the gateway's.
    rig.calls.length = 0;
    rig.log.length = 0;
    Bun.gc(true);
    return process.memoryUsage().heapUsed;
  };
  await work();
  const first = await work();
  const second = await work();
  expect(second - first).toBeLessThan(4 * 1024 * 1024);
});
