// A second target beside a slow one, as clients and the books meet it: who answers, who is hung up on, and what both cost.

import { afterEach, describe, expect, test } from "bun:test";
import type { LedgerEntry } from "../../src/ledger/index.ts";
import { type Actor, HEDGED, type Stage, openStage, sayAs } from "./hedge-scene.ts";

let stage: Stage | null = null;
afterEach(() => stage?.rig.close().finally(() => (stage = null)));

const open = async (init?: Parameters<typeof openStage>[0]): Promise<Stage> => (stage = await openStage(init));

const ask = (at: Stage, isStream: boolean, signal?: AbortSignal): Promise<Response> =>
  at.rig.chat(
    { model: "smart", stream: isStream, messages: [{ role: "user", content: "Hello there" }] },
    signal === undefined ? {} : { signal },
  );

/** All that a call says, to its end. */
function answer(actor: Actor, isStream: boolean): void {
  if (!isStream) return actor.answer(sayAs(actor));
  actor.begin();
  actor.speak(actor.host);
  actor.finish();
}

const refuse = (actor: Actor, status: number): void =>
  actor.answer(Response.json({ error: { message: `no ${status}`, type: "server_error" } }, { status }));

const summarize = (row: LedgerEntry) => ({
  provider: row.provider,
  status: row.status,
  errorKind: row.errorKind,
  tokens: [row.freshInputTokens, row.outputTokens],
  costNanos: row.costNanos,
  attempts: row.attempts.map(({ provider, status, errorKind, usage, costNanos }) => [
    provider,
    status,
    errorKind,
    usage?.freshInputTokens ?? null,
    usage?.outputTokens ?? null,
    costNanos ?? null,
  ]),
});

/** "Hello there" is three tokens by our own count, at 2.50 USD a million. */
const CUT_AT_OPENAI = ["openai", null, "cancelled", 3, 0, 7_500];
const ANSWERED_BY_OPENAI = ["openai", 200, null, 10, 5, 75_000];
/** At 3 and 15 USD a million. */
const CUT_AT_ANTHROPIC = ["anthropic", null, "cancelled", 3, 0, 9_000];
const ANSWERED_BY_ANTHROPIC = ["anthropic", 200, null, 10, 5, 105_000];

