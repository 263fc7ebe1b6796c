// Where a provider fails: tried again, or another one asked, until the first output has gone to the client; never for what nobody could do better.

import { afterEach, describe, expect, test } from "bun:test";
import { BOOK_RULES } from "../../src/ledger/index.ts";
import { findOpenIntents } from "../../src/store/journal/cursor.ts";
import { listSlots } from "../../src/store/journal/disk.ts";
import { type Rig, type Upstream, makeStream, readJson, makeRig } from "../rig.ts";
import {
  ASK,
  GOOD_STREAM,
  SECOND,
  START,
  broken,
  chunk,
  completion,
  isFirst,
  openFleet,
  refusal,
} from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

/** `openai` first, and where `others` are given these behind it. */
async function open(upstream: Upstream, others?: typeof SECOND | { provider: string; model: string }[]): Promise<Rig> {
  rig = await openFleet(upstream, others === undefined ? {} : { others });
  return rig;
}

/** Lets what waits for the clock get there, and moves it on, until the answer is there. */
async function advance<T>({ clock }: Rig, pending: Promise<T>): Promise<T> {
  let isDone = false;
  const settled = pending.finally(() => {
    isDone = true;
  });
  settled.catch(() => undefined);
  for (let round = 0; !isDone && round < 2_000; round++) {
    await new Promise(setImmediate);
    if (round % 20 === 19) clock.advance(100);
  }
  return settled;
}

describe("another provider is asked", () => {
  const faults: [string, Upstream][] = [
    ["that cannot be reached", () => Promise.reject(new Error("ECONNREFUSED"))],
    ...[401, 402, 403, 408, 409, 425, 429, 500, 502, 503, 529].map((status): [string, Upstream] => [
      `that says ${status}`,
      () => refusal(status),
    ]),
    ["that answers with a page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    [
      "whose answer breaks off",
      () => new Response('{"id":"x","choices":[', { headers: { "content-type": "application/json" } }),
    ],
  ];
  test.each(faults)("after one %s", async (_name, fault) => {
    const gateway = await open((call) => (isFirst(call.url) ? fault(call) : Response.json(completion("Hi"))), SECOND);
    const response = await gateway.chat(ASK);
    expect([response.status, (await readJson(response)).choices?.[0].message.content]).toEqual([200, "Hi"]);
    expect(response.headers.get("x-tokligence-attempts")).toBe("2");
    expect(response.headers.get("x-tokligence-provider")).toBe("local");
    expect(gateway.calls[1]?.body).toMatchObject({ model: "second" });
    const row = await gateway.row();
    expect(row.attempts.map(({ provider }) => provider)).toEqual(["openai", "local"]);
    expect(row).toMatchObject({ status: 200, errorKind: null, provider: "local", outputTokens: 3 });
  });

  test("in its own format, whatever the first one's was", async () => {
    const message = {
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-4-5",
      content: [{ type: "text", text: "Hi" }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 9, output_tokens: 3 },
    };
    const gateway = await open(
      ({ url }) => (isFirst(url) ? refusal(503) : Response.json(message)),
      [{ provider: "anthropic", model: "claude-sonnet-4-5" }],
    );
    const response = await gateway.chat(ASK);
    expect((await readJson(response)).choices[0].message.content).toBe("Hi");
    expect(gateway.calls[1]?.url).toBe("http://anthropic.test/v1/messages");
  });

  const starts: [string, Upstream][] = [
    ["breaks off before its first output", () => broken([START])],
    ["says nothing at all", () => makeStream([])],
    [
      "begins with an error",
      () => makeStream([`data: ${JSON.stringify({ error: { message: "overloaded", type: "server_error" } })}\n\n`]),
    ],
    [
      "begins, then says an error",
      () => makeStream([START, `data: ${JSON.stringify({ error: { message: "overloaded" } })}\n\n`]),
    ],
    ["refuses", () => refusal(503)],
  ];
  test.each(starts)("where a stream %s, and nothing of the first is seen", async (_name, fault) => {
    const gateway = await open((call) => (isFirst(call.url) ? fault(call) : makeStream(GOOD_STREAM)), SECOND);
    const response = await gateway.chat({ ...ASK, stream: true });
    const text = await response.text();
    expect(text).toContain("from the second");
    expect(text.match(/"role":"assistant"/gu)).toHaveLength(1);
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(text).not.toContain("overloaded");
    expect(response.headers.get("x-tokligence-attempts")).toBe("2");
    expect((await gateway.row()).attempts).toHaveLength(2);
  });

  test("where a stream stalls before its first output", async () => {
    const stall = (signal: AbortSignal): Response => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(START));
          signal.addEventListener("abort", () => controller.error(new Error("aborted")));
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    };
    const gateway = await open(({ url, signal }) => (isFirst(url) ? stall(signal) : makeStream(GOOD_STREAM)), SECOND);
    const pending = gateway.chat({ ...ASK, stream: true });
    while (gateway.calls.length === 0) await new Promise(setImmediate);
    for (let round = 0; round < 20; round++) await new Promise(setImmediate);
    gateway.clock.advance(30_000);
    const response = await pending;
    expect(await response.text()).toContain("from the second");
    expect((await gateway.row()).attempts.map(({ errorKind }) => errorKind)).toEqual(["timeout", null]);
  });
});

