// Streams and faults of what is only forwarded: events as they come and counted once, bytes that break off, and nothing released that is not on the books.

import { afterEach, describe, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import { type Rig, makeRig, makeStream, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function open(init: Parameters<typeof makeRig>[0]): Promise<{ gateway: Rig; client: OpenAI }> {
  rig = await makeRig(init);
  const { token } = await rig.issue();
  const client = new OpenAI({ apiKey: token, baseURL: "http://gateway.test/v1", maxRetries: 0, fetch: rig.fetch });
  return { gateway: rig, client };
}

const frame = (event: { type: string }): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

describe("events", () => {
  test("of pictures: each complete one adds its tokens", async () => {
    const usage = {
      input_tokens: 10,
      output_tokens: 200,
      total_tokens: 210,
      input_tokens_details: { text_tokens: 10, image_tokens: 0 },
    };
    const frames = [
      frame({ type: "image_generation.partial_image", b64_json: "YQ==" } as never),
      frame({ type: "image_generation.completed", b64_json: "YQ==", usage } as never),
      frame({ type: "image_generation.completed", b64_json: "Yg==", usage } as never),
    ];
    const { gateway, client } = await open({ upstream: () => makeStream(frames) });
    const stream = await client.images.generate({ prompt: "x", model: "gpt-image-1", stream: true, partial_images: 1 });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types).toHaveLength(3);
    expect(await gateway.row()).toMatchObject({
      endpoint: "images.generations",
      streamed: true,
      freshInputTokens: 20,
      outputTokens: 400,
      costNanos: 20 * 5_000 + 400 * 40_000,
    });
  });

  test.each([
    [undefined, 32],
    [{ text_tokens: 0, image_tokens: 200 }, 32],
    [{ text_tokens: 200, image_tokens: 0 }, 10],
  ])("of pictures, whose tokens are those of pictures unless others are told: %j", async (details, usdOutput) => {
    const usage = {
      input_tokens: 10,
      output_tokens: 200,
      total_tokens: 210,
      input_tokens_details: { text_tokens: 10, image_tokens: 0 },
      ...(details === undefined ? {} : { output_tokens_details: details }),
    };
    const last = { type: "image_generation.completed", b64_json: "YQ==", usage };
    const { gateway } = await open({
      upstream: ({ text }) =>
        text.includes("stream") ? makeStream([frame(last)]) : Response.json({ data: [{ b64_json: "YQ==" }], usage }),
    });
    for (const stream of [true, undefined]) {
      const body = { prompt: "x", model: "gpt-image-1.5", stream };
      await (await gateway.send("/v1/images/generations", { body })).text();
    }
    for (const row of await gateway.rows()) expect(row.costNanos).toBe(10 * 5_000 + 200 * usdOutput * 1_000);
  });

  test("of a transcription asked for in a form: the last one tells the cost, and waits for the books", async () => {
    const usage = {
      type: "tokens",
      input_tokens: 14,
      input_token_details: { text_tokens: 0, audio_tokens: 14 },
      output_tokens: 45,
      total_tokens: 59,
    };
    const deltas = ["Hel", "lo"].map((delta) => frame({ type: "transcript.text.delta", delta } as never));
    const last = frame({ type: "transcript.text.done", text: "Hello", usage } as never);
    const { gateway, client } = await open({ upstream: () => makeStream([...deltas, last]) });
    const stream = await client.audio.transcriptions.create({
      file: await toFile(Buffer.from("RIFF"), "a.wav"),
      model: "gpt-4o-transcribe",
      stream: true,
    });
    for await (const event of stream) {
      if (event.type === "transcript.text.done") expect(await gateway.rows()).toHaveLength(1);
      else expect(await gateway.rows()).toHaveLength(0);
    }
    expect(await gateway.row()).toMatchObject({
      streamed: true,
      freshInputTokens: 14,
      outputTokens: 45,
      units: { input_audio_tokens: 14 },
    });
  });

  test("cut anywhere are handed on whole", async () => {
    const text = [
      frame({ type: "speech.audio.delta", audio: "grün🦜" } as never),
      frame({ type: "speech.audio.done", usage: { input_tokens: 3, output_tokens: 9, total_tokens: 12 } } as never),
    ].join("");
    const bytes = Buffer.from(text);
    const stream = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const { gateway } = await open({
      upstream: ({ method }) =>
        new Response(method === "POST" ? stream : "{}", { headers: { "content-type": "text/event-stream" } }),
    });
    const response = await gateway.send("/v1/audio/speech", {
      body: { model: "gpt-4o-mini-tts", input: "x", stream_format: "sse" },
    });
    // What it cost is told before its last event, as for a chat.
    const [piece = "", end = ""] = text.split(/(?=event: speech\.audio\.done)/u);
    const cost = ": x-tokligence-cost-usd: 0.0001098\n\n";
    expect(await response.text()).toBe(piece + cost + end);
    expect(await gateway.row()).toMatchObject({ streamed: true, outputTokens: 9, costNanos: 109_800 });
  });

  test.each([
    ["/v1/images/generations", { prompt: "x" }, [{ type: "image_generation.partial_image", b64_json: "YQ==" }]],
    [
      "/v1/images/edits",
      { prompt: "x", images: [{ image_url: "https://x.test/a.png" }] },
      [
        { type: "image_edit.completed", b64_json: "YQ==" },
        { type: "image_edit.partial_image", b64_json: "YQ==" },
      ],
    ],
    ["/v1/audio/speech", { input: "x", stream_format: "sse" }, [{ type: "speech.audio.delta", audio: "YQ==" }]],
    ["/v1/audio/transcriptions", { file: "x" }, [{ type: "transcript.text.delta", delta: "Hel" }]],
  ])("of %s that stop before the last one are not taken for the whole", async (path, asked, events) => {
    const { gateway } = await open({ upstream: () => makeStream(events.map((event) => frame(event as never))) });
    const body = { model: "gpt-4o-transcribe", stream: true, ...asked };
    const text = await (await gateway.send(path, { body })).text();
    expect(text).toContain(events.map((event) => frame(event as never)).join(""));
    expect(text).toContain("ended before the answer was complete");
    expect(await gateway.row()).toMatchObject({ status: 200, errorKind: "upstream_malformed" });
  });

  test("that are none are no answer", async () => {
    const { gateway } = await open({
      upstream: () => makeStream([": hi\n\n"]),
      config: (config) => ({ ...config, travel: { ...config.travel, maxAttempts: 1 } }),
    });
    const body = { model: "gpt-image-1", prompt: "x", stream: true };
    const response = await gateway.send("/v1/images/generations", { body });
    expect([response.status, (await readJson(response)).error.code]).toEqual([502, "upstream_malformed"]);
  });

  test("of which nobody knows the last one end where they end", async () => {
    const events = [frame({ type: "sound.begun" }), frame({ type: "sound.piece" })];
    const { gateway } = await open({ upstream: () => makeStream(events) });
    const body = { model: "gpt-4o-mini-tts", input: "x", stream_format: "sse" };
    expect(await (await gateway.send("/v1/audio/speech", { body })).text()).toBe(events.join(""));
    expect(await gateway.row()).toMatchObject({ status: 200, errorKind: null });
  });

  test("that tell an error are on the books as one", async () => {
    const { gateway } = await open({
      upstream: () => makeStream([frame({ type: "error", error: { message: "no", code: "x" } } as never)]),
    });
    const response = await gateway.send("/v1/images/generations", {
      body: { model: "gpt-image-1", prompt: "x", stream: true },
    });
    // Nothing of an answer was there: the client has it as any other refusal.
    expect([response.status, (await readJson(response)).error]).toMatchObject([502, { message: "no", code: "x" }]);
    expect(await gateway.row()).toMatchObject({ status: 502, errorKind: "upstream_rejected", outputTokens: null });
  });
});

describe("bytes", () => {
  const pieces = (fails: boolean) => {
    const left = [
      new Uint8Array(1_000).fill(1),
      new Uint8Array(1).fill(2),
      new Uint8Array(0),
      new Uint8Array(500).fill(3),
    ];
    return new Response(
      new ReadableStream({
        pull(controller) {
          const piece = left.shift();
          if (piece !== undefined) return controller.enqueue(piece);
          if (fails) controller.error(new Error("reset"));
          else controller.close();
        },
      }),
      { headers: { "content-type": "audio/mpeg" } },
    );
  };

  test("come whole, and the last one only once the row is written", async () => {
    const { gateway } = await open({ upstream: () => pieces(false) });
    const response = await gateway.send("/v1/audio/speech", { body: { model: "gpt-4o-mini-tts", input: "four" } });
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      expect(await gateway.rows()).toHaveLength(bytes === 1_501 ? 1 : 0);
    }
    expect(bytes).toBe(1_501);
    expect(await gateway.row()).toMatchObject({ units: { characters: 4 }, usageSource: "estimate", costNanos: null });
  });

  test("that break off break off for the client, too", async () => {
    const { gateway } = await open({ upstream: () => pieces(true) });
    const response = await gateway.send("/v1/audio/speech", { body: { model: "gpt-4o-mini-tts", input: "four" } });
    await expect(response.bytes()).rejects.toThrow();
    while ((await gateway.rows()).length === 0) await new Promise(setImmediate);
    expect(await gateway.row()).toMatchObject({ errorKind: "upstream_malformed" });
  });
});

