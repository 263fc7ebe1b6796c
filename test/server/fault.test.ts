// Every fault × every stage × whole or streamed × every surface, over real sockets: what the client is told, what stands on the row, and how long it
// takes by the clock. Where nothing has gone to the client yet, another provider takes over; where something has, none is asked.

import { afterEach, describe, expect, test } from "bun:test";
import { isDue } from "../clock.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../config/tls.ts";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import { type FaultyUpstream, type Step, openFaulty } from "../upstream/faulty.ts";
import {
  EARLY,
  FIRST_OUTPUT_MS,
  type Fault,
  GOOD,
  HEADER_MS,
  IDLE_MS,
  LATE,
  OPENING,
  TOTAL_MS,
  WHOLE,
} from "./fault-case.ts";

interface Surface {
  path(stream: boolean): string;
  body(stream: boolean): object;
  /** Whether a stream of it has an error in it. */
  isError(text: string): boolean;
  /** The words of an error that is no stream's. */
  message(body: Body): unknown;
}

interface Body {
  error?: { message?: unknown };
}

const MESSAGES = [{ role: "user", content: "Hello there" }];
const message = ({ error }: Body): unknown => error?.message;

const SURFACES: Record<string, Surface> = {
  chat: {
    path: () => "/v1/chat/completions",
    body: (stream) => ({ model: "m", messages: MESSAGES, stream }),
    isError: (text) => /^data: \{"error":/mu.test(text) && !text.includes("[DONE]"),
    message,
  },
  responses: {
    path: () => "/v1/responses",
    body: (stream) => ({ model: "m", input: "Hello there", stream }),
    isError: (text) => /^event: (?:error|response\.failed)$/mu.test(text) && !text.includes("response.completed"),
    message,
  },
  messages: {
    path: () => "/v1/messages",
    body: (stream) => ({ model: "m", max_tokens: 99, messages: MESSAGES, stream }),
    isError: (text) => /^event: error$/mu.test(text) && !text.includes("message_stop"),
    message,
  },
  gemini: {
    path: (stream) => `/v1beta/models/m:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
    body: () => ({ contents: [{ role: "user", parts: [{ text: "Hello there" }] }] }),
    isError: (text) => /^data: \{"error":/mu.test(text),
    message,
  },
  "gemini as an array": {
    path: (stream) => `/v1beta/models/m:${stream ? "streamGenerateContent" : "generateContent"}`,
    body: () => ({ contents: [{ role: "user", parts: [{ text: "Hello there" }] }] }),
    isError: (text) => (JSON.parse(text) as Body[]).at(-1)?.error !== undefined,
    message,
  },
};

const EMBEDDINGS: Surface = {
  path: () => "/v1/embeddings",
  body: () => ({ model: "m", input: "Hello there" }),
  isError: () => false,
  message,
};

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

interface Scene {
  rig: Rig;
  first: FaultyUpstream;
  second: FaultyUpstream;
}

/** `first` fails; `second`, where it is to be asked, does not. */
async function open(
  { steps, connection }: Fault,
  good: Step[],
  hasSecond: boolean,
  kind = "compatible",
): Promise<Scene> {
  const first = openFaulty([steps], connection === "tls" ? { cert: CERTIFICATE, key: PRIVATE_KEY } : undefined);
  const second = openFaulty([good]);
  if (connection === "refused") first.stop();
  const scheme = connection === "tls" ? "https" : "http";
  const at = (name: string, address: string) =>
    makeProviderSettings({ name, kind: "openai", baseUrl: `${address}/v1` });
  const targets = [
    { provider: "first", model: null },
    ...(hasSecond ? [{ provider: "second", model: null }] : []),
  ] as const;
  const rig = await makeRig({
    upstream: ({ url, method, headers, text, signal }) => {
      if (method === "GET") return Response.json({ data: [] });
      headers.set("connection", "close");
      return fetch(url, { method, headers, body: text, signal, keepalive: false });
    },
    config: (config) => ({
      ...config,
      timeouts: {
        ...config.timeouts,
        upstream: { connect: 10_000, firstOutput: FIRST_OUTPUT_MS, header: HEADER_MS, idle: IDLE_MS, total: TOTAL_MS },
      },
      travel: { ...config.travel, maxAttempts: hasSecond ? 2 : 1 },
      providers: [
        at("first", `${scheme}://127.0.0.1:${first.port}`),
        at("second", `http://127.0.0.1:${second.port}`),
      ].map((provider) => ({
        ...provider,
        kind,
        options: kind === "compatible" ? { formats: "chat, embeddings" } : {},
      })),
      routes: [{ pattern: "m", targets: [...targets] as never, origin: "test" }],
    }),
  });
  close = async () => {
    first.stop();
    second.stop();
    await rig.close();
  };
  return { rig, first, second };
}

