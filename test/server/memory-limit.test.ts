// How long and how much is kept, what becomes of it when its owner goes, and what OpenAI's SDK reads of it.

import { afterEach, describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { type Rig, makeRig, makeStream, readJson } from "../rig.ts";
import { CLAUDE, GPT, PATH, create, created, script } from "./memory-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

describe("what is kept", () => {
  const days = (keepMs: number, countPerUser = 10) => ({
    keepMs,
    countPerUser,
    bytesPerUser: 1_000_000,
    bytes: 1_000_000,
  });

  test("expires", async () => {
    const gateway = await open({ upstream: script, config: (config) => ({ ...config, answers: days(60_000) }) });
    const { id } = await created(gateway, { input: "one" });
    gateway.clock.advance(59_000);
    await gateway.store.ping();
    expect((await gateway.send(`${PATH}/${id}`)).status).toBe(200);
    gateway.clock.advance(2_000);
    expect((await gateway.send(`${PATH}/${id}`)).status).toBe(404);
    gateway.clock.advance(20 * 60_000);
    await gateway.memory.stop();
    expect((await gateway.store.answers.tally(null)).count).toBe(0);
  });

  test("is bounded for each owner: the oldest go first", async () => {
    const gateway = await open({ upstream: script, config: (config) => ({ ...config, answers: days(600_000, 2) }) });
    const ids: string[] = [];
    for (const input of ["one", "two", "three"]) {
      ids.push((await created(gateway, { input })).id);
      gateway.clock.advance(1_000);
      await gateway.memory.stop();
    }
    const statuses = await Promise.all(ids.map(async (id) => (await gateway.send(`${PATH}/${id}`)).status));
    expect(statuses).toEqual([404, 200, 200]);
  });

  test("is nothing where the operator says so", async () => {
    const gateway = await open({ upstream: script, config: (config) => ({ ...config, answers: days(0) }) });
    const { id } = await created(gateway, { input: "one" });
    expect((await gateway.send(`${PATH}/${id}`)).status).toBe(404);
    const background = await create(gateway, { input: "one", background: true });
    expect([background.status, (await readJson(background)).error.param]).toEqual([400, "background"]);
  });

  test("goes with its owner, and stands in no log, row or error", async () => {
    const gateway = await open({ upstream: script });
    const { userId, token } = await gateway.issue();
    const canary = "canary-of-the-user";
    const { id } = await created(gateway, { input: canary }, { token });
    await create(gateway, { input: "x", previous_response_id: id });
    await gateway.memory.stop();
    expect((await gateway.store.answers.tally(userId)).count).toBe(1);
    await gateway.directory.deleteUser({ kind: "operator" }, userId, { hard: false });
    expect((await gateway.store.answers.tally(userId)).count).toBe(0);
    expect(gateway.log.join("") + JSON.stringify(await gateway.rows())).not.toContain(canary);
  });
});

test("a native stream is kept as its last event tells it", async () => {
  const answer = { ...JSON.parse(await script({ url: "openai", body: null }).text()), id: "resp_streamed" };
  const frame = (type: string, response: unknown) => `event: ${type}\ndata: ${JSON.stringify({ type, response })}\n\n`;
  const gateway = await open({
    upstream: () =>
      makeStream([
        frame("response.created", { ...answer, status: "in_progress", output: [] }),
        frame("response.completed", answer),
      ]),
  });
  await (await create(gateway, { model: GPT, input: "one", stream: true })).text();
  expect(await readJson(await gateway.send(`${PATH}/resp_streamed`))).toEqual(answer);
});

test("OpenAI's SDK creates, goes on, retrieves, lists, streams again and deletes", async () => {
  const gateway = await open({ upstream: script });
  const { token } = await gateway.issue();
  const client = new OpenAI({
    apiKey: token,
    baseURL: "http://gateway.test/v1",
    maxRetries: 0,
    fetch: async (url, init) => gateway.app.fetch(new Request(url instanceof URL ? url.href : (url as string), init)),
  });
  const first = await client.responses.create({ model: CLAUDE, input: "one" });
  const second = await client.responses.create({ model: CLAUDE, input: "two", previous_response_id: first.id });
  expect([second.output_text, second.previous_response_id]).toEqual(["Fine.", first.id]);
  expect((await client.responses.retrieve(first.id)).output_text).toBe("Fine.");
  const items = [];
  for await (const item of client.responses.inputItems.list(second.id, { limit: 1 })) items.push(item);
  expect(items).toMatchObject([{ type: "message", role: "user" }]);
  const types: string[] = [];
  for await (const event of await client.responses.retrieve(first.id, { stream: true })) types.push(event.type);
  expect([types[0], types.at(-1)]).toEqual(["response.created", "response.completed"]);
  const background = await client.responses.create({ model: CLAUDE, input: "later", background: true });
  expect(background.status).toBe("queued");
  await client.responses.delete(first.id);
  const failure = async (work: PromiseLike<unknown>): Promise<unknown> => {
    try {
      return await work;
    } catch (error) {
      return error;
    }
  };
  expect(await failure(client.responses.retrieve(first.id))).toBeInstanceOf(OpenAI.NotFoundError);
  const next = client.responses.create({ model: CLAUDE, input: "x", previous_response_id: first.id });
  expect(await failure(next)).toMatchObject({ status: 400, code: "previous_response_not_found" });
});

describe("beside answers", () => {
  test("tokens are counted by the provider that can, else estimated, with what is gone on from", async () => {
    const gateway = await open({
      upstream: (call) =>
        call.url.endsWith("/input_tokens")
          ? Response.json({ object: "response.input_tokens", input_tokens: 77 })
          : script(call),
    });
    const count = async (body: object) => readJson(await gateway.send(`${PATH}/input_tokens`, { body }));
    expect(await count({ model: GPT, input: "one" })).toEqual({ object: "response.input_tokens", input_tokens: 77 });
    const few = await count({ model: CLAUDE, input: "one" });
    expect(few).toMatchObject({ object: "response.input_tokens" });
    const { id } = await created(gateway, { input: "word ".repeat(200) });
    const many = await count({ model: CLAUDE, input: "one", previous_response_id: id });
    expect(many.input_tokens).toBeGreaterThan(few.input_tokens + 100);
    const { token } = await gateway.issue();
    const foreign = await gateway.send(`${PATH}/input_tokens`, {
      token,
      body: { model: GPT, input: "x", previous_response_id: id },
    });
    expect([foreign.status, (await readJson(foreign)).error.code]).toEqual([400, "previous_response_not_found"]);
  });

  test("a conversation is shortened by the provider that can, and booked; elsewhere that is refused", async () => {
    const short = {
      id: "resp_short",
      object: "response.compaction",
      output: [{ type: "compaction", id: "cmp_1", encrypted_content: "c2hvcnQ=" }],
      usage: { input_tokens: 40, output_tokens: 6, total_tokens: 46 },
    };
    const gateway = await open({ upstream: () => Response.json(short) });
    const done = await gateway.send(`${PATH}/compact`, { body: { model: GPT, input: "long" } });
    expect(await readJson(done)).toEqual(short);
    expect(gateway.calls[0]?.url).toBe("http://openai.test/v1/responses/compact");
    expect(await gateway.row()).toMatchObject({ endpoint: "responses.compact", freshInputTokens: 40, outputTokens: 6 });
    const refused = await gateway.send(`${PATH}/compact`, { body: { model: CLAUDE, input: "long" } });
    expect([refused.status, (await readJson(refused)).error.code]).toEqual([400, "unsupported_operation"]);
  });
});
