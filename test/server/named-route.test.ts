// Named routes as requests meet them: which condition sends whom where, what is put into bodies, who stands in, and what goes to a mirror.

import { afterEach, describe, expect, test } from "bun:test";
import type { Rig } from "../rig.ts";
import { makeClock } from "../clock.ts";
import { hostOf, openRouted, say, sayMessage } from "./route-scene.ts";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

const HELLO = { model: "smart", messages: [{ role: "user", content: "Hello there" }] };
const upstream = ({ url }: { url: string }): Response => (hostOf(url) === "anthropic" ? sayMessage("hi") : say("hi"));
const hosts = (): string[] => (rig?.calls ?? []).map(({ url }) => hostOf(url));

const open = async (
  routes: Parameters<typeof openRouted>[0]["routes"],
  over: Partial<Parameters<typeof openRouted>[0]> = {},
) => {
  rig = await openRouted({ upstream, routes, ...over });
  return rig;
};

describe("conditions", () => {
  const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
  const tool = { type: "function", function: { name: "f", parameters: {} } };
  test.each([
    [{ stream: "yes" }, {}, {}, false],
    [{ stream: "no" }, {}, {}, true],
    [{ tools: "yes" }, { tools: [tool] }, {}, true],
    [{ tools: "yes" }, { tools: [] }, {}, false],
    [{ tools: "no" }, { tools: [tool] }, {}, false],
    [{ images: "yes" }, { messages: [{ role: "user", content: [picture] }] }, {}, true],
    [{ images: "yes" }, {}, {}, false],
    [{ context: ">100k" }, {}, {}, false],
    [{ context: ">100k" }, { messages: [{ role: "user", content: "word ".repeat(90_000) }] }, {}, true],
    [{ context: "<1k" }, {}, {}, true],
    [{ endpoint: "chat.*" }, {}, {}, true],
    [{ endpoint: "!chat.*" }, {}, {}, false],
    [{ "header.x-team": "research*" }, {}, { "x-team": "Research-2" }, true],
    [{ "header.x-team": "research*" }, {}, { "x-team": "sales" }, false],
    [{ "header.x-team": "research*" }, {}, {}, false],
    [{ "header.x-team": "!*" }, {}, {}, true],
    [{ tag: "team=a" }, {}, { "x-tokligence-tags": "env=x,team=a" }, true],
    [{ tag: "team=a, !env=x" }, {}, { "x-tokligence-tags": "env=x,team=a" }, false],
    [{ tag: "team=a" }, {}, {}, false],
    [{ user: "*@example.com" }, {}, {}, true],
    [{ user: "!*@example.com" }, {}, {}, false],
    [{ key: "nobody" }, {}, {}, false],
    [{ stream: "no", tools: "yes" }, {}, {}, false],
  ])("%j with %j and %j holds: %p", async (when, body, headers, expected) => {
    await open({
      // Declared first, and beaten by the one that knows better where that holds.
      all: { match: "smart", targets: "openai/m" },
      some: { match: "smart", targets: "local/m", ...when },
    });
    const answer = await rig?.chat({ ...HELLO, ...body }, { headers: headers as Record<string, string> });
    expect(answer?.status).toBe(200);
    expect(hosts()).toEqual([expected ? "local" : "openai"]);
  });

  test("of one pattern the first whose conditions hold is taken", async () => {
    await open({
      a: { match: "smart", targets: "openai/a", "header.x": "1" },
      b: { match: "smart", targets: "openai/b", "header.x": "*" },
      c: { match: "smart", targets: "openai/c" },
    });
    for (const x of ["1", "2"]) await rig?.chat(HELLO, { headers: { x } });
    await rig?.chat(HELLO);
    expect(rig?.calls.map(({ body }) => body)).toMatchObject([{ model: "a" }, { model: "b" }, { model: "c" }]);
  });

  test("the hour is that of the zone", async () => {
    const clock = makeClock();
    await open(
      {
        day: { match: "smart", targets: "local/m", time: "08:00-18:00", time_zone: "Asia/Tokyo" },
        all: { match: "smart", targets: "openai/m" },
      },
      { clock },
    );
    // The clock stands at 22:13 UTC.
    for (const hours of [0, 1, 10]) {
      clock.advance(hours * 3_600_000);
      await rig?.chat(HELLO);
    }
    expect(hosts()).toEqual(["openai", "local", "openai"]);
  });

  test("where none holds and nothing else leads there, the model does not exist", async () => {
    await open({ some: { match: "smart", targets: "openai/m", stream: "yes" } });
    const answer = await rig?.chat(HELLO);
    expect(answer?.status).toBe(404);
    expect(await answer?.text()).toContain("smart");
  });
});

