// Counting again behind a whole gateway: how a closed tokenizer is learned and held to, what is kept of the text (nothing), and what the
// operator and users read of it.

import { afterEach, expect, test } from "bun:test";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createTokenizers } from "../../src/audit/recount/vocabulary.ts";
import type { Config } from "../../src/config/value.ts";
import { readRecounts, settleRecounts } from "../recounting.ts";
import { type Rig, type Upstream, makeProviderSettings, makeRig, makeStream, readJson } from "../rig.ts";

const { count } = await createTokenizers(new Map())("o200k_base");

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function open(upstream: Upstream, recount: Partial<Config["recount"]> = {}): Promise<Rig> {
  rig = await makeRig({
    upstream,
    config: (config) => ({
      ...config,
      providers: [
        makeProviderSettings({
          name: "claudes",
          kind: "anthropic",
          baseUrl: "https://claude.test",
          apiKey: "k-0123456789",
        }),
        makeProviderSettings({
          name: "geminis",
          kind: "gemini",
          baseUrl: "https://gemini.test/v1beta",
          apiKey: "k-0123456789",
        }),
        makeProviderSettings({ name: "gpts", kind: "openai", baseUrl: "https://gpt.test/v1", apiKey: "k-0123456789" }),
      ],
      recount: { ...config.recount, isOn: true, ...recount },
    }),
  });
  return rig;
}

const WORDS =
  "the of and a to in is you that it he was for on are as with his they I at be this have from or one had by word".split(
    " ",
  );

/** Text that looks written, from a seed. */
function write(seed: number, words: number): string {
  let state = seed + 1;
  return Array.from({ length: words }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return WORDS[state % WORDS.length];
  }).join(" ");
}

/** A vendor whose own tokenizer makes a quarter more of the same text, give or take. */
function countAsVendor(text: string, factor: number): number {
  return Math.round((count(text) * 1.25 + (text.length % 7) - 3) * factor);
}

/** Answers with `factor` times what it used. */
function makeVendor(factor: () => number): Upstream {
  return ({ body }) => {
    const asked = body as { messages: { content: string }[] };
    const prompt = asked.messages.map(({ content }) => content).join("");
    const said = write(prompt.length, 120);
    return Response.json({
      id: "msg_1",
      type: "message",
      role: "assistant",
      model: "claude-opus-4-5",
      content: [{ type: "text", text: said }],
      stop_reason: "end_turn",
      usage: { input_tokens: countAsVendor(prompt, factor()), output_tokens: countAsVendor(said, factor()) },
    });
  };
}

const ask = async (gateway: Rig, seed: number): Promise<void> => {
  const messages = [{ role: "user", content: write(seed, 150 + (seed % 90)) }];
  const body = { model: "claudes/claude-opus-4-5", max_tokens: 500, messages };
  await (await gateway.send("/v1/messages", { body })).text();
};

test("a closed tokenizer is learned from the provider's own history, and then held against it", async () => {
  let factor = 1;
  const gateway = await open(makeVendor(() => factor));
  const verdicts = async (from: number, to: number): Promise<(string | null)[]> => {
    for (let seed = from; seed < to; seed++) {
      await ask(gateway, seed);
      await settleRecounts(gateway.recounter);
    }
    return [...(await readRecounts(gateway.store)).values()].slice(from, to).map((row) => row?.verdict ?? null);
  };
  expect(new Set(await verdicts(0, 40))).toEqual(new Set(["within"]));
  const learned = [...(await readRecounts(gateway.store)).values()].at(-1);
  expect(learned).toMatchObject({ method: "estimate", reason: "format", state: "counted" });
  const told = /^o200k_base:claude\/anthropic-messages x([\d.]+)\((\d+)\)\//u;
  const [, ratio = "", rows = ""] = told.exec(learned?.tokenizer ?? "") ?? [];
  // A quarter more than ours, where a sixth is usual.
  expect(Number(ratio)).toBeCloseTo(1.25 / 1.17, 1);
  expect(Number(rows)).toBe(39);
  factor = 1.2;
  expect(new Set(await verdicts(40, 50))).toEqual(new Set(["over"]));
  factor = 0.8;
  expect(new Set(await verdicts(50, 60))).toEqual(new Set(["under"]));
  // What was found wrong has taught nothing.
  factor = 1;
  expect(new Set(await verdicts(60, 70))).toEqual(new Set(["within"]));
});

