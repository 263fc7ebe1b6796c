// Objects that providers keep: whose they are, where they go back to, and that nobody else can name them, in whatever way.

import { afterEach, describe, expect, test } from "bun:test";
import type OpenAI from "openai";
import { toFile } from "openai";
import { closeScene, open, refusalOf } from "./rest-scene.ts";

afterEach(closeScene);

describe("objects", () => {
  test("of two providers stay apart, and go back to where they came from", async () => {
    const { rig, second, connect } = await open();
    const client = await connect();
    const upload = async (provider: string) =>
      client.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "batch" }, { query: { provider } });
    const [here, there] = [await upload("openai"), await upload("second")];
    expect(second.objects.size).toBe(1);
    // Both providers count from one: the same id may be given twice.
    expect(here.id).toBe(there.id);
    const batch = { endpoint: "/v1/responses", completion_window: "24h" } as const;
    const extra = await upload("second");
    const made = await client.batches.create({ ...batch, input_file_id: extra.id });
    expect(rig.calls.at(-1)?.url).toBe("http://second.test/v1/batches");
    await client.batches.retrieve(made.id);
    expect(rig.calls.at(-1)?.url).toBe(`http://second.test/v1/batches/${made.id}`);
    const store = await client.vectorStores.create({});
    expect(await refusalOf(() => client.vectorStores.files.create(store.id, { file_id: extra.id }))).toContain(
      "one provider only",
    );
  });

  test("that a job brings about are its owner's", async () => {
    const { upstream, connect } = await open();
    const [client, other] = [await connect(), await connect()];
    const file = await client.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "batch" });
    const batch = await client.batches.create({
      input_file_id: file.id,
      endpoint: "/v1/responses",
      completion_window: "24h",
    });
    upstream.objects.set("file-out", { id: "file-out", object: "files" });
    expect(await refusalOf(() => client.files.content("file-out"))).toContain("of yours is known here");
    Object.assign(upstream.objects.get(batch.id) ?? {}, { status: "completed", output_file_id: "file-out" });
    await client.batches.retrieve(batch.id);
    expect(await (await client.files.content("file-out")).text()).toContain("line 1");
    expect(await refusalOf(() => other.files.content("file-out"))).toContain("of yours is known here");
    const upload = await client.uploads.create({ bytes: 1, filename: "x", mime_type: "text/plain", purpose: "batch" });
    const done = await client.uploads.complete(upload.id, { part_ids: [] });
    expect((await client.files.retrieve(done.file?.id ?? "")).id).toBe(done.file?.id ?? "none");
    const video = await client.videos.create({ prompt: "x" });
    const remix = await client.videos.remix(video.id, { prompt: "y" });
    expect((await client.videos.retrieve(remix.id)).id).toBe(remix.id);
  });

  test("that have finished tell their cost once, whoever asks how often, at a price that nobody knows", async () => {
    const { rig, upstream, connect } = await open();
    const client = await connect();
    const file = await client.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "batch" });
    const batch = await client.batches.create({
      input_file_id: file.id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    const usage = {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 40 },
      output_tokens: 30,
      output_tokens_details: { reasoning_tokens: 5 },
      total_tokens: 130,
    };
    const kept = upstream.objects.get(batch.id) ?? {};
    Object.assign(kept, { model: "gpt-4o", status: "in_progress", usage });
    await client.batches.retrieve(batch.id);
    Object.assign(kept, { status: "completed", completed_at: 1_700_000_100 });
    for (let round = 0; round < 3; round++) await client.batches.retrieve(batch.id);
    await client.batches.list();
    const booked = (await rig.rows()).filter((row) => row.endpoint === "batches.usage");
    expect(booked).toMatchObject([
      {
        modelServed: "gpt-4o",
        freshInputTokens: 60,
        cacheReadTokens: 40,
        outputTokens: 30,
        reasoningTokens: 5,
        usageSource: "provider",
        serviceTier: "batch",
        costNanos: null,
        createdAt: new Date(1_700_000_100_000),
      },
    ]);
  });

  test("that are sold by other things than tokens tell those once they are there", async () => {
    const { rig, upstream, connect } = await open();
    const client = await connect();
    const video = await client.videos.create({ prompt: "x", model: "sora-2" });
    const kept = upstream.objects.get(video.id) ?? {};
    Object.assign(kept, { model: "sora-2", status: "in_progress", seconds: "8", size: "720x1280" });
    await client.videos.retrieve(video.id);
    Object.assign(kept, { status: "completed", completed_at: 1_700_000_100 });
    for (let round = 0; round < 2; round++) await client.videos.retrieve(video.id);
    const file = await client.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "fine-tune" });
    const job = await client.fineTuning.jobs.create({ model: "gpt-4o-mini", training_file: file.id });
    const done = { model: "gpt-4o-mini", status: "succeeded", finished_at: 1_700_000_200, trained_tokens: 5_768 };
    Object.assign(upstream.objects.get(job.id) ?? {}, done);
    await client.fineTuning.jobs.retrieve(job.id);
    const booked = (await rig.rows()).filter((row) => row.endpoint.endsWith(".usage"));
    expect(booked).toMatchObject([
      { endpoint: "fine_tuning.jobs.usage", modelServed: "gpt-4o-mini", units: { trained_tokens: 5_768 } },
      { endpoint: "videos.usage", modelServed: "sora-2", units: { video_seconds: 8 }, usageSource: "provider" },
    ]);
    // Nobody knows what a second of it costs: that shows, and is not 0.
    expect(booked.map(({ costNanos }) => costNanos)).toEqual([null, null]);
  });

  test.each([true, false])("that a model made while it answered are its caller's (streamed: %p)", async (stream) => {
    const { upstream, connect } = await open();
    const [client, other] = [await connect(), await connect()];
    upstream.objects.set("cntr-auto", { id: "cntr-auto", object: "containers" });
    expect(await refusalOf(() => client.containers.retrieve("cntr-auto"))).toContain("of yours is known");
    const tools = [{ type: "code_interpreter" as const, container: { type: "auto" as const } }];
    const answer = await client.responses.create({ model: "gpt-4o", input: "run it", tools, store: false, stream });
    if (Symbol.asyncIterator in answer) for await (const _ of answer);
    expect((await client.containers.retrieve("cntr-auto")).id).toBe("cntr-auto");
    expect(await refusalOf(() => other.containers.retrieve("cntr-auto"))).toContain("of yours is known");
  });

  test.each(["files/..%2Fbatches", "files/a%2Fb", "files/%2e%2e", "vector_stores/x/files/..%5Cy"])(
    "an address such as /v1/%s leads nowhere",
    async (path) => {
      const { rig } = await open();
      expect((await rig.send(`/v1/${path}`)).status).toBe(404);
      expect(rig.calls).toEqual([]);
    },
  );
});