test("a transcription whose length stands beside its text alone is booked by the second", async () => {
  const answer = { task: "transcribe", language: "english", duration: 8.5, text: "Hi", segments: [] };
  const { gateway, client } = await open({ upstream: () => Response.json(answer) });
  const file = await toFile(Buffer.from("RIFF"), "a.wav");
  const model = "openai/whisper-1";
  const told = await client.audio.transcriptions.create({ file, model, response_format: "verbose_json" });
  expect(told).toMatchObject(answer);
  const row = {
    units: { audio_seconds: 8.5 },
    usageSource: "provider",
    costNanos: (8.5 * 360_000_000) / 3_600,
  } as const;
  expect(await gateway.row()).toMatchObject(row);
});

test("a character is one, however many units of a string it takes", async () => {
  const { gateway } = await open({
    upstream: () => new Response("sound", { headers: { "content-type": "audio/mpeg" } }),
  });
  const body = { model: "gpt-4o-mini-tts", input: "Grün 🦜!" };
  await (await gateway.send("/v1/audio/speech", { body })).bytes();
  expect((await gateway.row()).units).toEqual({ characters: 7 });
});

describe("where the books cannot be written", () => {
  const append = (): void => {
    throw new Error("disk full");
  };

  test("no whole answer is released, and no new request is taken", async () => {
    const { gateway } = await open({ append, upstream: () => Response.json({ results: [] }) });
    const first = await gateway.send("/v1/moderations", { body: { input: "x" } });
    expect([first.status, (await readJson(first)).error.code]).toEqual([503, "ledger_unavailable"]);
    const calls = gateway.calls.length;
    expect((await gateway.send("/v1/moderations", { body: { input: "x" } })).status).toBe(503);
    expect((await gateway.send("/v1/files")).status).toBe(503);
    expect(gateway.calls.length).toBe(calls);
  });

  test("no stream of bytes is complete", async () => {
    const { gateway } = await open({
      append,
      upstream: () => new Response("sound", { headers: { "content-type": "audio/mpeg" } }),
    });
    const response = await gateway.send("/v1/audio/speech", { body: { model: "gpt-4o-mini-tts", input: "x" } });
    let text = "";
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk);
      text += " and its end";
    } catch {
      expect(text).toBe("soun");
    }
    expect(text).toBe("soun");
  });
});

