// A client that waits long for its stream is sent comments; whatever comes of it then comes as events.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, type Upstream, makeStream, readJson } from "../rig.ts";
import { ASK, GOOD_STREAM, START, openFleet, refusal } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function open(upstream: Upstream): Promise<Rig> {
  rig = await openFleet(upstream, { keepAliveMs: 15_000 });
  return rig;
}

describe("while a stream has not begun", () => {
  /** A provider that answers when the test says so. */
  function hold(): { upstream: Upstream; answer: (response: Response) => void } {
    const { promise, resolve } = Promise.withResolvers<Response>();
    return {
      answer: resolve,
      upstream: ({ signal }) =>
        Promise.race([
          promise,
          new Promise<never>((_resolve, reject) =>
            signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true }),
          ),
        ]),
    };
  }

  async function wait(gateway: Rig, init?: { signal: AbortSignal }): Promise<Response> {
    const pending = gateway.chat({ ...ASK, stream: true }, init);
    while (gateway.calls.length === 0) await new Promise(setImmediate);
    for (let round = 0; round < 20; round++) await new Promise(setImmediate);
    gateway.clock.advance(15_000);
    return pending;
  }

  test("the client is sent comments, then the stream", async () => {
    const { upstream, answer } = hold();
    const gateway = await open(upstream);
    const response = await wait(gateway);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream; charset=utf-8"]);
    answer(makeStream(GOOD_STREAM));
    const text = await response.text();
    expect(text.startsWith(": ")).toBe(true);
    expect(text).toContain("from the second");
    expect(text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(await gateway.row()).toMatchObject({ status: 200, errorKind: null, outputTokens: 2 });
  });

  test("a refusal reaches it as an event, and the row has it", async () => {
    const { upstream, answer } = hold();
    const gateway = await open(upstream);
    const response = await wait(gateway);
    answer(refusal(400));
    const text = await response.text();
    expect(text).toContain("no 400");
    expect(text).toContain('data: {"error":');
    expect(await gateway.row()).toMatchObject({ errorKind: "upstream_rejected" });
  });

  /** Lets what waits for the clock go on. */
  async function advance<T>({ clock }: Rig, pending: Promise<T>): Promise<T> {
    let isDone = false;
    const settled = pending.finally(() => (isDone = true));
    while (!isDone) {
      await new Promise(setImmediate);
      clock.advance(100);
    }
    return settled;
  }

  test("one that ends without a word reaches it as an event after comments, and as a status before any", async () => {
    const { upstream, answer } = hold();
    const gateway: Rig = await open((call) => (gateway.calls.length === 1 ? upstream(call) : makeStream([START])));
    const response = await wait(gateway);
    answer(makeStream([START]));
    const text = await advance(gateway, response.text());
    expect([response.status, text.startsWith(": ")]).toEqual([200, true]);
    expect(text).toContain('data: {"error":');
    expect(await gateway.row()).toMatchObject({ status: 200, errorKind: "upstream_malformed" });
    const early = await advance(gateway, gateway.chat({ ...ASK, stream: true }));
    expect([early.status, (await readJson(early)).error.code]).toEqual([502, "upstream_malformed"]);
    expect(early.headers.get("x-should-retry")).toBe("false");
    expect(new Set((await gateway.rows()).map(({ status }) => status))).toEqual(new Set([200, 502]));
  });

  test("one that leaves is booked, and the provider cancelled", async () => {
    const { upstream } = hold();
    const gateway = await open(upstream);
    const client = new AbortController();
    const response = await wait(gateway, { signal: client.signal });
    client.abort();
    await response.body?.cancel().catch(() => undefined);
    for (let round = 0; round < 50; round++) await new Promise(setImmediate);
    expect(gateway.calls[0]?.signal.aborted).toBe(true);
    expect(await gateway.row()).toMatchObject({ status: 499, errorKind: "cancelled" });
  });
});