test.each([1.3, 1.6, 2])(
  "a closed tokenizer's count that is %p times too high from the first call on is flagged with it, and goes on being so",
  async (factor) => {
    const gateway = await open(makeVendor(() => factor));
    for (let seed = 0; seed < 12; seed++) {
      await ask(gateway, seed);
      await settleRecounts(gateway.recounter);
    }
    const verdicts = [...(await readRecounts(gateway.store)).values()].map((row) => row?.verdict);
    expect(verdicts).toEqual(Array.from({ length: 12 }, () => "over"));
  },
);

test("thoughts that nobody is shown are held against nobody, and text beside them is", async () => {
  let [thoughts, factor] = [5_000, 1];
  const gateway = await open(({ body }) => {
    const [message] = (body as { contents: { parts: { text: string }[] }[] }).contents;
    const prompt = message?.parts[0]?.text ?? "";
    const said = write(prompt.length, 300);
    return Response.json({
      candidates: [{ content: { role: "model", parts: [{ text: said }] }, finishReason: "STOP", index: 0 }],
      usageMetadata: {
        promptTokenCount: count(prompt),
        candidatesTokenCount: Math.round(count(said) * factor),
        thoughtsTokenCount: thoughts,
        totalTokenCount: 0,
      },
      modelVersion: "gemini-2.5-pro",
    });
  });
  const verdict = async (seed: number): Promise<string | null | undefined> => {
    const messages = [{ role: "user", content: write(seed, 200) }];
    await (await gateway.chat({ model: "geminis/gemini-2.5-pro", messages })).text();
    await settleRecounts(gateway.recounter);
    return [...(await readRecounts(gateway.store)).values()].at(-1)?.verdict;
  };
  expect([await verdict(1), await verdict(2)]).toEqual(["within", "within"]);
  thoughts = 90_000;
  expect(await verdict(3)).toBe("within");
  factor = 1.8;
  expect(await verdict(4)).toBe("over");
});

test("a single turn is read as a list of it is", async () => {
  const gateway = await open(() =>
    Response.json({
      candidates: [{ content: { role: "model", parts: [{ text: "Hi" }] }, finishReason: "STOP", index: 0 }],
      usageMetadata: { promptTokenCount: 200, candidatesTokenCount: 1, totalTokenCount: 201 },
    }),
  );
  const contents = { parts: { text: write(1, 200) } };
  await (await gateway.send("/v1/models/geminis/gemini-2.5-pro:generateContent", { body: { contents } })).text();
  await settleRecounts(gateway.recounter);
  const [recount] = [...(await readRecounts(gateway.store)).values()];
  expect(recount?.inputTokens).toBeGreaterThan(190);
});

/** A chat of which exact counts are known, told with other figures. */
const CHAT = { model: "gpts/gpt-4o", messages: [{ role: "user", content: "Say hi in Portuguese" }] };
function answerChat(usage: { prompt_tokens: number; completion_tokens: number }, content = "Oi!"): Response {
  const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
  return Response.json({ id: "c", object: "chat.completion", created: 1, model: "gpt-4o-2024-08-06", choices, usage });
}

