// Mirrors: a second target is sent the request too, and neither the client nor his row has anything of it.

import { afterEach, describe, expect, test } from "bun:test";
import type { Rig } from "../rig.ts";
import { hostOf, openRouted, say, sayMessage } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const HELLO = { model: "smart", messages: [{ role: "user", content: "Hello there" }] };

const open = async (
  routes: Parameters<typeof openRouted>[0]["routes"],
  over: Pick<Parameters<typeof openRouted>[0], "upstream">,
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
});