/** Moves the clock on once the provider has done its part, until it is hung up on. */
async function ask({ rig, first }: Scene, { path, body }: Surface, stream: boolean, fault: Fault) {
  const pending = rig
    .send(path(stream), { body: body(stream) })
    .then(async (response) => ({ response, text: await read(response, first.go) }));
  if (fault.afterMs !== undefined) {
    await first.said(1);
    const isCut = (): boolean => rig.calls[0]?.signal.aborted === true;
    const stepMs = fault.afterMs === HEADER_MS ? HEADER_MS : IDLE_MS;
    const { clock } = rig;
    // What was said is on its way: the time does not run before it is there.
    while (!isDue(clock, stepMs)) await new Promise(setImmediate);
    while (!isCut()) {
      clock.advance(5_000);
      if (fault.afterMs === stepMs) await new Promise(setImmediate);
      else while (!isCut() && !isDue(clock, stepMs)) await dripOnce(first);
    }
  }
  return pending;
}

async function dripOnce(provider: FaultyUpstream): Promise<void> {
  provider.drip();
  for (let round = 0; round < 20; round++) await new Promise(setImmediate);
}

/** The whole text; `began` is called with its first piece. */
async function read({ body }: Response, began: () => void): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of body ?? []) {
    if (text === "") began();
    text += decoder.decode(piece, { stream: true });
  }
  return text;
}

function checkTime(row: { latencyMs: number }, { afterMs }: Fault): void {
  if (afterMs === undefined) return expect(row.latencyMs).toBe(0);
  expect(row.latencyMs).toBeGreaterThanOrEqual(afterMs);
  expect(row.latencyMs).toBeLessThan(2 * afterMs);
}

