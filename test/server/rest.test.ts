// What is only forwarded, by OpenAI's SDK against a provider as strict as the real one: each call answered, counted and on the books,
// each object its owner's alone. On both engines.

import { afterEach, describe, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import { hasPostgres } from "../postgres.ts";
import { OPENAI_KEY, makeRig, readJson } from "../rig.ts";
import { closeScene, open, refusalOf } from "./rest-scene.ts";

afterEach(closeScene);

const CLIP = () => toFile(Buffer.from("RIFF".repeat(5_000)), "clip.wav", { type: "audio/wav" });
const PICTURE = () => toFile(Buffer.from("PNG"), "a.png", { type: "image/png" });

describe.each(["sqlite", ...(hasPostgres ? ["postgres" as const] : [])] as const)("on %s", (engine) => {
  test("a moderation is free, and its row says who judged", async () => {
    const { rig, connect } = await open(engine);
    const client = await connect();
    const answer = await client.moderations.create({ input: "hello" });
    expect(answer.results[0]?.flagged).toBe(false);
    expect(await rig.row()).toMatchObject({
      endpoint: "moderations",
      provider: "openai",
      modelAsked: "",
      modelServed: "omni-moderation-2024-09-26",
      freshInputTokens: null,
      outputTokens: null,
      units: null,
      usageSource: "none",
      costNanos: 0,
      priceSource: "free",
      status: 200,
    });
  });

  test("a transcription under an alias goes out under the model's own name, its file whole, its tokens priced by their kind", async () => {
    const { rig, upstream, connect } = await open(engine);
    const client = await connect();
    // The SDK sends the fields in this order: the model stands behind 20,000 bytes of sound.
    const answer = await client.audio.transcriptions.create({ file: await CLIP(), model: "ears", language: "en" });
    expect(answer.text).toBe("heard 20000 bytes");
    expect(upstream.forms[0]).toMatchObject({
      file: { filename: "clip.wav", text: "RIFF".repeat(5_000) },
      model: { text: "gpt-4o-transcribe" },
      language: { text: "en" },
    });
    expect(await rig.row()).toMatchObject({
      endpoint: "audio.transcriptions",
      modelAsked: "ears",
      modelServed: "gpt-4o-transcribe",
      freshInputTokens: 120,
      outputTokens: 10,
      units: { input_audio_tokens: 100 },
      usageSource: "provider",
      // $2.50 a million of text, $6 of sound, $10 out.
      costNanos: 20 * 2_500 + 100 * 6_000 + 10 * 10_000,
    });
  });

  test("files, batches and vector stores are their owner's, wherever their ids stand", async () => {
    const { rig, upstream, connect } = await open(engine);
    const [owner, other] = [await connect(), await connect()];
    const file = await owner.files.create({ file: await toFile(Buffer.from("{}\n"), "in.jsonl"), purpose: "batch" });
    const batch = await owner.batches.create({
      input_file_id: file.id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    const store = await owner.vectorStores.create({ file_ids: [file.id] });
    await owner.vectorStores.files.create(store.id, { file_id: file.id });
    expect((await owner.files.retrieve(file.id)).id).toBe(file.id);
    expect(await (await owner.files.content(file.id)).text()).toBe("line 1\nline 2\n");
    expect((await owner.batches.cancel(batch.id)).status).toBe("cancelled");

    const asked = rig.calls.length;
    const foreign = [
      () => other.files.retrieve(file.id),
      () => other.files.content(file.id),
      () => other.files.delete(file.id),
      () => other.batches.retrieve(batch.id),
      () => other.batches.cancel(batch.id),
      () => other.batches.create({ input_file_id: file.id, endpoint: "/v1/responses", completion_window: "24h" }),
      () => other.vectorStores.create({ file_ids: [file.id] }),
      () => other.vectorStores.files.list(store.id),
      () => other.fineTuning.jobs.create({ model: "gpt-4o", training_file: file.id }),
      () => other.files.list({ after: file.id }),
    ];
    for (const attempt of foreign) {
      expect(await refusalOf(attempt)).toStartWith("Error: 404 No object");
    }
    expect(rig.calls.length).toBe(asked);

    expect((await owner.files.delete(file.id)).deleted).toBe(true);
    expect(upstream.objects.has(file.id)).toBe(false);
    expect(await refusalOf(() => owner.files.retrieve(file.id))).toContain("of yours is known here");
    const endpoints = (await rig.rows()).toReversed().map((row) => [row.endpoint, row.status]);
    expect(endpoints.slice(0, 7)).toEqual([
      ["files.create", 200],
      ["batches.create", 200],
      ["vector_stores.create", 200],
      ["vector_stores.files", 200],
      ["files.retrieve", 200],
      ["files.content", 200],
      ["batches.cancel", 200],
    ]);
    expect(endpoints.slice(7, -2).every(([, status]) => status === 404)).toBe(true);
    expect((await rig.rows()).every((row) => row.costNanos === null && row.freshInputTokens === null)).toBe(true);
  });

  test("a list holds the caller's own, page by page, with everybody else's between", async () => {
    const { upstream, connect } = await open(engine);
    const [owner, other] = [await connect(), await connect()];
    const make = async (client: OpenAI) =>
      (await client.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "batch" })).id;
    const mine: string[] = [];
    for (let round = 0; round < 7; round++) {
      mine.unshift(await make(owner));
      for (let between = 0; between < 3; between++) await make(other);
    }
    const first = await owner.files.list({ limit: 3 });
    expect([first.data.map((file) => file.id), first.has_more]).toEqual([mine.slice(0, 3), true]);
    const all: string[] = [];
    for await (const file of owner.files.list({ limit: 3 })) all.push(file.id);
    expect(all).toEqual(mine);
    const exact = await owner.files.list({ limit: 7 });
    expect([exact.data.length, exact.has_more]).toEqual([7, false]);
    const stranger = await (await connect()).files.list();
    expect([stranger.data, stranger.has_more]).toEqual([[], false]);
    expect(upstream.objects.size).toBe(28);
  });
});

describe("a call", () => {
  test("of each kind is counted by what its answer tells", async () => {
    const { rig, connect } = await open();
    const client = await connect();
    await client.images.generate({ prompt: "a cat", model: "gpt-image-1", n: 2 });
    await client.images.edit({ image: await PICTURE(), prompt: "a hat", model: "brush" });
    await client.images.createVariation({ image: await PICTURE() });
    await client.audio.transcriptions.create({ file: await CLIP(), model: "whisper-1" });
    const srt = await client.audio.transcriptions.create({
      file: await CLIP(),
      model: "gpt-4o-transcribe",
      response_format: "srt",
    });
    expect(srt).toStartWith("1\n00:00:00");
    await client.audio.translations.create({ file: await CLIP(), model: "whisper-1" });
    const speech = await client.audio.speech.create({ model: "gpt-4o-mini-tts", voice: "alloy", input: "Hello there" });
    expect((await speech.bytes()).length).toBe(40_000);
    await rig.send("/v1/rerank?provider=openai", { body: { query: "q", documents: ["d"] } });
    const seen = (await rig.rows())
      .toReversed()
      .map((row) => [
        row.endpoint,
        row.modelServed,
        row.freshInputTokens,
        row.outputTokens,
        row.units,
        row.usageSource,
      ]);
    expect(seen).toEqual([
      ["images.generations", "gpt-image-1", null, null, { images: 2 }, "provider"],
      ["images.edits", "gpt-image-1", 350, 1_000, { input_image_tokens: 300, output_image_tokens: 1_000 }, "provider"],
      ["images.variations", null, null, null, { images: 2 }, "provider"],
      ["audio.transcriptions", "whisper-1", null, null, { audio_seconds: 7 }, "provider"],
      ["audio.transcriptions", "gpt-4o-transcribe", null, null, null, "none"],
      ["audio.translations", "whisper-1", null, null, null, "none"],
      ["audio.speech", "gpt-4o-mini-tts", null, null, { characters: 11 }, "estimate"],
      ["rerank", null, null, null, null, "none"],
    ]);
  });

  test("keeps its headers, ids and who was asked", async () => {
    const { rig } = await open();
    const response = await rig.send("/v1/moderations", { body: { input: "x" }, headers: { "x-request-id": "mine-1" } });
    expect(response.headers.get("x-request-id")).toBe("mine-1");
    expect(response.headers.get("x-tokligence-provider")).toBe("openai");
    expect(response.headers.get("x-tokligence-cost-usd")).toBe("0");
    expect(rig.calls[0]?.headers.get("authorization")).toBe(`Bearer ${OPENAI_KEY}`);
    expect((await rig.row()).requestId).toBe("mine-1");
  });

  test("goes to the provider that is named, and to none that does not offer it", async () => {
    const { rig, second } = await open();
    const named = await rig.send("/v1/moderations?provider=second", { body: { input: "x" } });
    expect(named.headers.get("x-tokligence-provider")).toBe("second");
    expect(rig.calls[0]?.url).toBe("http://second.test/v1/moderations");
    const byHeader = await rig.send("/v1/moderations", {
      body: { input: "x" },
      headers: { "x-tokligence-provider": "second" },
    });
    expect(byHeader.headers.get("x-tokligence-provider")).toBe("second");
    const wrong = await rig.send("/v1/moderations", { body: { input: "x", model: "claude-sonnet-4-5" } });
    expect(wrong.status).toBe(400);
    expect((await readJson(wrong)).error).toMatchObject({
      code: "unsupported_operation",
      message: expect.stringContaining("openai, second"),
    });
    const nobody = await rig.send("/v1/moderations?provider=nobody", { body: { input: "x" } });
    expect((await readJson(nobody)).error).toMatchObject({ code: "unknown_provider" });
    const none = await rig.send("/v2/rerank", { body: { query: "x", documents: [] } });
    expect((await readJson(none)).error.message).toBe("No provider here offers rerank.");
    expect(second.forms).toEqual([]);
  });

  test.each([
    ["a form without an end", `--b\r\ncontent-disposition: form-data; name="model"\r\n\r\ngpt-4o`, "invalid_form"],
    [
      "a form with two models",
      form("b", [
        ["model", "gpt-4o-transcribe"],
        ["model", "whisper-1"],
      ]),
      "repeated_field",
    ],
  ])("with %s is refused", async (_name, body, code) => {
    const { rig } = await open();
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    const response = await rig.send("/v1/audio/transcriptions", { method: "POST", body, headers });
    expect([response.status, (await readJson(response)).error.code]).toEqual([400, code]);
    expect(await rig.row()).toMatchObject({ status: 400, errorKind: "invalid_request" });
  });

  test("refused by the provider is refused in its words, without its secrets", async () => {
    const rig = await makeRig({
      upstream: () =>
        Response.json(
          { error: { message: `Bad key ${OPENAI_KEY}`, type: "t", code: "c", param: "p" } },
          { status: 422 },
        ),
    });
    const response = await rig.send("/v1/moderations", { body: { input: "x" } });
    const { error } = await readJson(response);
    expect([response.status, error]).toEqual([
      422,
      { message: "Bad key [redacted]", type: "t", code: "c", param: "p" },
    ]);
    expect(await rig.row()).toMatchObject({ status: 422, errorKind: "upstream_rejected", usageSource: "none" });
    await rig.close();
  });
});

function form(boundary: string, fields: [string, string][]): string {
  const parts = fields.map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return `${parts.join("")}--${boundary}--\r\n`;
}
