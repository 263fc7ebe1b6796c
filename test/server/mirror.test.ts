// Mirrors: a second target is sent the request too, and neither the client nor his row has anything of it.

import { afterEach, describe, expect, test } from "bun:test";
import type { Gate } from "../../src/gateway/index.ts";
import { GatewayError } from "../../src/ir/index.ts";
import type { Crew } from "../../src/server/index.ts";
import type { Rig } from "../rig.ts";
import { hostOf, openRouted, say, sayMessage } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const HELLO = { model: "smart", messages: [{ role: "user", content: "Hello there" }] };

const open = async (
  routes: Parameters<typeof openRouted>[0]["routes"],
  over: Pick<Parameters<typeof openRouted>[0], "crew" | "upstream">,
) => {
  rig = await openRouted({ routes, ...over });
  return rig;
};

describe("a mirror", () => {
  /** Until there are so many rows: what nobody waits for ends when it ends. */
  const rowsOf = async (count: number) => {
    for (;;) {
      const rows = (await rig?.rows()) ?? [];
      if (rows.length >= count) return rows;
      await new Promise(setImmediate);
    }
  };

  test("is sent the request too, without a trace in the answer, and its cost is on a row that is marked", async () => {
    await open(
      { smart: { targets: "openai/gpt-4o", shadow: "anthropic/claude-3-5-haiku-20241022 100%" } },
      { upstream: ({ url }) => (hostOf(url) === "openai" ? say("seen") : sayMessage("unseen")) },
    );
    const headers = { "x-tokligence-tags": "team=a", "x-request-id": "r1", "idempotency-key": "i1" };
    const answer = await rig?.chat(HELLO, { headers });
    expect(await answer?.json()).toMatchObject({ choices: [{ message: { content: "seen" } }] });
    expect(answer?.headers.get("x-tokligence-attempts")).toBe("1");
    const rows = await rowsOf(2);
    const [own, mirrored] = rows.toSorted((left, right) => left.requestId.length - right.requestId.length);
    expect(own).toMatchObject({
      requestId: "r1",
      provider: "openai",
      tags: ["team=a"],
      attempts: [{ provider: "openai" }],
    });
    expect(mirrored).toMatchObject({
      requestId: "r1-mirror",
      provider: "anthropic",
      modelAsked: "smart",
      tags: ["team=a", "mirror"],
      status: 200,
      freshInputTokens: 10,
      outputTokens: 5,
    });
    expect(mirrored?.costNanos).toBeGreaterThan(0);
    expect(rig?.calls.find(({ url }) => hostOf(url) === "anthropic")?.headers.get("idempotency-key")).toBeNull();
  });

  test("that hangs or fails delays and breaks nothing", async () => {
    let end: (response: Response) => void = () => undefined;
    await open(
      { smart: { targets: "openai/m", shadow: "local/m 100%, anthropic/c 100%" } },
      {
        upstream: ({ url }) => {
          if (hostOf(url) === "local") return new Promise((resolve) => (end = resolve));
          return hostOf(url) === "openai" ? say("seen") : new Response("broken", { status: 500 });
        },
      },
    );
    expect((await rig?.chat(HELLO))?.status).toBe(200);
    const failed = (await rowsOf(2)).find(({ provider }) => provider === "anthropic");
    expect(failed).toMatchObject({ status: 500, errorKind: "upstream_rejected", tags: ["mirror"] });
    end(say("late"));
    expect((await rowsOf(3)).find(({ provider }) => provider === "local")).toMatchObject({ status: 200 });
  });

  test("is made for 64 requests at once at most", async () => {
    const ends: ((response: Response) => void)[] = [];
    const isMirrored = (url: string): boolean => url.startsWith("http://local.test/v1/chat");
    await open(
      { smart: { targets: "openai/m", shadow: "local/m 100%" } },
      { upstream: ({ url }) => (isMirrored(url) ? new Promise((resolve) => ends.push(resolve)) : say("seen")) },
    );
    for (let request = 0; request < 70; request++) await rig?.chat(HELLO);
    while (ends.length < 64) await new Promise(setImmediate);
    expect(ends).toHaveLength(64);
    for (const end of ends) end(say("late"));
    expect(await rowsOf(134)).toHaveLength(134);
  });

  test("whose place others give is made once it has one, and where there is none, is not", async () => {
    const answers: PromiseWithResolvers<() => void>[] = [];
    const makeGate = (id: string): Gate => ({
      enter() {
        if (id !== "provider local") return () => undefined;
        const answer = Promise.withResolvers<() => void>();
        answers.push(answer);
        return answer.promise;
      },
      isFull: () => false,
      entersAtOnce: () => id !== "provider local",
      running: () => 0,
      waiting: () => 0,
    });
    await open(
      { smart: { targets: "openai/m", shadow: "local/m 100%" } },
      { upstream: () => say("hi"), crew: { ...ALONE, makeGate } },
    );
    const asked = (): number => rig?.calls.filter(({ url }) => hostOf(url) === "local").length ?? 0;
    for (const count of [1, 2]) {
      await rig?.chat(HELLO);
      while (answers.length < count) await new Promise(setImmediate);
    }
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(asked()).toBe(0);
    answers[0]?.reject(new GatewayError({ kind: "overloaded", code: "concurrency_limit", message: "no room" }));
    answers[1]?.resolve(() => undefined);
    expect(await rowsOf(3)).toHaveLength(3);
    expect(asked()).toBe(1);
  });
});

/** Of a gateway with several processes, one of which nothing is known of the others. */
const ALONE: Crew = {
  pass: () => null,
  isOffice: true,
  places: () => [],
  keys: () => [],
  pending: () => [],
  look: () => Promise.resolve(),
  count: () => 0,
};