describe("an upstream that does not answer as it should", () => {
  test.each([
    [
      "with a page instead of JSON",
      () => new Response("<html>", { headers: { "content-type": "application/json" } }),
      502,
      "upstream_malformed",
    ],
    [
      "with a redirect",
      () => new Response(null, { status: 301, headers: { location: "http://elsewhere.test" } }),
      502,
      "upstream_malformed",
    ],
    [
      "with a page and an error",
      () => new Response("<h1>Bad gateway</h1>", { status: 502, headers: { "content-type": "text/html" } }),
      502,
      null,
    ],
  ])("%s", async (_name, upstream, status, code) => {
    const { gateway } = await open({ upstream });
    const response = await gateway.send("/v1/moderations", { body: { input: "x" } });
    expect([response.status, (await readJson(response)).error.code]).toEqual([status, code]);
    expect(await gateway.row()).toMatchObject({ status, usageSource: "none" });
  });

  test("in time is given up, and told as such", async () => {
    const { gateway } = await open({
      upstream: ({ signal, method }) =>
        method === "GET"
          ? Response.json({})
          : new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("aborted")))),
    });
    const sending = gateway.send("/v1/moderations", { body: { input: "x" } });
    while (gateway.calls.length === 0) await new Promise(setImmediate);
    gateway.clock.advance(61_000);
    const response = await sending;
    expect([response.status, (await readJson(response)).error.code]).toEqual([504, "upstream_timeout"]);
  });
});