describe("no other is asked", () => {
  test.each([400, 404, 413, 422])("where the request itself is refused with %d", async (status) => {
    const gateway = await open(() => refusal(status), SECOND);
    const response = await gateway.chat(ASK);
    expect([response.status, (await readJson(response)).error.message]).toEqual([status, `no ${status}`]);
    expect(gateway.calls).toHaveLength(1);
    expect(response.headers.get("x-should-retry")).toBeNull();
  });

  test("where a stream begins with the word that the prompt is too long", async () => {
    const error = { message: "no", type: "invalid_request_error", code: "context_length_exceeded" };
    const gateway = await open(() => makeStream([`data: ${JSON.stringify({ error })}\n\n`]), SECOND);
    const response = await gateway.chat({ ...ASK, stream: true });
    expect([response.status, (await readJson(response)).error]).toMatchObject([400, error]);
    expect(gateway.calls).toHaveLength(1);
    expect(await gateway.row()).toMatchObject({ status: 400, errorKind: "upstream_rejected" });
  });

  test("where a stream has said something already: it ends with an error, not in silence", async () => {
    const gateway = await open(
      ({ url }) => (isFirst(url) ? broken([START, chunk({ delta: { content: "half" } })]) : makeStream(GOOD_STREAM)),
      SECOND,
    );
    const text = await (await gateway.chat({ ...ASK, stream: true })).text();
    expect(text).toContain("half");
    expect(text).toContain('"error"');
    expect(text).not.toContain("from the second");
    expect(gateway.calls).toHaveLength(1);
    expect(await gateway.row()).toMatchObject({ errorKind: "upstream_malformed", usageSource: "estimate" });
  });
});

test("one that asked for a pause is not asked before, though another that asked for less is", async () => {
  const asked: [host: string, ms: number][] = [];
  const gateway = await open(({ url }) => {
    asked.push([isFirst(url) ? "first" : "second", gateway.clock.monotonicMs()]);
    if (isFirst(url)) return refusal(429, { "retry-after": "60" });
    const isLate = asked.filter(([host]) => host === "second").length > 1;
    return isLate ? Response.json(completion("at last")) : refusal(429, { "retry-after-ms": "700" });
  }, SECOND);
  const response = await advance(gateway, gateway.chat(ASK));
  expect((await readJson(response)).choices[0].message.content).toBe("at last");
  expect(asked.map(([host]) => host)).toEqual(["first", "second", "second"]);
  expect((asked[2]?.[1] ?? 0) - (asked[1]?.[1] ?? 0)).toBeGreaterThanOrEqual(700);
});