test("streams are counted like whole answers, also where a format is translated", async () => {
  const events = [
    { choices: [{ index: 0, delta: { role: "assistant", content: "Oi" } }] },
    { choices: [{ index: 0, delta: { content: "!" } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { choices: [], usage: { prompt_tokens: 12, completion_tokens: 2 } },
  ].map((event) => ({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-4o-2024-08-06", ...event }));
  const gateway = await open(() =>
    makeStream([...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"]),
  );
  await (await gateway.chat({ ...CHAT, stream: true })).text();
  const body = { model: CHAT.model, max_tokens: 9, messages: CHAT.messages, stream: true };
  await (await gateway.send("/v1/messages", { body })).text();
  await settleRecounts(gateway.recounter);
  const rows = [...(await readRecounts(gateway.store)).values()];
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    expect(row).toMatchObject({ method: "exact", inputTokens: 11, outputTokens: 2, outputHigh: 3, verdict: "over" });
  }
});

test("a long stream is counted whole, however its choices take turns", async () => {
  // In runs of 40, and by turns: pieces of one choice that follow each other are put together on the way.
  const pieces = Array.from({ length: 200 }, (_, place) => ({
    index: place < 120 ? Math.floor(place / 40) % 2 : place % 2,
    text: ` ${WORDS[(place * 7) % WORDS.length]}`,
  }));
  const said = [0, 1].map((choice) => pieces.flatMap(({ index, text }) => (index === choice ? [text] : [])).join(""));
  const tokens = said.reduce((total, text) => total + count(text), 0);
  const events = [
    ...pieces.map(({ index, text }) => ({ choices: [{ index, delta: { content: text } }] })),
    ...[0, 1].map((index) => ({ choices: [{ index, delta: {}, finish_reason: "stop" }] })),
    { choices: [], usage: { prompt_tokens: 11, completion_tokens: tokens } },
  ].map((event) => ({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-4o-2024-08-06", ...event }));
  const gateway = await open(() =>
    makeStream([...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"]),
  );
  await (await gateway.chat({ ...CHAT, n: 2, stream: true })).text();
  await settleRecounts(gateway.recounter);
  const [row] = [...(await readRecounts(gateway.store)).values()];
  expect(row).toMatchObject({ method: "exact", outputTokens: tokens, verdict: "within" });
});

test("nothing of the text is kept: not in the books, not in the log", async () => {
  const canary = "xylophone-quagmire-7291";
  const gateway = await open(() => answerChat({ prompt_tokens: 9, completion_tokens: 9 }, `said ${canary}`));
  const messages = [{ role: "user", content: `hear ${canary}` }];
  await (await gateway.chat({ ...CHAT, messages })).text();
  await (await gateway.chat({ ...CHAT, messages: "not messages", note: canary })).text();
  await settleRecounts(gateway.recounter);
  expect((await readRecounts(gateway.store)).size).toBe(2);
  const folder = dirname(gateway.config.ledgerPath);
  for (const file of readdirSync(folder)) {
    expect(`${file} ${readFileSync(join(folder, file)).includes(canary)}`).toBe(`${file} false`);
  }
  expect(gateway.log.join("\n")).not.toContain(canary);
});

test("a queue that is full costs a recount and nothing else", async () => {
  const gateway = await open(() => answerChat({ prompt_tokens: 11, completion_tokens: 2 }), { maxBytes: 400 });
  const long = { ...CHAT, messages: [{ role: "user", content: "x".repeat(2_000) }] };
  expect((await gateway.chat(long)).status).toBe(200);
  expect((await gateway.chat(CHAT)).status).toBe(200);
  await settleRecounts(gateway.recounter);
  const rows = [...(await readRecounts(gateway.store)).values()].map((row) => `${row?.state} ${row?.reason}`);
  expect(rows).toEqual(["skipped too_large", "counted null"]);
  const { token } = await gateway.issue("gateway_admin");
  const metrics = await (await gateway.send("/metrics", { token })).text();
  const told = [...metrics.matchAll(/^tokligence_recount_(\w+?)(?:_total)? (\d+)/gmu)].map(([, name, value]) => [
    name,
    value,
  ]);
  expect(Object.fromEntries(told)).toEqual({
    waiting: "0",
    waiting_bytes: "0",
    counted: "1",
    skipped: "1",
    lost: "1",
    over: "0",
    under: "0",
    crashes: "0",
  });
});

test("the report tells over-billing in tokens and money, to the operator of all and to a user of his own", async () => {
  let usage = { prompt_tokens: 11, completion_tokens: 2 };
  const gateway = await open(() => answerChat(usage));
  const admin = await gateway.issue("gateway_admin");
  const other = await gateway.issue();
  for (let call = 0; call < 5; call++) await (await gateway.chat(CHAT)).text();
  usage = { prompt_tokens: 1_011, completion_tokens: 1_002 };
  await (await gateway.chat(CHAT, { token: other.token })).text();
  await settleRecounts(gateway.recounter);
  const path = "/api/v1/audit/tokens?by=provider,model&flagged=true";
  const all = await readJson(await gateway.send(path, { method: "GET", token: admin.token }));
  expect(all.groups).toHaveLength(1);
  expect(all.groups[0]).toMatchObject({
    provider: "gpts",
    model: "gpt-4o-2024-08-06",
    rows: 6,
    counted: 6,
    exact: 6,
    flagged_over: 1,
    flagged_under: 0,
    our_tokens: 6 * 13,
    difference_tokens: { sum: 2_000, low: 1_994, high: 2_000 },
    over_billed_tokens: { sum: 2_000, low: 1_999, high: 2_000 },
    under_billed_tokens: { sum: 0, low: 0, high: 0 },
    // 1,000 at 2.5 dollars a million, and 1,000 at 10.
    over_billed_usd: { sum: "0.0125" },
  });
  expect(all.flagged).toHaveLength(1);
  expect(all.flagged[0]).toMatchObject({
    id: (await gateway.rows())[0]?.id,
    verdict: "over",
    user: other.userId,
    input: { provider: 1_011, ours: 11, low: 11, high: 11 },
    output: { provider: 1_002, ours: 2, low: 2, high: 3 },
    difference_tokens: 2_000,
  });
  const own = await readJson(await gateway.send(path, { method: "GET" }));
  expect(own.total).toMatchObject({ rows: 5, flagged_over: 0 });
  expect(own.flagged).toEqual([]);
  const forbidden = await gateway.send(`${path}&user=${admin.userId}`, { method: "GET" });
  expect(forbidden.status).toBe(403);
  const wrong = await gateway.send("/api/v1/audit/tokens?by=weather", { method: "GET" });
  expect([wrong.status, (await readJson(wrong)).error.param]).toEqual([422, "by"]);
});

test("where the operator says so, a provider that counts is asked, apart from the call, and held to that", async () => {
  const counts: { url: string; body: Record<string, unknown> }[] = [];
  const answers = makeVendor(() => 1);
  let isDown = false;
  const gateway = await open(
    (call) => {
      if (!call.url.endsWith("/count_tokens")) return answers(call);
      counts.push({ url: call.url, body: call.body as Record<string, unknown> });
      if (isDown) return new Response("no", { status: 529 });
      const asked = call.body as { messages: { content: string }[] };
      return Response.json({ input_tokens: countAsVendor(asked.messages[0]?.content ?? "", 1) });
    },
    { asksProviders: true },
  );
  await ask(gateway, 1);
  await settleRecounts(gateway.recounter);
  isDown = true;
  await ask(gateway, 2);
  await settleRecounts(gateway.recounter);
  const rows = [...(await readRecounts(gateway.store)).values()];
  expect(rows[0]).toMatchObject({ method: "estimate", reason: "count_endpoint", verdict: "within" });
  expect((rows[0]?.inputHigh ?? 0) - (rows[0]?.inputLow ?? 0)).toBeLessThan(40);
  expect(rows[1]).toMatchObject({ method: "estimate", reason: "format", verdict: "within" });
  expect(counts).toHaveLength(2);
  expect(counts[0]?.url).toBe("https://claude.test/v1/messages/count_tokens");
  // Neither the limit nor anything else that the address refuses.
  expect(Object.keys(counts[0]?.body ?? {}).toSorted()).toEqual(["messages", "model"]);
  expect(await gateway.rows()).toHaveLength(2);
});

test("texts that are gone on from are counted exactly, whole and as a stream", async () => {
  const text = 'The new holiday is called "Gratitude Day" and it celebrates the importance of';
  const usage = { prompt_tokens: 5, completion_tokens: 16, total_tokens: 21 };
  const answer = { id: "c", object: "text_completion", created: 1, model: "gpt-3.5-turbo-instruct:20230824-v2" };
  const gateway = await open(({ body }) => {
    const choices = [{ index: 0, text, finish_reason: "length" }];
    if ((body as { stream?: boolean }).stream !== true) return Response.json({ ...answer, choices, usage });
    const events = [
      { ...answer, choices: [{ index: 0, text: text.slice(0, 20), finish_reason: null }] },
      { ...answer, choices: [{ index: 0, text: text.slice(20), finish_reason: "length" }] },
      { ...answer, choices: [], usage },
    ];
    return makeStream([...events.map((event) => `data: ${JSON.stringify(event)}\n\n`), "data: [DONE]\n\n"]);
  });
  for (const stream of [false, true]) {
    const body = { model: "gpts/gpt-3.5-turbo-instruct", prompt: "Invent a new holiday", stream };
    await (await gateway.send("/v1/completions", { body })).text();
  }
  await settleRecounts(gateway.recounter);
  const rows = [...(await readRecounts(gateway.store)).values()];
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    expect(row).toMatchObject({ method: "exact", tokenizer: "cl100k_base", outputTokens: 16, verdict: "within" });
    expect([row?.inputLow, row?.inputTokens, row?.inputHigh]).toEqual([5, 5, 5]);
  }
});
