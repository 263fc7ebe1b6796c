// Answers that the client does not wait for: taken on, made behind its back, booked as any, fetched, followed and cancelled.
// Upstreams answer when the test lets them.

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
const CLAUDE = "claude-sonnet-4-5";

const ANSWER = {
  id: "msg_same",
  type: "message",
  role: "assistant",
  model: CLAUDE,
  content: [{ type: "text", text: "Done." }],
  stop_reason: "end_turn",
  usage: { input_tokens: 3, output_tokens: 2 },
};

/** An upstream that answers when it is told to, or breaks off where the line is cut. */
function hold(): { upstream: Upstream; release(response: Response): void; asked: Promise<void> } {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  return {
    upstream(call) {
      if (call.method === "GET") return Response.json({ data: [] });
      asked.resolve();
      call.signal.addEventListener("abort", () => answer.reject(new Error("aborted")));
      return answer.promise;
    },
    release: (response) => answer.resolve(response),
    asked: asked.promise,
  };
}

function create(gateway: Rig, body: Record<string, unknown> = {}): Promise<Response> {
  return gateway.send(PATH, { body: { model: CLAUDE, input: "Take your time.", background: true, ...body } });
}

async function show(gateway: Rig, id: string, rest = "") {
  return readJson(await gateway.send(`${PATH}/${id}${rest}`));
}