describe.each([false, true])("stream: %p", (isStream) => {
  test("the first is slow: the second answers, the first is hung up on, and both are paid for", async () => {
    const at = await open();
    const response = ask(at, isStream);
    const first = await at.called(1);
    at.clock.advance(399);
    expect(at.actors).toHaveLength(1);
    at.clock.advance(1);
    const second = await at.called(2);
    expect([first.host, second.host]).toEqual(["openai", "anthropic"]);
    expect(first.isCut()).toBe(false);
    answer(second, isStream);
    const got = await response;
    expect(first.isCut()).toBe(true);
    expect(await got.text()).toContain("anthropic");
    expect(got.headers.get("x-tokligence-attempts")).toBe("2");
    expect(got.headers.get("x-tokligence-provider")).toBe("anthropic");
    expect(summarize(await at.rig.row())).toEqual({
      provider: "anthropic",
      status: 200,
      errorKind: null,
      tokens: [13, 5],
      costNanos: 112_500,
      attempts: [CUT_AT_OPENAI, ANSWERED_BY_ANTHROPIC],
    });
    expect(at.rig.ledger.figures().openIntents).toBe(0);
  });

  test("the first answers after all: the second is hung up on", async () => {
    const at = await open();
    const response = ask(at, isStream);
    const first = await at.called(1);
    at.clock.advance(400);
    const second = await at.called(2);
    answer(first, isStream);
    const got = await response;
    expect(await got.text()).toContain("openai");
    expect(second.isCut()).toBe(true);
    expect(got.headers.get("x-tokligence-attempts")).toBe("2");
    const row = await at.rig.row();
    // The price of the one that answered, and each attempt's own.
    expect([row.priceId, ...row.attempts.map(({ price }) => price?.id)]).toEqual([
      "openai/gpt-4o",
      "openai/gpt-4o",
      "anthropic/claude-sonnet-4-5",
    ]);
    expect(summarize(row)).toEqual({
      provider: "openai",
      status: 200,
      errorKind: null,
      tokens: [13, 5],
      costNanos: 84_000,
      attempts: [ANSWERED_BY_OPENAI, CUT_AT_ANTHROPIC],
    });
  });

  test("the first fails late: that is no failure of the request", async () => {
    const at = await open();
    const response = ask(at, isStream);
    const first = await at.called(1);
    at.clock.advance(400);
    const second = await at.called(2);
    refuse(first, 503);
    answer(second, isStream);
    expect(await (await response).text()).toContain("anthropic");
    expect(summarize(await at.rig.row()).attempts).toEqual([
      ["openai", 503, "upstream_rejected", null, null, null],
      ANSWERED_BY_ANTHROPIC,
    ]);
  });

  test("the second fails while the first runs: the first is waited for", async () => {
    const at = await open();
    const response = ask(at, isStream);
    const first = await at.called(1);
    at.clock.advance(400);
    const second = await at.called(2);
    second.reset();
    answer(first, isStream);
    const got = await response;
    expect(await got.text()).toContain("openai");
    expect(summarize(await at.rig.row()).attempts).toEqual([
      ANSWERED_BY_OPENAI,
      ["anthropic", null, "upstream_unavailable", null, null, null],
    ]);
  });

  test("the first never says anything, and does not notice that it was hung up on", async () => {
    const at = await open({ isDeaf: true });
    const response = ask(at, isStream);
    await at.called(1);
    at.clock.advance(400);
    answer(await at.called(2), isStream);
    expect(await (await response).text()).toContain("anthropic");
    expect(summarize(await at.rig.row())).toMatchObject({
      costNanos: 112_500,
      attempts: [CUT_AT_OPENAI, ANSWERED_BY_ANTHROPIC],
    });
    // Should it say something in the end, nobody hears it.
    answer(at.actors[0] as Actor, isStream);
    at.clock.advance(120_000);
    expect(await at.rig.rows()).toHaveLength(1);
  });

  test("both fail: the client has the first's failure, and both are on the row", async () => {
    const at = await open();
    const response = ask(at, isStream);
    const first = await at.called(1);
    at.clock.advance(400);
    const second = await at.called(2);
    refuse(second, 500);
    refuse(first, 503);
    const got = await response;
    expect([got.status, got.headers.get("x-should-retry")]).toEqual([503, "false"]);
    expect(got.headers.get("x-tokligence-attempts")).toBe("2");
    expect(await got.text()).toContain("no 503");
    expect(summarize(await at.rig.row())).toEqual({
      provider: "openai",
      status: 503,
      errorKind: "upstream_rejected",
      tokens: [null, null],
      costNanos: null,
      attempts: [
        ["openai", 503, "upstream_rejected", null, null, null],
        ["anthropic", 500, "upstream_rejected", null, null, null],
      ],
    });
    expect(at.actors).toHaveLength(2);
  });

  test("both fail, and a third call is left: it is made once the wait is over", async () => {
    const at = await open({ maxAttempts: 3 });
    const response = ask(at, isStream);
    const first = await at.called(1);
    at.clock.advance(400);
    const second = await at.called(2);
    refuse(first, 503);
    refuse(second, 500);
    // The wait begins as soon as both are on record.
    while (at.actors.length < 3) {
      at.clock.advance(100);
      await new Promise(setImmediate);
    }
    const third = await at.called(3);
    answer(third, isStream);
    const got = await response;
    expect(got.status).toBe(200);
    await got.text();
    expect((await at.rig.row()).attempts.map(({ status }) => status)).toEqual([503, 500, 200]);
  });

  test("the client leaves: both are hung up on at once, and both are on the row", async () => {
    const at = await open();
    const client = new AbortController();
    const response = ask(at, isStream, client.signal).catch(() => null);
    const first = await at.called(1);
    at.clock.advance(400);
    const second = await at.called(2);
    client.abort();
    expect([first.isCut(), second.isCut()]).toEqual([true, true]);
    await response;
    expect(summarize(await at.rig.row())).toEqual({
      provider: "openai",
      status: 499,
      errorKind: "cancelled",
      tokens: [6, 0],
      costNanos: 16_500,
      attempts: [CUT_AT_OPENAI, CUT_AT_ANTHROPIC],
    });
    expect(at.rig.ledger.figures().openIntents).toBe(0);
  });

  test("no more than one call for ten is made beside others, but for the first two", async () => {
    const at = await open();
    for (let turn = 1; turn <= 23; turn++) {
      const before = at.actors.length;
      const response = ask(at, isStream);
      const first = await at.called(before + 1);
      at.clock.advance(400);
      // Long enough for a second call to be on the books, and made.
      for (let tick = 0; tick < 50; tick++) await new Promise(setImmediate);
      answer(first, isStream);
      await (await response).text();
    }
    expect(at.actors.filter(({ host }) => host === "anthropic")).toHaveLength(4);
    expect(at.actors.filter(({ host }) => host === "openai")).toHaveLength(23);
  });

  test("who answers in time is left alone", async () => {
    const at = await open();
    const response = ask(at, isStream);
    const first = await at.called(1);
    at.clock.advance(300);
    answer(first, isStream);
    await (await response).text();
    at.clock.advance(100_000);
    expect(at.actors).toHaveLength(1);
    expect((await at.rig.row()).attempts).toHaveLength(1);
  });

  test("where one call is all that may be made, nobody is asked beside it", async () => {
    const at = await open({ maxAttempts: 1 });
    const response = ask(at, isStream);
    const first = await at.called(1);
    at.clock.advance(5_000);
    await new Promise(setImmediate);
    answer(first, isStream);
    await (await response).text();
    expect(at.actors).toHaveLength(1);
  });

  test("how slow is too slow: what the target's own answers take, once so many are known", async () => {
    const at = await open({ routes: { smart: { ...HEDGED.smart, hedge: "yes" } } });
    for (let turn = 1; turn <= 20; turn++) {
      const response = ask(at, isStream);
      const first = await at.called(turn);
      at.clock.advance(turn * 10);
      answer(first, isStream);
      await (await response).text();
    }
    // The nineteenth of twenty.
    const response = ask(at, isStream);
    const first = await at.called(21);
    at.clock.advance(189);
    expect(at.actors).toHaveLength(21);
    at.clock.advance(1);
    answer(await at.called(22), isStream);
    await (await response).text();
    expect(first.isCut()).toBe(true);
  });

  test("as long as little is known, it is what the gateway's settings say", async () => {
    const at = await open({ routes: { smart: { ...HEDGED.smart, hedge: "p95" } } });
    const response = ask(at, isStream);
    await at.called(1);
    at.clock.advance(9_999);
    expect(at.actors).toHaveLength(1);
    at.clock.advance(1);
    answer(await at.called(2), isStream);
    await (await response).text();
  });
});

