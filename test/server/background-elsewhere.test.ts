// Answers that a provider makes in the background itself: left to it, followed to their end, and booked with what they cost.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, type Upstream, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});
async function open(init: Parameters<typeof makeRig>[0] = {}): Promise<Rig> {
  rig = await makeRig(init);
  return rig;
}

const PATH = "/v1/responses";
const GPT = "gpt-5";

function create(gateway: Rig, body: Record<string, unknown> = {}): Promise<Response> {
  return gateway.send(PATH, { body: { input: "Take your time.", background: true, ...body } });
}

async function show(gateway: Rig, id: string) {
  return readJson(await gateway.send(`${PATH}/${id}`));
}

const say = (text: string): object[] => [
  { type: "message", id: "msg_n", role: "assistant", content: [{ type: "output_text", text }] },
];

/** A provider that makes answers in the background itself: done when it is looked at for the `last` time. */
function makeKeeper(last = 3): Upstream {
  let looks = 0;
  const answer = (status: string, more: object = {}) =>
    Response.json({
      id: "resp_native",
      object: "response",
      created_at: 1_700_000_000,
      status,
      background: true,
      model: GPT,
      output: [],
      usage: null,
      error: null,
      ...more,
    });
  return ({ method, url }) => {
    if (url.endsWith("/models")) return Response.json({ data: [] });
    if (url.endsWith("/cancel")) return answer("cancelled", { output: say("What was made of it by then.") });
    if (method === "POST") return answer("queued");
    looks++;
    if (looks < last) return answer("in_progress");
    return answer("completed", {
      output: say("Native."),
      usage: { input_tokens: 5, output_tokens: 4, total_tokens: 9 },
    });
  };
}