/** What is only forwarded, and tried once. */
const FORWARDED: Record<string, Surface> = {
  completions: {
    path: () => "/v1/completions",
    body: (stream) => ({ model: "m", prompt: "Hello there", stream }),
    isError: (text) => /^data: \{"error":/mu.test(text),
    message,
  },
  moderations: {
    path: () => "/v1/moderations",
    body: () => ({ model: "m", input: "Hello there" }),
    isError: () => false,
    message,
  },
};

describe.each(Object.entries(FORWARDED))("%s, whole", (_surface, surface) => {
  test.each(Object.entries({ ...EARLY, ...WHOLE }))("%s is told", async (_name, fault) => {
    const scene = await open(fault, GOOD.whole, false, "openai");
    const { response, text } = await ask(scene, surface, false, fault);
    expect(response.status).toBe(fault.status);
    expect(typeof surface.message(JSON.parse(text))).toBe("string");
    expect(scene.first.asked()).toBeLessThanOrEqual(1);
    const row = await scene.rig.row();
    expect(row).toMatchObject({ status: fault.status, errorKind: fault.kind });
    expect(row.attempts.map(({ errorKind }) => errorKind)).toEqual([fault.kind]);
    checkTime(row, fault);
  });
});

const STREAMED = { ...EARLY, ...OPENING };
delete (STREAMED as Record<string, Fault>)["200 with nothing"];

describe.each(Object.entries({ ...SURFACES, embeddings: EMBEDDINGS }))("%s, whole", (name, surface) => {
  const good = name === "embeddings" ? GOOD.vectors : GOOD.whole;
  const faults = Object.entries({ ...EARLY, ...WHOLE });

  test.each(faults)("%s is told", async (_name, fault) => {
    const scene = await open(fault, good, false);
    const { response, text } = await ask(scene, surface, false, fault);
    expect(response.status).toBe(fault.status);
    expect(typeof surface.message(JSON.parse(text))).toBe("string");
    for (const [header, value] of Object.entries(fault.headers ?? {})) expect(response.headers.get(header)).toBe(value);
    const row = await scene.rig.row();
    expect(row).toMatchObject({ status: fault.status, errorKind: fault.kind });
    expect(row.attempts.map(({ errorKind }) => errorKind)).toEqual([fault.kind]);
    checkTime(row, fault);
  });

  test.each(faults)("%s, and another provider answers", async (_name, fault) => {
    const scene = await open(fault, good, true);
    const { response } = await ask(scene, surface, false, fault);
    expect([response.status, response.headers.get("x-tokligence-attempts")]).toEqual([200, "2"]);
    const row = await scene.rig.row();
    expect(row.attempts.map(({ provider, errorKind }) => [provider, errorKind])).toEqual([
      ["first", fault.kind],
      ["second", null],
    ]);
    checkTime(row, fault);
  });
});

describe.each(Object.entries(SURFACES))("%s, streamed", (_surface, surface) => {
  test.each(Object.entries(STREAMED))("%s is told", async (_name, fault) => {
    const scene = await open(fault, GOOD.stream, false);
    const { response, text } = await ask(scene, surface, true, fault);
    expect([response.status, response.headers.get("x-tokligence-attempts")]).toEqual([fault.status, "1"]);
    expect(response.headers.get("content-type")).toStartWith("application/json");
    expect(typeof surface.message(JSON.parse(text))).toBe("string");
    const row = await scene.rig.row();
    expect(row).toMatchObject({ status: fault.status, errorKind: fault.kind });
    expect(row.attempts.map(({ errorKind }) => errorKind)).toEqual([fault.kind]);
    checkTime(row, fault);
  });

  test.each(Object.entries(STREAMED))("%s, and another provider answers", async (_name, fault) => {
    const scene = await open(fault, GOOD.stream, true);
    const { response, text } = await ask(scene, surface, true, fault);
    expect([response.status, response.headers.get("x-tokligence-attempts")]).toEqual([200, "2"]);
    expect(text).toContain("from the second");
    expect(surface.isError(text)).toBe(false);
    const row = await scene.rig.row();
    expect(row.attempts.map(({ provider, errorKind }) => [provider, errorKind])).toEqual([
      ["first", fault.kind],
      ["second", null],
    ]);
    checkTime(row, fault);
  });

  test.each(Object.entries(OPENING).filter(([, { afterMs }]) => afterMs === undefined))(
    "%s at every provider: told once, and not to be tried again",
    async (_name, fault) => {
      const scene = await open(fault, fault.steps, true);
      const { response, text } = await ask(scene, surface, true, fault);
      const told = ["x-should-retry", "x-tokligence-attempts"].map((name) => response.headers.get(name));
      expect([response.status, ...told]).toEqual([fault.status, "false", "2"]);
      expect(typeof surface.message(JSON.parse(text))).toBe("string");
      const row = await scene.rig.row();
      expect(row).toMatchObject({ status: fault.status, errorKind: fault.kind });
      expect(row.attempts.map(({ provider, errorKind }) => [provider, errorKind])).toEqual([
        ["first", fault.kind],
        ["second", fault.kind],
      ]);
    },
  );

  test.each(Object.entries(LATE))("%s is told, and nobody else is asked", async (_name, fault) => {
    const scene = await open(fault, GOOD.stream, true);
    const { response, text } = await ask(scene, surface, true, fault);
    expect([response.status, response.headers.get("x-tokligence-attempts")]).toEqual([200, "1"]);
    expect(text).toContain("from the first");
    expect(surface.isError(text)).toBe(true);
    expect(scene.second.asked()).toBe(0);
    const row = await scene.rig.row();
    expect(row).toMatchObject({ status: 200, errorKind: fault.kind });
    expect(row.attempts.map(({ errorKind }) => errorKind)).toEqual([fault.kind]);
    checkTime(row, fault);
  });
});