describe("one provider alone", () => {
  test("is tried again after a while, and not before it asked to be", async () => {
    let calls = 0;
    const times: number[] = [];
    const gateway = await open(() => {
      times.push(gateway.clock.monotonicMs());
      calls++;
      return calls < 3 ? refusal(429, { "retry-after-ms": "700" }) : Response.json(completion("at last"));
    });
    const response = await advance(gateway, gateway.chat(ASK));
    expect((await readJson(response)).choices[0].message.content).toBe("at last");
    expect(response.headers.get("x-tokligence-attempts")).toBe("3");
    for (const index of [1, 2]) expect((times[index] ?? 0) - (times[index - 1] ?? 0)).toBeGreaterThanOrEqual(700);
  });

  test("that goes on failing is told of in its own words, and the client is told not to try again", async () => {
    const gateway = await open(() => refusal(503));
    const response = await advance(gateway, gateway.chat(ASK));
    expect([response.status, (await readJson(response)).error.message]).toEqual([503, "no 503"]);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(gateway.calls).toHaveLength(3);
    const row = await gateway.row();
    expect(row.attempts.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(row).toMatchObject({ status: 503, errorKind: "upstream_rejected", outputTokens: null });
  });

  test("that asks for more time than there is is not waited for", async () => {
    const gateway = await open(() => refusal(429, { "retry-after": "3600" }));
    const response = await gateway.chat(ASK);
    expect(response.status).toBe(429);
    expect(gateway.calls).toHaveLength(1);
  });

  test("that asks for more time than any number holds is told as one that asks for a year", async () => {
    const gateway = await open(() => refusal(429, { "retry-after": "9".repeat(400) }));
    const response = await gateway.send("/v1/messages", { body: { ...ASK, max_tokens: 9 } });
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, String(365 * 86_400)]);
  });

  test.each([
    ["by its own clock", { date: "Wed, 01 Oct 2025 08:00:00 GMT", "retry-after": "Wed, 01 Oct 2025 08:00:03 GMT" }],
    ["by ours, where it says no time", null],
  ])("is not asked before the date that it named, %s", async (_, named) => {
    const times: number[] = [];
    const gateway = await open(() => {
      const { clock } = gateway;
      times.push(clock.monotonicMs());
      const date = new Date((Math.floor(clock.wallMs() / 1000) + 4) * 1000).toUTCString();
      return times.length < 2 ? refusal(429, named ?? { "retry-after": date }) : Response.json(completion("at last"));
    });
    const response = await advance(gateway, gateway.chat(ASK));
    expect((await readJson(response)).choices[0].message.content).toBe("at last");
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(3_000);
  });

  test("is not called again once the client has left", async () => {
    const gateway = await open(() => refusal(503));
    const client = new AbortController();
    const pending = gateway.chat(ASK, { signal: client.signal });
    while (gateway.calls.length === 0) await new Promise(setImmediate);
    for (let round = 0; round < 20; round++) await new Promise(setImmediate);
    client.abort();
    await pending.catch(() => undefined);
    gateway.clock.advance(60_000);
    expect(gateway.calls).toHaveLength(1);
    expect(await gateway.row()).toMatchObject({ status: 499, errorKind: "cancelled" });
  });

  test("is not asked more often than its share of calls allows", async () => {
    const gateway = await open(() => refusal(503));
    for (let call = 0; call < 30; call++) {
      const response = await advance(gateway, gateway.chat(ASK));
      // Nor is it by the client, however few calls were left for this request.
      expect(response.headers.get("x-should-retry")).toBe("false");
    }
    // Ten retries that are always there, and one for every fifth call.
    expect(gateway.calls.length).toBeLessThanOrEqual(30 + 10 + 6);
    expect(gateway.calls.length).toBeGreaterThan(30);
  });
});

describe("a stream that fails before its first output at every provider", () => {
  test.each([
    ["rate_limit_error", 429],
    ["overloaded_error", 503],
    ["server_error", 502],
  ])("in the word %s: %d in the client's dialect", async (type, status) => {
    const error = { type, message: "not now" };
    const frame = `event: error\ndata: ${JSON.stringify({ type: "error", error })}\n\n`;
    const gateway = await open(() => makeStream([frame]), SECOND);
    const body = { ...ASK, max_tokens: 9, stream: true };
    const response = await advance(gateway, gateway.send("/v1/messages", { body }));
    const told = await readJson(response);
    expect([response.status, told.type, told.error.message]).toEqual([status, "error", "not now"]);
    const headers = ["x-should-retry", "x-tokligence-attempts"].map((name) => response.headers.get(name));
    expect(headers).toEqual(["false", "3"]);
    expect(await gateway.row()).toMatchObject({ status, errorKind: "upstream_rejected" });
  });
});

