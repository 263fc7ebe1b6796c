// Embeddings: the loopback's own, and those of a provider as they come.

import { afterEach, expect, test } from "bun:test";
import { type Rig, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

async function embed(gateway: Rig, body: Record<string, unknown>) {
  const response = await gateway.send("/v1/embeddings", { body: { model: "loopback", ...body } });
  expect(response.status).toBe(200);
  return readJson(response);
}

test("loopback: one, a batch and token arrays, each a unit vector that depends on the content alone", async () => {
  const gateway = await open();
  const one = await embed(gateway, { input: "hello" });
  expect(one).toMatchObject({ object: "list", model: "loopback", data: [{ object: "embedding", index: 0 }] });
  expect(one.data[0].embedding).toHaveLength(1536);
  const length = Math.sqrt(one.data[0].embedding.reduce((sum: number, value: number) => sum + value * value, 0));
  expect(length).toBeCloseTo(1, 5);
  const batch = await embed(gateway, { input: ["other", "hello"] });
  expect(batch.data[1]).toEqual({ ...one.data[0], index: 1 });
  expect(batch.data[0].embedding).not.toEqual(one.data[0].embedding);
  const tokens = await embed(gateway, { input: [1, 2, 3] });
  expect(tokens.data).toHaveLength(1);
  expect(tokens.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 });
  const many = await embed(gateway, { input: [[1, 2, 3], [4]] });
  expect(many.data[0].embedding).toEqual(tokens.data[0].embedding);
  expect(many.usage.prompt_tokens).toBe(4);
});

test("loopback: dimensions and base64 say the same numbers", async () => {
  const gateway = await open();
  const floats = await embed(gateway, { input: "hello", dimensions: 8 });
  const text = await embed(gateway, { input: "hello", dimensions: 8, encoding_format: "base64" });
  const bytes = Buffer.from(text.data[0].embedding, "base64");
  expect(Array.from(new Float32Array(bytes.buffer, bytes.byteOffset, 8))).toEqual(floats.data[0].embedding);
});

test("a provider's answer comes through byte for byte, metered and priced", async () => {
  const answer = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10,-2e-3]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":1000,"total_tokens":1000}}`;
  const gateway = await open({
    upstream: () => new Response(answer, { headers: { "content-type": "application/json" } }),
  });
  const body = `{"model":"text-embedding-3-small","input":["a"],"user":"u1"}`;
  const response = await gateway.send("/v1/embeddings", { body });
  expect(await response.text()).toBe(answer);
  expect(gateway.calls[0]).toMatchObject({ url: "http://openai.test/v1/embeddings", text: body });
  expect(await gateway.row()).toMatchObject({
    endpoint: "embeddings",
    modelServed: "text-embedding-3-small",
    freshInputTokens: 1000,
    outputTokens: 0,
    costNanos: 20_000,
    usageSource: "provider",
  });
});

test("a provider's error comes through as it is", async () => {
  const error = {
    error: { message: "too long", type: "invalid_request_error", param: "input", code: "context_length_exceeded" },
  };
  const gateway = await open({ upstream: () => Response.json(error, { status: 400 }) });
  const response = await gateway.send("/v1/embeddings", { body: { model: "text-embedding-3-small", input: "x" } });
  expect(response.status).toBe(400);
  expect(await readJson(response)).toEqual(error);
});

test("an error behind status 200 is told as one, and booked without tokens", async () => {
  const gateway = await open({ upstream: () => Response.json({ error: { message: "no credit", type: "billing" } }) });
  const response = await gateway.send("/v1/embeddings", { body: { model: "text-embedding-3-small", input: "x" } });
  expect(response.status).toBe(502);
  expect((await readJson(response)).error).toMatchObject({ message: "no credit", type: "billing" });
  expect(await gateway.row()).toMatchObject({
    status: 502,
    errorKind: "upstream_rejected",
    usageSource: "none",
    costNanos: null,
  });
});