describe("a file in a chat", () => {
  const ask = (model: string, id: string) => ({
    model,
    messages: [{ role: "user" as const, content: [{ type: "file" as const, file: { file_id: id } }] }],
    metadata: { file_id: "the client's own business" },
  });

  test("is its owner's, and goes to the provider that keeps it", async () => {
    const { rig, second, connect } = await open();
    const [client, other] = [await connect(), await connect()];
    second.objects.set("file-0", { id: "file-0", object: "files" });
    const query = { provider: "second" };
    const file = await client.files.create(
      { file: await toFile(Buffer.from("x"), "x"), purpose: "user_data" },
      { query },
    );
    const asked = rig.calls.length;
    expect(await refusalOf(() => other.chat.completions.create(ask("gpt-4o", file.id)))).toContain("of yours is known");
    expect(await refusalOf(() => client.chat.completions.create(ask("claude-sonnet-4-5", file.id)))).toContain(
      'names an object that provider "second" keeps',
    );
    expect(rig.calls.length).toBe(asked);
    await refusalOf(() => client.chat.completions.create(ask("gpt-4o", file.id)));
    expect(rig.calls.at(-1)?.url).toBe("http://second.test/v1/chat/completions");
    const escaped = JSON.stringify(ask("gpt-4o", file.id)).replace('{"file_id":', '{"fil\\u0065_id":');
    const { token } = await rig.issue();
    expect((await rig.send("/v1/chat/completions", { method: "POST", body: escaped, token })).status).toBe(404);
  });
});

describe("a video that is named in a request", () => {
  test("is its owner's, in JSON and in a form", async () => {
    const { rig, connect } = await open();
    const [owner, other] = [await connect(), await connect()];
    const send = (client: OpenAI, path: string, body: unknown): Promise<unknown> => client.post(path, { body });
    const made = (await send(owner, "/videos?provider=second", { prompt: "x" })) as { id: string };
    const asked = rig.calls.length;
    for (const path of ["/videos/edits", "/videos/extensions"]) {
      expect(await refusalOf(() => send(other, path, { prompt: "y", video: { id: made.id } }))).toContain("of yours");
    }
    const played = { prompt: "y", characters: [{ id: made.id }] };
    expect(await refusalOf(() => send(other, "/videos", played))).toContain("of yours");
    expect(rig.calls.length).toBe(asked);
    const form = new FormData();
    form.set("prompt", "y");
    form.set("video[id]", made.id);
    expect(await refusalOf(() => send(other, "/videos/edits", form))).toContain("404");
    await refusalOf(() => send(owner, "/videos/edits", { prompt: "y", video: { id: made.id } }));
    await send(owner, "/videos", played);
    expect(rig.calls.slice(-2).map(({ url }) => url)).toEqual([
      "http://second.test/v1/videos/edits",
      "http://second.test/v1/videos",
    ]);
  });
});

describe("an id cannot be hidden", () => {
  const body = (id: string): [string, string][] => [
    [
      "behind one of the caller's own",
      `{"input_file_id":"${id}","input_file_id":"x","endpoint":"/v1/responses","completion_window":"24h"}`,
    ],
    ["in an object that another replaces", `{"a":{"file_id":"${id}"},"a":null}`],
    ["by escaped letters", `{"input_fil\\u0065_id":"${id}","endpoint":"/v1/responses","completion_window":"24h"}`],
  ];

  test("in JSON, whatever the body calls itself", async () => {
    const { rig, connect } = await open();
    const owner = await connect();
    const file = await owner.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "batch" });
    const asked = rig.calls.length;
    for (const type of [
      "application/json",
      "text/plain",
      "application/x-www-form-urlencoded",
      "application/vnd.x+json",
    ]) {
      for (const [, text] of body(file.id)) {
        const response = await rig.send("/v1/batches", { body: text, headers: { "content-type": type } });
        expect([400, 404]).toContain(response.status);
      }
    }
    expect(rig.calls.length).toBe(asked);
  });

  test("in a form, before the file or behind it", async () => {
    const { rig, connect } = await open();
    const [owner, other] = [await connect(), await connect()];
    const file = await owner.files.create({ file: await toFile(Buffer.from("x"), "x"), purpose: "batch" });
    const container = await other.containers.create({ name: "c" });
    expect(await refusalOf(() => other.containers.files.create(container.id, { file_id: file.id }))).toContain("404");
    expect((await rig.rows())[0]).toMatchObject({ endpoint: "containers.files", status: 404 });
  });
});
