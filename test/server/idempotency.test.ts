// Calls of one key that name themselves alike: made once, answered alike, and booked as what they were.

import { afterEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { type Rig, type UpstreamCall, makeRig, readJson } from "../rig.ts";
import type { Config } from "../../src/config/value.ts";
import { ASKS, answerAny, streamPieces } from "./cache-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

interface Held {
  gateway: Rig;
  /** Lets the provider answer, or goes on with its stream by so many pieces. */
  release(pieces?: number): void;
  fail(): void;
  signals: AbortSignal[];
}

/** A provider that waits for the test: before a whole answer, and before each piece of a stream but the first two. */
async function open(config: (config: Config) => Config = (each) => each): Promise<Held> {
  const signals: AbortSignal[] = [];
  let calls = 0;
  let released = 0;
  let isFailing = false;
  let wake = Promise.withResolvers<void>();
  const until = async (count: number, signal: AbortSignal): Promise<void> => {
    const gone = new Promise<never>((_resolve, reject) =>
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")), { once: true }),
    );
    gone.catch(() => undefined);
    while (released < count) await Promise.race([wake.promise, gone]);
  };
  const upstream = async (call: UpstreamCall): Promise<Response> => {
    if (call.method === "GET") return answerAny(call, "");
    const text = `answer ${++calls} of all`;
    signals.push(call.signal);
    if ((call.body as { stream?: boolean }).stream !== true) {
      await until(1, call.signal);
      if (isFailing) return Response.json({ error: { message: "no more", type: "x" } }, { status: 400 });
      return answerAny(call, text);
    }
    const encoder = new TextEncoder();
    const pieces = streamPieces(text);
    let at = 0;
    const body = new ReadableStream({
      async pull(controller) {
        if (at >= 2) await until(at - 1, call.signal);
        const piece = pieces[at++];
        if (piece === undefined) controller.close();
        else controller.enqueue(encoder.encode(piece));
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
  rig = await makeRig({ upstream, config });
  const go = (count: number): void => {
    released += count;
    wake.resolve();
    wake = Promise.withResolvers();
  };
  return {
    gateway: rig,
    signals,
    release: (pieces = 100) => go(pieces),
    fail() {
      isFailing = true;
      go(100);
    },
  };
}

const ASK = { model: "local/m", messages: [{ role: "user", content: "Hello there" }] };
const NAMED = { "idempotency-key": "order-1" };
const wordOf = (response: Response): string | null => response.headers.get("x-tokligence-cache");
const turns = async (count = 30): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};
const withoutComments = (text: string): string => text.replaceAll(/^:.*\n\n/gmu, "");

/** Rows in the order of their calls. */
const readRows = async (gateway: Rig) =>
  (await gateway.rows()).toSorted((left, right) => (left.id < right.id ? -1 : 1));

describe.each(ASKS)("$name", ({ path, body, stream }) => {
  test("two at once are one call, and both have all of its answer", async () => {
    const { gateway, release } = await open();
    const first = gateway.send(path, { body, headers: NAMED });
    await turns();
    const second = gateway.send(path, { body, headers: NAMED });
    await turns();
    release();
    const answers = await Promise.all([first, second]);
    const [one, other] = await Promise.all(answers.map((response) => response.text()));
    expect(gateway.calls).toHaveLength(1);
    expect(withoutComments(other ?? "")).toBe(withoutComments(one ?? ""));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map((response) => response.headers.get("content-type"))).toEqual(
      Array.from({ length: 2 }, () => answers[0]?.headers.get("content-type") ?? ""),
    );
    expect(answers.map(wordOf)).toEqual(["off", "shared"]);
    expect(answers.map((response) => response.headers.get("idempotent-replayed"))).toEqual([null, "true"]);
    expect(new Set(answers.map((response) => response.headers.get("x-request-id"))).size).toBe(2);
    const third = await gateway.send(path, { body, headers: NAMED });
    expect([withoutComments(await third.text()), wordOf(third), gateway.calls.length]).toEqual([
      withoutComments(one ?? ""),
      "shared",
      1,
    ]);
    const [paid, ...given] = await readRows(gateway);
    expect(paid).toMatchObject({ provider: "local", reason: null, status: 200, errorKind: null, freshInputTokens: 9 });
    expect(given).toHaveLength(2);
    for (const row of given) {
      expect(row).toMatchObject({
        provider: "cache",
        reason: `idempotency:${paid?.id}`,
        status: 200,
        errorKind: null,
        streamed: stream,
        outputTokens: 0,
        costNanos: 0,
      });
      expect(row.units?.["saved_tokens"]).toBe((paid?.freshInputTokens ?? 0) + (paid?.outputTokens ?? 0));
    }
  });

  test("another request of the same name is refused in its own words, while the first runs and after", async () => {
    const { gateway, release } = await open();
    const first = gateway.send(path, { body, headers: NAMED });
    await turns();
    const other = { ...body, user: "somebody-else" };
    const refuse = async () => {
      const response = await gateway.send(path, { body: other, headers: NAMED });
      const { error } = await readJson(response);
      return [response.status, error.message.includes("Idempotency-Key"), response.headers.get("x-should-retry")];
    };
    expect(await refuse()).toEqual([409, true, "false"]);
    release();
    await (await first).text();
    expect(await refuse()).toEqual([409, true, "false"]);
    expect((await readRows(gateway)).map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      200, 409, 409,
    ]);
  });

  test("one who leaves takes nothing from the other; the last one ends the call", async () => {
    const { gateway, release, signals } = await open();
    const [ana, ben] = [new AbortController(), new AbortController()];
    const first = gateway.send(path, { body, headers: NAMED, signal: ana.signal });
    await turns();
    const second = gateway.send(path, { body, headers: NAMED, signal: ben.signal });
    await turns();
    ana.abort();
    await turns();
    expect(signals[0]?.aborted).toBe(false);
    release();
    expect((await (await second).text()).length).toBeGreaterThan(10);
    first.then(
      (response) => response.body?.cancel(),
      () => undefined,
    );
    await turns();
    expect((await readRows(gateway)).map(({ status, errorKind }) => [status, errorKind])).toEqual([
      [200, null],
      [200, null],
    ]);
  });

  test("when all have left, the provider is told at once, and each row says so", async () => {
    const { gateway, signals } = await open();
    const [ana, ben] = [new AbortController(), new AbortController()];
    const asks = [ana, ben].map(async ({ signal }) => {
      const response = await gateway.send(path, { body, headers: NAMED, signal });
      await response.text();
    });
    await turns();
    ana.abort();
    ben.abort();
    await Promise.allSettled(asks);
    await turns();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect((await readRows(gateway)).map(({ status, errorKind }) => [status, errorKind])).toEqual([
      [499, "cancelled"],
      [499, "cancelled"],
    ]);
  });
});

test("a failure is all of theirs, and the name is free again", async () => {
  const { gateway, fail } = await open();
  const asks = [gateway.chat(ASK, { headers: NAMED }), gateway.chat(ASK, { headers: NAMED })];
  await turns();
  fail();
  const answers = await Promise.all(asks);
  expect(answers.map(({ status }) => status)).toEqual([400, 400]);
  expect(await answers[1]?.text()).toBe(await answers[0]?.text());
  expect(gateway.calls).toHaveLength(1);
  const rows = await readRows(gateway);
  expect(rows.map(({ provider, status, errorKind }) => [provider, status, errorKind])).toEqual([
    ["local", 400, "upstream_rejected"],
    ["cache", 400, "upstream_rejected"],
  ]);
  await gateway.chat(ASK, { headers: NAMED });
  expect(gateway.calls).toHaveLength(2);
});

test("a failure before any answer, too", async () => {
  const { gateway } = await open();
  const headers = { ...NAMED, "x-tokligence-strict": "true" };
  const body = { ...ASK, model: "nobody-knows" };
  const answers = await Promise.all([gateway.chat(body, { headers }), gateway.chat(body, { headers })]);
  expect(answers.map(({ status }) => status)).toEqual([404, 404]);
  expect((await readRows(gateway)).map(({ status, errorKind }) => [status, errorKind])).toEqual([
    [404, "not_found"],
    [404, "not_found"],
  ]);
});

test("a name is one API key's and one address's alone", async () => {
  const { gateway, release } = await open();
  release();
  const ana = await gateway.issue();
  const ben = await gateway.issue();
  for (const { token } of [ana, ben, ana]) await gateway.chat(ASK, { token, headers: NAMED });
  expect(gateway.calls).toHaveLength(2);
  const messages = { ...ASK, max_tokens: 5 };
  const other = await gateway.send("/v1/messages", { body: messages, token: ana.token, headers: NAMED });
  expect([other.status, gateway.calls.length]).toEqual([200, 3]);
});

test("once idempotency_window is over, or where it is 0, a finished answer is not given again", async () => {
  const { gateway, release } = await open((config) => ({
    ...config,
    idempotency: { ...config.idempotency, windowMs: 60_000 },
  }));
  release();
  const ask = async () => wordOf(await gateway.chat(ASK, { headers: NAMED }));
  expect([await ask(), await ask()]).toEqual(["off", "shared"]);
  gateway.clock.advance(60_001);
  expect([await ask(), await ask()]).toEqual(["off", "shared"]);
  gateway.clock.advance(60_001);
  gateway.app.reload({ ...gateway.config, idempotency: { ...gateway.config.idempotency, windowMs: 0 } });
  expect([await ask(), await ask()]).toEqual(["off", "off"]);
});

test("what must not be stored is shared while it runs, and no longer", async () => {
  const { gateway, release } = await open();
  const headers = { ...NAMED, "cache-control": "no-store" };
  const asks = [gateway.chat(ASK, { headers }), gateway.chat(ASK, { headers })];
  await turns();
  release();
  expect((await Promise.all(asks)).map(wordOf)).toEqual(["off", "shared"]);
  expect(wordOf(await gateway.chat(ASK, { headers }))).toBe("off");
  expect(gateway.calls).toHaveLength(2);
});

test("off, names mean nothing", async () => {
  const { gateway, release } = await open((config) => ({
    ...config,
    idempotency: { ...config.idempotency, isOn: false },
  }));
  release();
  await Promise.all([gateway.chat(ASK, { headers: NAMED }), gateway.chat(ASK, { headers: NAMED })]);
  expect(gateway.calls).toHaveLength(2);
});

test("with the cache on, the first of them may be given what is there, and the others with it", async () => {
  const { gateway, release } = await open((config) => ({ ...config, cache: { ...config.cache, store: "memory" } }));
  release();
  await gateway.chat(ASK);
  const answers = await Promise.all([gateway.chat(ASK, { headers: NAMED }), gateway.chat(ASK, { headers: NAMED })]);
  expect(answers.map(wordOf)).toEqual(["hit", "shared"]);
  expect(gateway.calls).toHaveLength(1);
});

test("finished answers take no more than idempotency_max_bytes", async () => {
  const { gateway, release } = await open((config) => ({
    ...config,
    idempotency: { ...config.idempotency, maxBytes: 3_000 },
  }));
  release();
  for (let index = 0; index < 20; index++) {
    await gateway.chat(ASK, { headers: { "idempotency-key": `k${index}` } });
  }
  const admin = await gateway.issue("gateway_admin");
  const { idempotency } = await readJson(await gateway.send("/api/v1/admin/cache", { token: admin.token }));
  expect(idempotency.bytes).toBeLessThanOrEqual(3_000);
  expect(idempotency.finished).toBeGreaterThan(1);
  expect(wordOf(await gateway.chat(ASK, { headers: { "idempotency-key": "k19" } }))).toBe("shared");
  expect(wordOf(await gateway.chat(ASK, { headers: { "idempotency-key": "k0" } }))).toBe("off");
});

test("the vendor's own client gets one answer for one name", async () => {
  const { gateway, release } = await open();
  release();
  const { token } = await gateway.issue();
  const client = new OpenAI({ apiKey: token, baseURL: "http://gateway.test/v1", fetch: gateway.fetch });
  const ask = () =>
    client.chat.completions.create(
      { model: "local/m", messages: [{ role: "user", content: "Hello" }] },
      { headers: { "Idempotency-Key": "one" } },
    );
  const [one, other] = await Promise.all([ask(), ask()]);
  expect(other).toEqual(one);
  const stream = () =>
    client.chat.completions.create(
      { model: "local/m", messages: [{ role: "user", content: "Hello" }], stream: true },
      { headers: { "Idempotency-Key": "two" } },
    );
  const texts = await Promise.all(
    [await stream(), await stream()].map(async (chunks) => {
      let text = "";
      for await (const each of chunks) text += each.choices[0]?.delta.content ?? "";
      return text;
    }),
  );
  expect(texts).toEqual(["answer 2 of all", "answer 2 of all"]);
  expect(gateway.calls).toHaveLength(2);
});