describe("what a route puts into bodies", () => {
  test("stands over what the client said, in the target's own format", async () => {
    await open({
      smart: {
        targets: "local/m set.temperature=0, anthropic/c set.temperature=1",
        strategy: "round-robin",
        "set.metadata.user_id": "u1",
      },
    });
    const body = { ...HELLO, temperature: 0.7, metadata: { user_id: "mine", more: 1 } };
    await rig?.chat(body);
    await rig?.chat(body);
    expect(rig?.calls[0]?.body).toMatchObject({ model: "m", temperature: 0, metadata: { user_id: "u1", more: 1 } });
    expect(rig?.calls[1]?.body).toMatchObject({ model: "c", temperature: 1, metadata: { user_id: "u1" } });
  });
});

describe("the name of the route", () => {
  test("stands in the answer's headers, on the row and in the list of rows", async () => {
    await open({ clever: { match: "smart", targets: "openai/m, local/m" } });
    const answer = await rig?.chat(HELLO);
    expect(answer?.headers.get("x-tokligence-route")).toBe("clever");
    expect((await rig?.row())?.attempts.map(({ route }) => route)).toEqual(["clever"]);
    const { token } = (await rig?.issue("root_admin")) ?? { token: "" };
    const logs = (await (await rig?.send("/api/v1/usage/logs?user=all", { token }))?.json()) as { entries: unknown[] };
    expect(logs.entries).toMatchObject([{ route: "clever", attempts: [{ provider: "openai", route: "clever" }] }]);
  });

  test("is told of failures, too, of streams, and of what is no chat", async () => {
    await open(
      { clever: { match: "smart", targets: "openai/m, local/m" } },
      {
        upstream: ({ url }) => (hostOf(url) === "openai" ? new Response("down", { status: 503 }) : say("hi")),
        maxAttempts: 2,
      },
    );
    const told = await rig?.send("/v1/moderations", { body: { model: "smart", input: "x" } });
    expect([told?.status, told?.headers.get("x-tokligence-route")]).toEqual([200, "clever"]);
    const stream = await rig?.chat({ ...HELLO, stream: true });
    expect([stream?.status, stream?.headers.get("x-tokligence-route")]).toEqual([502, "clever"]);
    const rows = await rig?.rows();
    expect(rows?.flatMap(({ attempts }) => attempts.map(({ route }) => route))).toEqual(
      Array.from({ length: 4 }, () => "clever"),
    );
  });

  test("is none where no section led there", async () => {
    await open({ clever: { match: "smart", targets: "openai/m" } });
    const answer = await rig?.chat({ ...HELLO, model: "openai/gpt-4o" });
    expect(answer?.headers.get("x-tokligence-route")).toBeNull();
    expect((await rig?.row())?.attempts[0]).not.toHaveProperty("route");
  });
});