describe("on the books", () => {
  const readAnnounced = ({ config }: Rig): unknown[] => {
    const slots = listSlots(config.ledgerPath);
    const location = config.ledgerPath;
    const lying = (slot: number) => ({ location, slot, rules: BOOK_RULES });
    return slots.flatMap((slot) => findOpenIntents(lying(slot), 0)).map(({ intent }) => intent);
  };
  const sha256 = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("base64url");
  /** A stream that tells what it read, and breaks off before it wrote anything. */
  const counted = `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [], usage: { prompt_tokens: 9, completion_tokens: 0, total_tokens: 9 } })}\n\n`;

  test("the hashes are those of the attempt that answered, not of all together", async () => {
    const answer = JSON.stringify(completion("Hi"));
    const gateway = await open(
      ({ url }) =>
        isFirst(url)
          ? Response.json({ id: "x", choices: 7 })
          : new Response(answer, { headers: { "content-type": "application/json" } }),
      SECOND,
    );
    expect((await gateway.chat(ASK)).status).toBe(200);
    const row = await gateway.row();
    expect(row.attempts).toHaveLength(2);
    expect(row.responseHash).toBe(sha256(answer));
    expect(row.requestHash).toBe(sha256(gateway.calls[1]?.text ?? ""));
  });

  test("between two calls stands what came of the first", async () => {
    const gateway = await open(() => refusal(503, { "retry-after": "20" }));
    const client = new AbortController();
    const pending = gateway.chat(ASK, { signal: client.signal }).catch(() => undefined);
    const failed = { attempts: [{ provider: "openai", status: 503, errorKind: "upstream_rejected" }] };
    let announced: unknown[] = [];
    for (let round = 0; round < 2_000 && !Bun.deepMatch([failed], announced); round++) {
      await new Promise(setImmediate);
      announced = readAnnounced(gateway);
    }
    expect(announced).toMatchObject([failed]);
    client.abort();
    await pending;
    expect([await gateway.row(), readAnnounced(gateway)]).toMatchObject([{ status: 499, ...failed }, []]);
  });

  test("each call is announced before it is made: as under way, and with what those before it used", async () => {
    const announced: unknown[] = [];
    const gateway = await open(({ url }) => {
      announced.push(...readAnnounced(gateway));
      return isFirst(url) ? broken([START, counted]) : makeStream(GOOD_STREAM);
    }, SECOND);
    await (await gateway.chat({ ...ASK, stream: true })).text();
    const underWay = { status: null, errorKind: "interrupted" };
    expect(announced).toMatchObject([
      { provider: "openai", attempts: [{ provider: "openai", model: "gpt-4o", ...underWay }] },
      {
        provider: "local",
        freshInputTokens: 9,
        usageSource: "estimate",
        costNanos: 9 * 2_500,
        attempts: [
          { provider: "openai", status: 200, errorKind: "upstream_malformed", costNanos: 9 * 2_500 },
          { provider: "local", model: "second", ...underWay },
        ],
      },
    ]);
  });

  test("a provider that is not called, as the books took no announcement, is not counted as one that was", async () => {
    let announced = 0;
    rig = await makeRig({
      upstream: () => refusal(503),
      config: (config) => ({
        ...config,
        travel: { ...config.travel, maxAttempts: 3 },
        routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...SECOND], origin: "test" }],
      }),
      ledger: (writer) => ({
        ...writer,
        intend: (...given) =>
          ++announced === 1
            ? writer.intend(...given)
            : {
                ticket: { number: -1, isOver: true, before: given[1] ?? null },
                durable: Promise.reject(new Error("full")),
              },
      }),
    });
    const response = await advance(rig, rig.chat(ASK));
    expect([response.status, (await readJson(response)).error.code]).toEqual([503, "ledger_unavailable"]);
    expect([rig.calls.length, response.headers.get("x-tokligence-attempts")]).toEqual([1, "1"]);
    const row = await rig.row();
    expect([row.provider, row.attempts.length, row.errorKind]).toEqual(["openai", 1, "overloaded"]);
  });

  test("a second provider whose price nobody knows, where that is refused, says less than the failure of the first", async () => {
    rig = await makeRig({
      upstream: () => refusal(503),
      config: (config) => ({
        ...config,
        providers: config.providers.map((each) =>
          each.name === "local" ? { ...each, onUnknownPrice: "refuse" as const } : each,
        ),
        travel: { ...config.travel, maxAttempts: 2 },
        routes: [{ pattern: "gpt-4o", targets: [{ provider: "openai", model: null }, ...SECOND], origin: "test" }],
      }),
    });
    const response = await advance(rig, rig.chat(ASK));
    expect([response.status, (await readJson(response)).error.message]).toEqual([503, "no 503"]);
    const row = await rig.row();
    expect([row.provider, row.attempts.map(({ provider }) => provider)]).toEqual(["openai", ["openai"]]);
  });
});