test("a stream that has only begun has said nothing yet", async () => {
  const at = await open();
  const response = ask(at, true);
  const first = await at.called(1);
  first.begin();
  at.clock.advance(400);
  const second = await at.called(2);
  second.begin();
  second.speak("anthropic");
  const got = await response;
  expect(first.isCut()).toBe(true);
  second.finish();
  expect(await got.text()).toContain("anthropic");
  expect(summarize(await at.rig.row()).attempts).toEqual([
    ["openai", 200, "cancelled", 3, 0, 7_500],
    ANSWERED_BY_ANTHROPIC,
  ]);
});

test("the client leaves a stream that was won: its own figures, and the loser's, once", async () => {
  const at = await open();
  const client = new AbortController();
  const response = ask(at, true, client.signal);
  await at.called(1);
  at.clock.advance(400);
  const second = await at.called(2);
  second.begin();
  second.speak("Good day to you!");
  await response;
  client.abort();
  expect(second.isCut()).toBe(true);
  await at.rig.ledger.drain();
  const row = await at.rig.row();
  expect([row.provider, row.errorKind, row.freshInputTokens, row.outputTokens]).toEqual([
    "anthropic",
    "cancelled",
    13,
    4,
  ]);
  expect(row.attempts).toHaveLength(2);
});

test("breakers and loads: a loser is neither well nor ill, and nothing stays under way", async () => {
  const at = await open();
  for (let turn = 0; turn < 2; turn++) {
    const before = at.actors.length;
    const response = ask(at, false);
    await at.called(before + 1);
    at.clock.advance(400);
    answer(await at.called(before + 2), false);
    await (await response).text();
  }
  const root = await at.rig.issue("root_admin");
  const health = await at.rig.send("/api/v1/admin/health/providers", { token: root.token });
  const text = await health.text();
  expect(health.status).toBe(200);
  expect(text).not.toMatch(/"in_flight":\s*[1-9]/u);
  expect(text).not.toContain('"open"');
});

test("a second that cannot be told what is asked is no failure of the first, and no call", async () => {
  const targets = "openai/text-embedding-3-small, anthropic/claude-sonnet-4-5";
  const at = await open({ routes: { smart: { targets, hedge: "400ms" } } });
  const response = at.rig.send("/v1/embeddings", { body: { model: "smart", input: "Hello there" } });
  const first = await at.called(1);
  at.clock.advance(400);
  await new Promise(setImmediate);
  first.answer(sayAs(first));
  const got = await response;
  expect([got.status, got.headers.get("x-tokligence-attempts")]).toEqual([200, "1"]);
  await got.text();
  expect((await at.rig.row()).attempts).toHaveLength(1);
});

describe("on every surface", () => {
  const messages = [{ role: "user", content: "Hello there" }];
  test.each([
    ["/v1/chat/completions", { messages }, "openai/gpt-4o, local/b"],
    ["/v1/embeddings", { input: "Hello there" }, "openai/text-embedding-3-small, local/b"],
    ["/v1/responses", { input: "Hello there" }, "openai/gpt-4o, local/b"],
    ["/v1/messages", { max_tokens: 9, messages }, "anthropic/claude-sonnet-4-5, local/b"],
    [
      "/v1beta/models/smart:generateContent",
      { contents: [{ role: "user", parts: [{ text: "Hi" }] }] },
      "openai/gpt-4o, local/b",
    ],
  ])("%s", async (path, body, targets) => {
    const at = await open({ routes: { smart: { targets, hedge: "400ms" } } });
    const response = at.rig.send(path, { body: { model: "smart", ...body } });
    const first = await at.called(1);
    at.clock.advance(400);
    const second = await at.called(2);
    second.answer(sayAs(second));
    const got = await response;
    expect([got.status, got.headers.get("x-tokligence-attempts")]).toEqual([200, "2"]);
    await got.text();
    expect(first.isCut()).toBe(true);
    const row = await at.rig.row();
    expect(row.attempts.map(({ provider, errorKind }) => [provider, errorKind])).toEqual([
      [first.host, "cancelled"],
      [second.host, null],
    ]);
  });
});