describe("strategies", () => {
  test("sticky by prompt finds the same target for all turns of a conversation, and spreads conversations", async () => {
    const targets = ["a", "b", "c", "d"].map((model) => `local/${model}`).join(", ");
    await open({ smart: { targets, strategy: "sticky", sticky_by: "prompt" } });
    const used = new Set<unknown>();
    for (let talk = 0; talk < 12; talk++) {
      const first = { role: "user", content: `Question ${talk}` };
      const turns = [{ role: "system", content: "You are kind." }, first];
      await rig?.chat({ ...HELLO, messages: turns });
      await rig?.chat({
        ...HELLO,
        messages: [...turns, { role: "assistant", content: "yes" }, { role: "user", content: "and?" }],
      });
      const [one, two] = (rig?.calls ?? []).slice(-2).map(({ body }) => (body as { model: string }).model);
      expect(two).toBe(one);
      used.add(one);
    }
    expect(used.size).toBeGreaterThan(1);
  });

  test("a cache mark that moves on does not move the conversation", async () => {
    const targets = ["a", "b", "c", "d", "e", "f", "g"].map((model) => `anthropic/${model}`).join(", ");
    await open({ smart: { targets, strategy: "sticky", sticky_by: "prompt" } });
    const part = { type: "text", text: "Read this." };
    const ask = (messages: unknown[]): Promise<Response> | undefined =>
      rig?.send("/v1/messages", { body: { model: "smart", max_tokens: 9, messages } });
    await ask([{ role: "user", content: [{ ...part, cache_control: { type: "ephemeral" } }] }]);
    await ask([
      { role: "user", content: [part] },
      { role: "assistant", content: "ok" },
      { role: "user", content: "on" },
    ]);
    const models = (rig?.calls ?? []).map(({ body }) => (body as { model: string }).model);
    expect(models[1]).toBe(models[0]);
  });

  test("nor does what a client says in the place of a header", async () => {
    const targets = ["a", "b", "c", "d", "e", "f", "g"].map((model) => `anthropic/${model}`).join(", ");
    await open({ smart: { targets, strategy: "sticky", sticky_by: "prompt" } });
    for (let turn = 0; turn < 4; turn++) {
      const system = [
        { type: "text", text: `x-vendor-billing-header: v=1; n=${turn}` },
        { type: "text", text: "Be kind." },
      ];
      await rig?.send("/v1/messages", { body: { model: "smart", max_tokens: 9, system, messages: HELLO.messages } });
    }
    expect(new Set((rig?.calls ?? []).map(({ body }) => (body as { model: string }).model)).size).toBe(1);
  });

  test("least-cost goes by the price of this very request, unknown prices last", async () => {
    await open({
      smart: { targets: "local/unheard-of, openai/gpt-4o, openai/gpt-4o-mini", strategy: "least-cost" },
    });
    await rig?.chat(HELLO);
    expect(rig?.calls[0]?.body).toMatchObject({ model: "gpt-4o-mini" });
  });
});

describe("a canary", () => {
  test("of 100 % is asked first, and the rest where it fails", async () => {
    await open(
      { smart: { targets: "openai/m", canary: "local/new 100%" } },
      { upstream: ({ url }) => (hostOf(url) === "local" ? new Response("no", { status: 500 }) : say("old")) },
    );
    const answer = await rig?.chat(HELLO);
    expect(answer?.headers.get("x-tokligence-provider")).toBe("openai");
    expect(hosts()).toEqual(["local", "openai"]);
  });
});

const tooLong = (): Response =>
  Response.json(
    {
      type: "error",
      error: { type: "invalid_request_error", message: "prompt is too long: 210000 tokens > 200000 maximum" },
    },
    { status: 400 },
  );