describe("an answer that the provider makes in the background itself", () => {
  test("is left to it, followed to its end, and booked with what it cost", async () => {
    const gateway = await open({ upstream: makeKeeper() });
    const response = await create(gateway, { model: GPT });
    const begun = await readJson(response);
    expect([response.status, begun.id, begun.status]).toEqual([200, "resp_native", "queued"]);
    expect(response.headers.get("x-tokligence-cost-usd")).toBeNull();
    expect(gateway.calls[0]?.body).toMatchObject({ background: true });
    expect(await gateway.rows()).toEqual([]);
    for (let look = 0; look < 20 && (await gateway.rows()).length === 0; look++) {
      gateway.clock.advance(30_000);
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    expect(await gateway.row()).toMatchObject({
      status: 200,
      freshInputTokens: 5,
      outputTokens: 4,
      usageSource: "provider",
    });
    const answer = await show(gateway, "resp_native");
    expect([answer.status, answer.output[0].content[0].text]).toEqual(["completed", "Native."]);
  });

  test("is shown by the provider while it is made, and cancelled there", async () => {
    const gateway = await open({ upstream: makeKeeper() });
    await create(gateway, { model: GPT });
    expect((await show(gateway, "resp_native")).status).toBe("in_progress");
    const response = await gateway.send(`${PATH}/resp_native/cancel`, { method: "POST" });
    expect((await readJson(response)).status).toBe("cancelled");
    expect((await show(gateway, "resp_native")).status).toBe("cancelled");
    const { token } = await gateway.issue();
    const looks = await gateway.send(`${PATH}/resp_native`, { token });
    expect(looks.status).toBe(404);
    await gateway.memory.stop();
    expect(await gateway.row()).toMatchObject({ status: 200, usageSource: "estimate" });
  });

  test.each([
    ["once its owner has seen it whole", 3],
    ["by an owner who did not look", 0],
  ])("is booked with what it cost where it is removed %s, before we have looked again", async (_when, looks) => {
    const upstream = makeKeeper(looks === 0 ? 1 : 3);
    let isGone = false;
    const gateway = await open({
      upstream(call) {
        if (call.method === "DELETE") isGone = true;
        else if (isGone && call.method === "GET") return Response.json({ error: { message: "gone" } }, { status: 404 });
        return upstream(call);
      },
    });
    await create(gateway, { model: GPT });
    for (let look = 0; look < looks; look++) await show(gateway, "resp_native");
    expect((await gateway.send(`${PATH}/resp_native`, { method: "DELETE" })).status).toBe(200);
    for (let look = 0; look < 20 && (await gateway.rows()).length === 0; look++) {
      gateway.clock.advance(30_000);
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    expect(await gateway.row()).toMatchObject({ freshInputTokens: 5, outputTokens: 4, usageSource: "provider" });
    expect((await gateway.send(`${PATH}/resp_native`)).status).toBe(404);
  });

  test("is cancelled where it is removed before its end, and what was made by then is counted", async () => {
    const gateway = await open({ upstream: makeKeeper(99) });
    await create(gateway, { model: GPT });
    expect((await gateway.send(`${PATH}/resp_native`, { method: "DELETE" })).status).toBe(200);
    await gateway.memory.stop();
    const asked = gateway.calls.map(({ method, url }) => `${method} ${url.slice(url.lastIndexOf("/"))}`);
    expect(asked).toEqual(["POST /responses", "GET /resp_native", "POST /cancel", "DELETE /resp_native"]);
    const row = await gateway.row();
    expect(row).toMatchObject({ usageSource: "estimate", freshInputTokens: 4 });
    expect(row.outputTokens).toBeGreaterThan(3);
  });

  test("is one of a hundred at most for each owner, also where all are asked for at once", async () => {
    let made = 0;
    const upstream = makeKeeper();
    const gateway = await open({
      upstream(call) {
        if (call.method !== "POST" || call.url.endsWith("/cancel")) return upstream(call);
        return Response.json({
          id: `resp_${++made}`,
          object: "response",
          status: "queued",
          background: true,
          output: [],
        });
      },
    });
    const statuses = await Promise.all(
      Array.from({ length: 103 }, async () => (await create(gateway, { model: GPT })).status),
    );
    expect([
      statuses.filter((status) => status === 200).length,
      statuses.filter((status) => status === 429).length,
    ]).toEqual([100, 3]);
    expect(made).toBe(100);
    const { token } = await gateway.issue();
    const body = { model: GPT, input: "x", background: true };
    expect((await gateway.send(PATH, { body, token })).status).toBe(200);
    for (let look = 0; look < 20; look++) {
      gateway.clock.advance(30_000);
      await new Promise<void>((resolve) => void setImmediate(resolve));
    }
    while (gateway.ledger.figures().openIntents > 0) await new Promise<void>((resolve) => void setImmediate(resolve));
    expect((await create(gateway, { model: GPT })).status).toBe(200);
  });

  test("as a stream belongs to its owner from the first event on", async () => {
    const started = `event: response.created\ndata: ${JSON.stringify({
      type: "response.created",
      sequence_number: 0,
      response: { id: "resp_live", object: "response", status: "in_progress", background: true, output: [] },
    })}\n\n`;
    const asked: string[] = [];
    const gateway = await open({
      upstream: ({ method, url, signal }) => {
        asked.push(`${method} ${url}`);
        if (method === "GET") return new Response(started, { headers: { "content-type": "text/event-stream" } });
        const encoder = new TextEncoder();
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(encoder.encode(started));
            signal.addEventListener("abort", () => controller.error(new Error("aborted")));
          },
        });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      },
    });
    const client = new AbortController();
    const body = { model: GPT, input: "x", background: true, stream: true };
    const response = await gateway.send(PATH, { body, signal: client.signal });
    const reader = response.body?.getReader();
    await reader?.read();
    client.abort();
    await reader?.cancel();
    const resumed = await gateway.send(`${PATH}/resp_live?stream=true&starting_after=0`);
    expect(await resumed.text()).toBe(started);
    // Whatever the provider calls it, it is no page of ours.
    expect(resumed.headers.get("content-security-policy")).toContain("sandbox");
    expect(asked.at(-1)).toBe("GET http://openai.test/v1/responses/resp_live?stream=true&starting_after=0");
  });

  test.each([
    ["its provider", "text/event-stream", "event: response.completed\ndata: {}\n\n"],
    ["us, where its provider tells it no more", "application/json", "event: response.completed"],
  ])("is gone on with by %s once it is over", async (_name, type, expected) => {
    const keeper = makeKeeper(1);
    const asked: string[] = [];
    const lines: AbortSignal[] = [];
    const gateway = await open({
      upstream(call) {
        if (!call.url.includes("stream=true")) return keeper(call);
        asked.push(call.url);
        lines.push(call.signal);
        return new Response("event: response.completed\ndata: {}\n\n", { headers: { "content-type": type } });
      },
    });
    const { id } = await readJson(await create(gateway, { model: GPT }));
    expect((await show(gateway, id)).status).toBe("completed");
    const rest = await gateway.send(`${PATH}/${id}?stream=true&starting_after=7`);
    expect(rest.headers.get("content-type")).toStartWith("text/event-stream");
    expect(await rest.text()).toContain(expected);
    expect(asked).toEqual([`http://openai.test/v1/responses/${id}?stream=true&starting_after=7`]);
    // Nothing is held of what is not told.
    expect(lines.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test("is held open for nobody who asks for its headers alone", async () => {
    const keeper = makeKeeper();
    const lines: AbortSignal[] = [];
    const gateway = await open({
      upstream(call) {
        if (!call.url.includes("stream=true")) return keeper(call);
        lines.push(call.signal);
        return new Response(new ReadableStream(), { headers: { "content-type": "text/event-stream" } });
      },
    });
    const { id } = await readJson(await create(gateway, { model: GPT }));
    const head = await gateway.send(`${PATH}/${id}?stream=true`, { method: "HEAD" });
    expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    expect(lines.map(({ aborted }) => aborted)).toEqual([true]);
  });

  test("tells nobody its id before it is on the books", async () => {
    const live = { id: "resp_live", object: "response", status: "in_progress", background: true, output: [] };
    const begun = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const gateway = await open({
      upstream({ signal }) {
        const body = new ReadableStream({
          start(controller) {
            const event = { type: "response.created", sequence_number: 0, response: live };
            controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
            signal.addEventListener("abort", () => controller.error(new Error("aborted")));
          },
        });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      },
      ledger: (writer) => ({
        ...writer,
        intend(intent, before) {
          const announced = writer.intend(intent, before);
          if (!intent.attempts?.some(({ answerId }) => answerId === "resp_live")) return announced;
          begun.resolve();
          return { ...announced, durable: written.promise };
        },
      }),
    });
    const client = new AbortController();
    const body = { model: GPT, input: "x", background: true, stream: true };
    const response = await gateway.send(PATH, { body, signal: client.signal });
    let isTold = false;
    const reader = response.body?.getReader();
    const told = reader?.read().then(() => (isTold = true));
    await begun.promise;
    for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => void setImmediate(resolve));
    expect(isTold).toBe(false);
    written.resolve();
    expect(await told).toBe(true);
    client.abort();
    await reader?.cancel();
  });

  test.each(["leaves", "has its key revoked"])(
    "is booked with what it cost where whoever follows it %s",
    async (how) => {
      const live = { id: "resp_native", object: "response", status: "in_progress", background: true, output: [] };
      const started = { type: "response.created", sequence_number: 0, response: live };
      const upstream = makeKeeper(2);
      const gateway = await open({
        upstream(call) {
          if (call.method !== "POST") return upstream(call);
          const body = new ReadableStream({
            start(controller) {
              controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(started)}\n\n`));
              call.signal.addEventListener("abort", () => controller.error(new Error("aborted")));
            },
          });
          return new Response(body, { headers: { "content-type": "text/event-stream" } });
        },
      });
      const { token, keyId } = await gateway.issue();
      const client = new AbortController();
      const body = { model: GPT, input: "x", background: true, stream: true };
      const response = await gateway.send(PATH, { body, token, signal: client.signal });
      const reader = response.body?.getReader();
      await reader?.read();
      if (how === "leaves") client.abort();
      else {
        await gateway.directory.revokeKey({ kind: "operator" }, keyId);
        await gateway.ring.refresh();
      }
      await reader?.cancel();
      for (let look = 0; look < 20 && (await gateway.rows()).length === 0; look++) {
        gateway.clock.advance(30_000);
        await new Promise<void>((resolve) => void setImmediate(resolve));
      }
      expect(await gateway.row()).toMatchObject({
        status: 200,
        errorKind: null,
        freshInputTokens: 5,
        outputTokens: 4,
        usageSource: "provider",
        streamed: true,
      });
    },
  );
});
