// What is no chat and leaves nothing behind travels as a chat does: to the provider's next key and the route's next target, until one answers; what
// makes or changes an object is asked of one provider, once.

import { afterEach, describe, expect, test } from "bun:test";
import { readRoute } from "../../src/config/route.ts";
import {
  type Rig,
  type Upstream,
  type UpstreamCall,
  makeProviderSettings,
  makeRig,
  makeStream,
  readJson,
} from "../rig.ts";
import { broken, refusal } from "./failover-scene.ts";
import { hostOf } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

interface Scene {
  /** Of the first provider. */
  first: Upstream;
  second?: Upstream;
  route?: Record<string, string>;
  maxAttempts?: number;
  /** Labels of the first one's keys. */
  keys?: readonly string[];
}

async function open({ first, second = good, route = {}, maxAttempts = 3, keys }: Scene): Promise<Rig> {
  const fields = new Map(Object.entries({ targets: "one/first, two/second", ...route }));
  const { rules, faults } = readRoute("any", fields, { providers: ["one", "two"], origin: "test" });
  expect(faults).toEqual([]);
  const pool = keys?.map((label) => ({ label, apiKey: `sk-canary-one-${label}`, weight: 1 }));
  const spare = (name: string) =>
    makeProviderSettings({
      name,
      kind: "compatible",
      baseUrl: `http://${name}.test/v1`,
      apiKey: `sk-canary-${name}-0`,
    });
  rig = await makeRig({
    upstream: (call) => (hostOf(call.url) === "one" ? first(call) : second(call)),
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts },
      providers: [
        ...config.providers,
        { ...spare("one"), ...(pool === undefined ? {} : { keys: pool }) },
        spare("two"),
      ],
      routes: rules,
    }),
  });
  return rig;
}

/** What a provider of everything says. */
function good({ url }: UpstreamCall): Response {
  if (url.endsWith("/speech")) return new Response("sound", { headers: { "content-type": "audio/mpeg" } });
  return Response.json({
    id: "r",
    model: "second-1",
    text: "heard",
    data: [],
    results: [],
    choices: [{ index: 0, text: "heard" }],
  });
}

const SOUND = "RIFF".repeat(5_000);

/** The model in the middle: some of it stands before what is read first, and some behind. */
function makeForm(name: string): FormData {
  const form = new FormData();
  form.set("prompt", "A fox");
  form.set("model", "any");
  form.set(name, new Blob([SOUND], { type: "audio/wav" }), "clip.wav");
  return form;
}

const CALLS: [string, () => unknown][] = [
  ["/v1/completions", () => ({ model: "any", prompt: "Say hello" })],
  ["/v1/moderations", () => ({ model: "any", input: "x" })],
  ["/v1/rerank", () => ({ model: "any", query: "x", documents: ["a"] })],
  ["/v1/images/generations", () => ({ model: "any", prompt: "A fox" })],
  ["/v1/images/edits", () => makeForm("image")],
  ["/v1/audio/speech", () => ({ model: "any", input: "four" })],
  ["/v1/audio/transcriptions", () => makeForm("file")],
  ["/v1/audio/translations", () => makeForm("file")],
];

/** Never answers, and stops when it is hung up on. */
const hang: Upstream = ({ signal }) =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));