describe("who stands in", () => {
  test("for a prompt that is too long, whichever way that is said", async () => {
    await open(
      { smart: { targets: "anthropic/c, openai/never", on_context_length: "local/long" } },
      { upstream: ({ url }) => (hostOf(url) === "anthropic" ? tooLong() : say("read it")) },
    );
    const answer = await rig?.chat(HELLO);
    expect(await answer?.json()).toMatchObject({ choices: [{ message: { content: "read it" } }] });
    expect(hosts()).toEqual(["anthropic", "local"]);
    expect((await rig?.row())?.attempts.map(({ provider, status }) => [provider, status])).toEqual([
      ["anthropic", 400],
      ["local", 200],
    ]);
  });

  test("and where they cannot either, the client is told what the first said, by a row that says so", async () => {
    await open(
      { smart: { targets: "anthropic/c", on_context_length: "local/long" } },
      {
        upstream: ({ url }) => (hostOf(url) === "anthropic" ? tooLong() : new Response("down", { status: 503 })),
        maxAttempts: 2,
      },
    );
    const answer = await rig?.chat(HELLO);
    expect(answer?.status).toBe(400);
    expect(await answer?.json()).toMatchObject({ error: { code: "context_length_exceeded" } });
    expect(answer?.headers.get("x-tokligence-provider")).toBe("anthropic");
    expect(await rig?.row()).toMatchObject({ status: 400, provider: "anthropic" });
  });

  test("as often as it happens: to stand in is not to try again", async () => {
    await open(
      { smart: { targets: "anthropic/c", on_context_length: "local/long" } },
      { upstream: ({ url }) => (hostOf(url) === "anthropic" ? tooLong() : say("read it")) },
    );
    for (let call = 0; call < 30; call++) expect((await rig?.chat(HELLO))?.status).toBe(200);
  });

  test("for nothing else: another 400 is the client's own", async () => {
    await open(
      { smart: { targets: "openai/m", on_context_length: "local/long", on_refusal: "local/kind" } },
      {
        upstream: () =>
          Response.json({ error: { message: "bad temperature", type: "invalid_request_error" } }, { status: 400 }),
      },
    );
    expect((await rig?.chat(HELLO))?.status).toBe(400);
    expect(hosts()).toEqual(["openai"]);
  });

  const filtered = { message: { role: "assistant", content: null }, finish_reason: "content_filter" };
  const refusedBy: [string, string, () => Response][] = [
    [
      "an error",
      "openai",
      () =>
        Response.json(
          {
            error: {
              code: "content_filter",
              message: "The response was filtered due to the prompt triggering the content management policy.",
            },
          },
          { status: 400 },
        ),
    ],
    ["a filter's finish", "openai", () => say("", filtered)],
    [
      "refusing words apart",
      "openai",
      () => say("", { message: { role: "assistant", content: null, refusal: "I cannot." } }),
    ],
    ["a refusal in another format", "anthropic", () => sayMessage("", { stop_reason: "refusal" })],
  ];
  test.each(refusedBy)("for a refusal told by %s", async (_, host, refuse) => {
    await open(
      { smart: { targets: `${host}/m`, on_refusal: "local/kind" } },
      { upstream: ({ url }) => (hostOf(url) === host ? refuse() : say("gladly")) },
    );
    expect(await (await rig?.chat(HELLO))?.json()).toMatchObject({ choices: [{ message: { content: "gladly" } }] });
    const row = await rig?.row();
    expect(row?.attempts.map(({ provider }) => provider)).toEqual([host, "local"]);
    expect(row).toMatchObject({ status: 200, errorKind: null, provider: "local" });
  });

  test("for a refusal in a stream of which nothing was released; both calls are paid for", async () => {
    const chunk = (choice: object, more: object = {}): string =>
      `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [{ index: 0, ...choice }], ...more })}\n\n`;
    const stream = (pieces: string[]): Response =>
      new Response(pieces.join(""), { headers: { "content-type": "text/event-stream" } });
    const usage = { usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 } };
    const end = (reason: string): string => chunk({ delta: {}, finish_reason: reason }, usage) + "data: [DONE]\n\n";
    await open(
      { smart: { targets: "openai/gpt-4o", on_refusal: "local/kind" } },
      {
        upstream: ({ url }) =>
          hostOf(url) === "openai"
            ? stream([
                chunk({ delta: { role: "assistant", refusal: "I can" } }),
                chunk({ delta: { refusal: "not." } }),
                end("stop"),
              ])
            : stream([chunk({ delta: { role: "assistant", content: "gladly" } }), end("stop")]),
      },
    );
    const text = await (await rig?.chat({ ...HELLO, stream: true }))?.text();
    expect(text).toContain("gladly");
    expect(text).not.toContain("not.");
    expect(await rig?.row()).toMatchObject({ provider: "local", freshInputTokens: 20, outputTokens: 4 });
  });

  test("where nobody does, a refusal is an answer like any other", async () => {
    await open({ smart: { targets: "openai/m" } }, { upstream: () => say("", filtered) });
    const answer = await rig?.chat(HELLO);
    expect(answer?.status).toBe(200);
    expect(await answer?.json()).toMatchObject({ choices: [{ finish_reason: "content_filter" }] });
  });

  test("and where those fail, the refusal is the answer after all", async () => {
    await open(
      { smart: { targets: "openai/m", on_refusal: "local/kind" } },
      {
        upstream: ({ url }) => (hostOf(url) === "openai" ? say("", filtered) : new Response("down", { status: 503 })),
        maxAttempts: 2,
      },
    );
    const answer = await rig?.chat(HELLO);
    expect(answer?.status).toBe(200);
    expect(await rig?.row()).toMatchObject({ status: 200, errorKind: null, provider: "openai", freshInputTokens: 10 });
  });
});

describe("max_attempts of a route", () => {
  test("stands over the gateway's", async () => {
    await open(
      { smart: { targets: "openai/m, local/m", max_attempts: "1" } },
      { upstream: () => new Response("down", { status: 503 }) },
    );
    await rig?.chat(HELLO);
    expect(rig?.calls).toHaveLength(1);
  });
});