/** Looks until the answer is over; each look lets what runs behind go on. */
async function settle(gateway: Rig, id: string) {
  for (let look = 0; look < 200; look++) {
    const answer = await show(gateway, id);
    if (answer.status !== "queued" && answer.status !== "in_progress") return answer;
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
  throw new Error("it never ended");
}

describe("an answer in the background", () => {
  test("is promised at once, made behind, booked, and can be gone on from", async () => {
    const { upstream, release, asked } = hold();
    const gateway = await open({ upstream });
    const response = await create(gateway);
    const queued = await readJson(response);
    expect(response.headers.get("x-tokligence-provider")).toBe("anthropic");
    expect([response.status, queued.object, queued.status, queued.background, queued.output]).toEqual([
      200,
      "response",
      "queued",
      true,
      [],
    ]);
    await asked;
    expect((await show(gateway, queued.id)).status).toBe("in_progress");
    const early = await gateway.send(PATH, { body: { model: CLAUDE, input: "x", previous_response_id: queued.id } });
    expect([early.status, (await readJson(early)).error.param]).toEqual([400, "previous_response_id"]);
    release(Response.json(ANSWER));
    const answer = await settle(gateway, queued.id);
    expect([answer.id, answer.status, answer.background, answer.output[0].content[0].text]).toEqual([
      queued.id,
      "completed",
      true,
      "Done.",
    ]);
    expect(answer.usage).toMatchObject({ input_tokens: 3, output_tokens: 2 });
    const row = (await gateway.rows()).find(({ status }) => status === 200);
    expect(row).toMatchObject({
      endpoint: "responses",
      status: 200,
      outputTokens: 2,
      freshInputTokens: 3,
      provider: "anthropic",
    });
    const items = await show(gateway, queued.id, "/input_items");
    expect(items.data[0].content[0].text).toBe("Take your time.");
  });

  test("says so where it fails, and the row says why", async () => {
    const { upstream, release } = hold();
    const gateway = await open({ upstream });
    const { id } = await readJson(await create(gateway));
    release(
      Response.json({ type: "error", error: { type: "rate_limit_error", message: "slow down" } }, { status: 429 }),
    );
    const answer = await settle(gateway, id);
    expect([answer.status, answer.error.code, answer.error.message]).toEqual([
      "failed",
      "rate_limit_exceeded",
      "slow down",
    ]);
    expect(await gateway.row()).toMatchObject({ status: 429, errorKind: "upstream_rejected" });
  });

  test("is cancelled by its owner: the provider is let go, the row says so", async () => {
    const { upstream, asked } = hold();
    const gateway = await open({ upstream });
    const { id } = await readJson(await create(gateway));
    await asked;
    const response = await gateway.send(`${PATH}/${id}/cancel`, { method: "POST" });
    expect([response.status, (await readJson(response)).status]).toEqual([200, "cancelled"]);
    expect(gateway.calls[0]?.signal.aborted).toBe(true);
    expect((await show(gateway, id)).status).toBe("cancelled");
    await gateway.memory.stop();
    expect(await gateway.row()).toMatchObject({ status: 499, errorKind: "cancelled" });
    // Once more changes nothing.
    const again = await gateway.send(`${PATH}/${id}/cancel`, { method: "POST" });
    expect((await readJson(again)).status).toBe("cancelled");
  });

  test("goes on where the client leaves, and ends where it removes it", async () => {
    const { upstream, asked } = hold();
    const gateway = await open({ upstream });
    const client = new AbortController();
    const body = { model: CLAUDE, input: "x", background: true };
    const { id } = await readJson(await gateway.send(PATH, { body, signal: client.signal }));
    await asked;
    client.abort();
    expect(gateway.calls[0]?.signal.aborted).toBe(false);
    expect((await gateway.send(`${PATH}/${id}`, { method: "DELETE" })).status).toBe(200);
    expect(gateway.calls[0]?.signal.aborted).toBe(true);
    expect((await gateway.send(`${PATH}/${id}`)).status).toBe(404);
  });

  test("can be followed as a stream, from any event on, while it is made and after", async () => {
    const gateway = await open();
    const response = await create(gateway, { model: "loopback", input: "one two three", stream: true });
    const live = await response.text();
    const events = readEvents(live);
    const id = events[0]?.response?.id ?? "";
    expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { id, status: "completed" } });
    const kept = await settle(gateway, id);
    expect(kept.output[0].content[0].text).toContain("one two three");
    const again = readEvents(await (await gateway.send(`${PATH}/${id}?stream=true&starting_after=2`)).text());
    expect(again[0]?.sequence_number).toBe(3);
    expect(again.at(-1)?.type).toBe("response.completed");
  });

  test("is gone on with from wherever a client lost it, though it is over by then: event by event, and to the end", async () => {
    const gateway = await open();
    const live = readEvents(
      await (await create(gateway, { model: "loopback", input: "one two three four", stream: true })).text(),
    );
    const id = live[0]?.response?.id ?? "";
    await settle(gateway, id);
    const goOn = async (after: number): Promise<typeof live> =>
      readEvents(await (await gateway.send(`${PATH}/${id}?stream=true&starting_after=${after}`)).text());
    for (const [after] of live.slice(0, -1).entries()) expect(await goOn(after)).toEqual(live.slice(after + 1));
    expect(await goOn(live.length - 1)).toMatchObject([{ type: "response.completed", sequence_number: live.length }]);
    gateway.clock.advance(11 * 60_000);
    expect((await goOn(5)).at(-1)).toMatchObject({ type: "response.completed", response: { id } });
  });

  test("is followed by a second reader while it is made", async () => {
    const { upstream, release, asked } = hold();
    const gateway = await open({ upstream });
    const { id } = await readJson(await create(gateway));
    await asked;
    const follower = await gateway.send(`${PATH}/${id}?stream=true`);
    release(Response.json(ANSWER));
    await settle(gateway, id);
    expect(follower.headers.get("content-type")).toStartWith("text/event-stream");
    // By this a proxy between us knows that it is not to hold anything back.
    expect(follower.headers.get("x-accel-buffering")).toBe("no");
    const events = readEvents(await follower.text());
    expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { id } });
  });

  test.each<[string, () => Response]>([
    [
      "refuses it",
      () => Response.json({ type: "error", error: { type: "api_error", message: "no" } }, { status: 500 }),
    ],
    ["breaks its stream off", () => new Response("", { headers: { "content-type": "text/event-stream" } })],
  ])("ends for those who follow it, too, where its provider %s", async (_name, fault) => {
    const { upstream, release } = hold();
    const gateway = await open({ upstream });
    const response = await create(gateway, { stream: true });
    release(fault());
    const events = readEvents(await response.text());
    const { id } = events[0]?.response ?? {};
    expect(events.at(-1)).toMatchObject({ type: "response.failed", response: { id, status: "failed" } });
    expect((await settle(gateway, id ?? "")).status).toBe("failed");
  });

  test("has failed where its maker died, and nobody waits for it", async () => {
    const gateway = await open({ upstream: () => Response.json(ANSWER) });
    const { userId, token } = await gateway.issue();
    const body = { id: "resp_orphan", object: "response", status: "in_progress", background: true, output: [] };
    const at = new Date(gateway.clock.wallMs());
    await gateway.store.answers.put([
      {
        id: body.id,
        userId,
        provider: "anthropic",
        model: CLAUDE,
        previousId: null,
        isUpstream: false,
        input: "[]",
        body: JSON.stringify(body),
        leaseUntil: new Date(at.getTime() + 1_000),
        createdAt: at,
        expiresAt: new Date(at.getTime() + 1_000_000),
        items: [],
      },
    ]);
    const look = async () => readJson(await gateway.send(`${PATH}/resp_orphan`, { token }));
    expect((await look()).status).toBe("in_progress");
    gateway.clock.advance(2_000);
    const dead = await look();
    expect([dead.status, dead.error.code]).toEqual(["failed", "server_error"]);
    expect((await look()).status).toBe("failed");
  });

  test("ends with the gateway, and says so", async () => {
    const { upstream, asked } = hold();
    const gateway = await open({ upstream });
    const { userId, token } = await gateway.issue();
    const body = { model: CLAUDE, input: "x", background: true };
    const { id } = await readJson(await gateway.send(PATH, { body, token }));
    await asked;
    await gateway.memory.stop();
    const kept = await gateway.store.answers.find(id, userId, new Date(gateway.clock.wallMs()));
    expect(JSON.parse(kept?.body ?? "")).toMatchObject({ status: "failed", error: { code: "server_error" } });
  });

  test("is one of a hundred at most for each owner", async () => {
    const gateway = await open({ upstream: hold().upstream });
    for (let count = 0; count < 100; count++) expect((await create(gateway)).status).toBe(200);
    const refused = await create(gateway);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "5"]);
    // One that was refused is no call that runs.
    const { token: admin } = await gateway.issue("root_admin");
    const health = await readJson(await gateway.send("/api/v1/admin/health/providers", { token: admin }));
    const places = health.providers.flatMap(({ models }: { models: { in_flight: number }[] }) => models);
    expect(places.map(({ in_flight: running }: { in_flight: number }) => running)).toEqual([100]);
    const { token } = await gateway.issue();
    const body = { model: CLAUDE, input: "x", background: true };
    expect((await gateway.send(PATH, { body, token })).status).toBe(200);
  });

  test("must be kept", async () => {
    const gateway = await open({ upstream: () => Response.json(ANSWER) });
    const response = await create(gateway, { store: false });
    expect([response.status, (await readJson(response)).error.param]).toEqual([400, "background"]);
    // What is wrong with the request is told at once, not behind.
    const wrong = await create(gateway, { tool_choice: "nonsense" });
    expect(wrong.status).toBe(400);
    expect(gateway.calls).toEqual([]);
  });
});

interface Event {
  type: string;
  sequence_number: number;
  response?: { id: string };
}

function readEvents(text: string): Event[] {
  return text.split("\n\n").flatMap((frame) => {
    const at = frame.indexOf("data: ");
    return at === -1 ? [] : [JSON.parse(frame.slice(at + 6)) as Event];
  });
}