test.each([false, true])("a page for people is no answer, streamed: %p", async (stream) => {
  const { gateway } = await open({
    upstream: () => new Response("<html>Welcome</html>", { headers: { "content-type": "text/html; charset=utf-8" } }),
  });
  const response = await gateway.send("/v1/completions", {
    body: { model: "gpt-3.5-turbo-instruct", prompt: "x", stream },
  });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error).toMatchObject({ code: "upstream_malformed" });
  expect(await gateway.row()).toMatchObject({ status: 502, errorKind: "upstream_malformed" });
});

describe("a text completion", () => {
  const ask = { body: { model: "gpt-3.5-turbo-instruct", prompt: "x", stream: true } };
  const said = (text: string, finish_reason: string | null = null): string =>
    `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, text, finish_reason }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })}\n\n`;

  test.each([
    ["nothing but its end", ["data: [DONE]\n\n"]],
    ["no choice", ['data: {"id":"c","choices":[]}\n\n', "data: [DONE]\n\n"]],
    ["nothing but a comment", [": hi\n\n"]],
  ])("that says %s is none", async (_name, frames) => {
    const { gateway } = await open({
      upstream: () => makeStream(frames),
      config: (config) => ({ ...config, travel: { ...config.travel, maxAttempts: 1 } }),
    });
    const response = await gateway.send("/v1/completions", ask);
    expect([response.status, (await readJson(response)).error.code]).toEqual([502, "upstream_malformed"]);
    expect(await gateway.row()).toMatchObject({ status: 502, errorKind: "upstream_malformed" });
  });

  test("without a choice is none as a whole, too", async () => {
    const { gateway } = await open({
      upstream: () => Response.json({ id: "c", object: "text_completion", choices: [] }),
      config: (config) => ({ ...config, travel: { ...config.travel, maxAttempts: 1 } }),
    });
    const response = await gateway.send("/v1/completions", { body: { ...ask.body, stream: false } });
    expect([response.status, (await readJson(response)).error.code]).toEqual([502, "answer_empty"]);
  });

  test("that stops before its end is not taken for the whole of it", async () => {
    const { gateway } = await open({ upstream: () => makeStream([said("half")]) });
    const text = await (await gateway.send("/v1/completions", ask)).text();
    expect(text).toContain("half");
    expect(text).toContain("ended before the answer was complete");
    expect(await gateway.row()).toMatchObject({ errorKind: "upstream_malformed" });
  });

  test("that tells the usage with each event is not held back for it", async () => {
    let control: ReadableStreamDefaultController | null = null;
    const body = new ReadableStream({
      start(controller) {
        control = controller;
      },
    });
    const say = (text: string): void => control?.enqueue(new TextEncoder().encode(text));
    const { gateway } = await open({
      upstream: ({ method }) =>
        method === "GET"
          ? Response.json({ data: [] })
          : new Response(body, { headers: { "content-type": "text/event-stream" } }),
    });
    const pending = gateway.send("/v1/completions", ask);
    while (gateway.calls.length === 0) await new Promise(setImmediate);
    say(said("a"));
    const reader = (await pending).body?.getReader();
    // Else this would wait for the next one.
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('"text":"a"');
    say(`${said("b", "stop")}data: [DONE]\n\n`);
    (control as ReadableStreamDefaultController | null)?.close();
    while ((await reader?.read())?.done === false);
  });
});