const FAULTS: [string, Upstream][] = [
  ["that cannot be reached", () => Promise.reject(new Error("ECONNREFUSED"))],
  ["that says 401", () => refusal(401)],
  ["that says 429", () => refusal(429)],
  ["that says 503", () => refusal(503)],
  ["that refuses with status 200", () => Response.json({ error: { message: "Not now.", type: "server_error" } })],
  ["that says nothing", () => Response.json({})],
  ["that has nothing where its answer would be", () => Response.json({ created: 1, data: null, results: null })],
  ["that is down behind a page", () => new Response("<h1>down</h1>", { status: 502 })],
  ["that answers with a page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
  ["whose answer breaks off", () => broken([])],
  ["that is silent", hang],
];

/** Lets what waits for the clock get there, and moves it on, until the answer is there. */
async function advance<T>({ clock, calls }: Rig, pending: Promise<T>): Promise<T> {
  let isDone = false;
  const settled = pending.finally(() => {
    isDone = true;
  });
  settled.catch(() => undefined);
  for (let round = 0; !isDone; round++) {
    await new Promise(setImmediate);
    if (calls.length > 0 && round % 20 === 19) clock.advance(1_000);
  }
  return settled;
}

const CASES = CALLS.flatMap(([path, body]) => FAULTS.map(([what, fault]) => [path, what, body, fault] as const));

/** A form as the provider read it. */
const readForm = async ({ text, headers }: UpstreamCall) =>
  new Response(text, { headers: { "content-type": headers.get("content-type") ?? "" } }).formData();

describe("the next target answers", () => {
  test.each(CASES)("%s, after one %s", async (path, _what, body, fault) => {
    const gateway = await open({ first: fault });
    const response = await advance(gateway, gateway.send(path, { body: body() }));
    expect(response.status).toBe(200);
    expect(response.headers.get("x-tokligence-attempts")).toBe("2");
    expect(response.headers.get("x-tokligence-provider")).toBe("two");
    await response.text();
    const [, asked] = gateway.calls;
    if (asked?.headers.get("content-type")?.startsWith("multipart/") === true) {
      const form = await readForm(asked);
      expect([form.get("model"), form.get("prompt")]).toEqual(["second", "A fox"]);
      const file = form.get("file") ?? form.get("image");
      expect(file instanceof Blob ? await file.text() : null).toBe(SOUND);
    } else {
      expect(asked?.body).toMatchObject({ model: "second" });
    }
    const row = await gateway.row();
    expect(row).toMatchObject({ status: 200, errorKind: null, provider: "two", modelAsked: "any" });
    expect(row.attempts.map(({ provider, model }) => [provider, model])).toEqual([
      ["one", "first"],
      ["two", "second"],
    ]);
    expect(row.attempts[0]?.errorKind).not.toBeNull();
  });
});

describe("the provider's next key answers", () => {
  test.each(CALLS)("%s, after one that is void or has spent its share", async (path, body) => {
    for (const status of [401, 429]) {
      const gateway = await open({
        keys: ["a", "b"],
        first: (call) =>
          call.headers.get("authorization")?.endsWith("a") === true
            ? refusal(status, { "retry-after": "3600" })
            : good(call),
        route: { targets: "one/first" },
      });
      const accounts: unknown[] = [];
      for (let call = 0; call < 3; call++) {
        const response = await gateway.send(path, { body: body() });
        expect(response.status).toBe(200);
        await response.text();
      }
      for (const { attempts } of (await gateway.rows()).toReversed())
        accounts.push(attempts.map(({ account }) => account));
      // The first key is asked once, and left alone from then on.
      expect(accounts).toEqual([["a", "b"], ["b"], ["b"]]);
      await rig?.close();
      rig = null;
    }
  });
});

describe("the client is told", () => {
  test.each(CALLS)("%s: what nobody could do better, at once", async (path, body) => {
    const gateway = await open({ first: () => refusal(400) });
    const response = await gateway.send(path, { body: body() });
    expect([response.status, (await readJson(response)).error.message]).toEqual([400, "no 400"]);
    expect(response.headers.get("x-should-retry")).toBeNull();
    expect(gateway.calls).toHaveLength(1);
    expect((await gateway.row()).attempts).toHaveLength(1);
  });

  test.each(CALLS)("%s: the last one's own words where all failed, and not to try again", async (path, body) => {
    const gateway = await open({ first: () => refusal(500), second: () => refusal(503), maxAttempts: 2 });
    const response = await advance(gateway, gateway.send(path, { body: body() }));
    expect([response.status, (await readJson(response)).error.message]).toEqual([503, "no 503"]);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(response.headers.get("x-tokligence-attempts")).toBe("2");
    const row = await gateway.row();
    expect(row).toMatchObject({ status: 503, errorKind: "upstream_rejected", provider: "two" });
    expect(row.attempts.map(({ status }) => status)).toEqual([500, 503]);
  });
});

test("a pause that was asked for is kept, and no more is tried than the route allows", async () => {
  const gateway = await open({
    first: () => refusal(429, { "retry-after": "3" }),
    route: { targets: "one/first", max_attempts: "2" },
    maxAttempts: 5,
  });
  const startedMs = gateway.clock.monotonicMs();
  const response = await advance(gateway, gateway.send("/v1/moderations", { body: { model: "any", input: "x" } }));
  expect(response.status).toBe(429);
  expect(gateway.calls).toHaveLength(2);
  expect(gateway.clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(3_000);
});

describe("a stream", () => {
  const word = (text: string): string => `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, text }] })}\n\n`;
  const whole = (): Response => makeStream([word("from the second"), "data: [DONE]\n\n"]);
  const ASK = { model: "any", prompt: "Say hello", stream: true };

  test.each<[string, Upstream]>([
    ["breaks off before its first word", () => broken([])],
    ["tells an error instead", () => makeStream([`data: ${JSON.stringify({ error: { message: "overloaded" } })}\n\n`])],
    ["never begins", ({ signal }) => makeSilent(signal)],
  ])("that %s is another one's", async (_what, first) => {
    const gateway = await open({ first, second: whole });
    const response = await advance(gateway, gateway.send("/v1/completions", { body: ASK }));
    expect(await response.text()).toContain("from the second");
    expect((await gateway.row()).attempts.map(({ provider, errorKind }) => [provider, errorKind === null])).toEqual([
      ["one", false],
      ["two", true],
    ]);
  });

  test("of which a word is out already is nobody else's", async () => {
    const gateway = await open({ first: () => broken([word("from the first")]), second: whole });
    const text = await (await gateway.send("/v1/completions", { body: ASK })).text();
    expect(text).toContain("from the first");
    expect(text).toContain("broke off");
    expect(gateway.calls).toHaveLength(1);
  });

  test("of sound that breaks off before its first byte is another one's, and after it nobody's", async () => {
    const sound =
      (pieces: string[]): Upstream =>
      () => {
        const { body } = broken(pieces);
        return new Response(body, { headers: { "content-type": "audio/mpeg" } });
      };
    const gateway = await open({ first: sound([]) });
    const speak = () => gateway.send("/v1/audio/speech", { body: { model: "any", input: "four" } });
    expect(await (await speak()).text()).toBe("sound");
    await rig?.close();
    rig = null;
    const silent = await open({
      first: () => new Response(new Uint8Array(), { headers: { "content-type": "audio/mpeg" } }),
    });
    expect(await (await silent.send("/v1/audio/speech", { body: { model: "any", input: "four" } })).text()).toBe(
      "sound",
    );
    await silent.close();
    rig = null;
    const other = await open({ first: sound(["half of it"]) });
    await expect(
      (await other.send("/v1/audio/speech", { body: { model: "any", input: "four" } })).text(),
    ).rejects.toThrow();
    expect(other.calls).toHaveLength(1);
  });
});

test("a text of nothing is what was heard in silence", async () => {
  const gateway = await open({ first: () => new Response("", { headers: { "content-type": "text/plain" } }) });
  const response = await gateway.send("/v1/audio/transcriptions", { body: makeForm("file") });
  expect([response.status, await response.text(), gateway.calls.length]).toEqual([200, "", 1]);
});

test("who makes an object is asked once", async () => {
  const gateway = await open({ first: () => refusal(503), second: () => refusal(503) });
  const headers = { "x-tokligence-provider": "one" };
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new Blob(["{}"]), "a.jsonl");
  expect((await gateway.send("/v1/files", { body: form, headers })).status).toBe(503);
  expect(gateway.calls).toHaveLength(1);
});

/** Headers, and then nothing until it is hung up on. */
function makeSilent(signal: AbortSignal): Response {
  const body = new ReadableStream({
    start: (controller) => signal.addEventListener("abort", () => controller.error(new Error("aborted"))),
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
