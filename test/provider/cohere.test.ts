// Cohere behind the whole gateway: recorded answers, embeddings and reranking in its own formats, errors, models.

import { describe, expect, test } from "bun:test";
import { readRecording } from "../fixture.ts";
import { type Rig, type Upstream, makeProviderSettings, makeRig, readJson } from "../rig.ts";

const HELLO = [{ role: "user", content: "What is there to see?" }];

async function withRig(upstream: Upstream, work: (rig: Rig) => Promise<void>): Promise<void> {
  const settings = makeProviderSettings({
    name: "cohere",
    kind: "cohere",
    baseUrl: "https://cohere.test",
    apiKey: "co-key",
  });
  const rig = await makeRig({
    upstream: (call) => {
      if (call.method !== "GET") return upstream(call);
      return call.url.startsWith("https://cohere.test/") ? upstream(call) : Response.json({ data: [] });
    },
    config: (config) => ({ ...config, providers: [...config.providers, settings] }),
  });
  try {
    await work(rig);
  } finally {
    await rig.close();
  }
}

const recorded = (file: string, type: string) => () =>
  new Response(readRecording(file)[0]?.response.body, { headers: { "content-type": type } });

const CALLS = [
  ["weather", { location: "San Francisco" }],
  ["cityAttractions", { city: "San Francisco" }],
];

describe("a recorded answer", () => {
  test("is what its clients see, and what Cohere bills is booked", async () => {
    await withRig(recorded("cohere/ai/cohere-tool-call.json", "application/json"), async (rig) => {
      const answer = await readJson(await rig.chat({ model: "cohere/command-a-03-2025", messages: HELLO }));
      const { message, finish_reason: finish } = answer.choices[0];
      expect(
        message.tool_calls.map(({ function: made }: { function: { name: string; arguments: string } }) => [
          made.name,
          JSON.parse(made.arguments),
        ]),
      ).toEqual(CALLS);
      expect(finish).toBe("tool_calls");
      expect(message.reasoning_content).toStartWith("I will use the weather tool");
      expect(answer.model).toBe("command-a-03-2025");
      expect(rig.calls[0]?.url).toBe("https://cohere.test/v2/chat");
      expect(rig.calls[0]?.headers.get("authorization")).toBe("Bearer co-key");
      const { freshInputTokens, cacheReadTokens, outputTokens, costNanos } = await rig.row();
      expect([freshInputTokens, cacheReadTokens, outputTokens, costNanos]).toEqual([
        119,
        0,
        52,
        119 * 2_500 + 52 * 10_000,
      ]);
    });
  });

  test("streams to the same", async () => {
    await withRig(recorded("cohere/ai/cohere-tool-call.chunks.txt", "text/event-stream"), async (rig) => {
      const body = { model: "cohere/command-a-03-2025", messages: HELLO, stream: true, max_tokens: 100 };
      const text = await (await rig.send("/v1/messages", { body })).text();
      const events = text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [JSON.parse(line.slice(6))] : []));
      const names = events.flatMap(({ content_block: block }) => (block?.type === "tool_use" ? [block.name] : []));
      const inputs = events.map(({ delta }) => delta?.partial_json ?? "").join("");
      expect(names).toEqual(CALLS.map(([name]) => name));
      expect(inputs).toBe(
        CALLS.map(([, input]) => JSON.stringify(input))
          .join("")
          .replaceAll('":"', '": "'),
      );
      expect(events.find(({ type }) => type === "message_delta")).toMatchObject({
        delta: { stop_reason: "tool_use" },
        usage: { input_tokens: 119, output_tokens: 44 },
      });
    });
  });
});

describe("beside chat", () => {
  test("texts are embedded in Cohere's own format", async () => {
    const answered = {
      id: "e",
      embeddings: {
        float: [
          [1, 0.5],
          [0, 2],
        ],
      },
      meta: { billed_units: { input_tokens: 6 } },
    };
    await withRig(
      () => Response.json(answered),
      async (rig) => {
        const body = { model: "cohere/embed-v4.0", input: ["a", "b"], dimensions: 256 };
        const answer = await readJson(await rig.send("/v1/embeddings", { body }));
        expect(answer.data.map(({ embedding }: { embedding: number[] }) => embedding)).toEqual([
          [1, 0.5],
          [0, 2],
        ]);
        expect(answer.usage).toEqual({ prompt_tokens: 6, total_tokens: 6 });
        expect(rig.calls[0]?.url).toBe("https://cohere.test/v2/embed");
        expect(rig.calls[0]?.body).toEqual({
          model: "embed-v4.0",
          texts: ["a", "b"],
          input_type: "search_document",
          embedding_types: ["float"],
          truncate: "NONE",
          output_dimension: 256,
        });
        expect((await rig.row()).freshInputTokens).toBe(6);
      },
    );
  });

  const EMBEDDED = { embeddings: { float: [[1, 0.5]] }, meta: { billed_units: { input_tokens: 6 } } };
  const SENT = { model: "embed-v4.0", texts: ["a"], input_type: "search_document", embedding_types: ["float"] };
  const CONTENT = { parts: [{ text: "a" }] };

  test.each([
    ["embedContent", { content: CONTENT }, { embedding: { values: [1, 0.5] } }],
    ["batchEmbedContents", { requests: [{ content: CONTENT }] }, { embeddings: [{ values: [1, 0.5] }] }],
  ])("texts are embedded for Google's clients, too: %s", async (method, body, told) => {
    await withRig(
      () => Response.json(EMBEDDED),
      async (rig) => {
        const response = await rig.send(`/v1beta/models/cohere%2Fembed-v4.0:${method}`, { body });
        expect(await readJson(response)).toMatchObject({ ...told, usageMetadata: { promptTokenCount: 6 } });
        expect(rig.calls[0]?.body).toEqual({ ...SENT, truncate: "NONE" });
        expect(await rig.row()).toMatchObject({ endpoint: method, freshInputTokens: 6, usageSource: "provider" });
      },
    );
  });

  test("what its own form of embeddings has no place for is named, and refused in strict mode", async () => {
    await withRig(
      () => Response.json(EMBEDDED),
      async (rig) => {
        const body = { model: "cohere/embed-v4.0", input: "a", user: "u", input_type: "search_query", extra: null };
        const response = await rig.send("/v1/embeddings", { body });
        expect(response.headers.get("x-tokligence-dropped")).toBe("user, input_type");
        expect((await rig.row()).dropped).toEqual(["user", "input_type"]);
        const strict = await rig.send("/v1/embeddings", { body, headers: { "x-tokligence-strict": "true" } });
        expect([strict.status, (await readJson(strict)).error.code]).toEqual([400, "would_drop"]);
      },
    );
  });

  test("a form of vectors that nobody here can make of numbers is refused, instead of another one given", async () => {
    await withRig(
      () => Response.json(EMBEDDED),
      async (rig) => {
        const body = { model: "cohere/embed-v4.0", input: "a", encoding_format: "int8" };
        const response = await rig.send("/v1/embeddings", { body });
        expect([response.status, (await readJson(response)).error.param]).toEqual([400, "encoding_format"]);
        expect(rig.calls).toEqual([]);
      },
    );
  });

  test.each([{ message: "busy" }, { embeddings: { float: [] } }, { embeddings: { int8: [[1]] } }])(
    "an answer without vectors is none: %j",
    async (answered) => {
      await withRig(
        () => Response.json(answered),
        async (rig) => {
          const response = await rig.send("/v1/embeddings", { body: { model: "cohere/embed-v4.0", input: "a" } });
          expect(response.status).toBe(502);
          expect(await rig.row()).toMatchObject({ status: 502, errorKind: "upstream_malformed", costNanos: null });
        },
      );
    },
  );

  test("documents are ranked by Cohere itself", async () => {
    const answered = { results: [{ index: 1, relevance_score: 0.9 }], meta: { billed_units: { search_units: 1 } } };
    await withRig(
      () => Response.json(answered),
      async (rig) => {
        const body = { model: "cohere/rerank-v3.5", query: "q", documents: ["a", "b"] };
        expect(await readJson(await rig.send("/v1/rerank", { body }))).toEqual(answered);
        expect(rig.calls[0]?.url).toBe("https://cohere.test/v2/rerank");
        expect(rig.calls[0]?.body).toEqual({ ...body, model: "rerank-v3.5" });
      },
    );
  });

  test("models that are no longer served are not listed", async () => {
    const models = [{ name: "command-a-03-2025" }, { name: "command-old", is_deprecated: true }];
    await withRig(
      ({ url }) => (url.includes("/v1/models") ? Response.json({ models }) : Response.json({})),
      async (rig) => {
        const { data } = await readJson(await rig.send("/v1/models"));
        const ids = data.map(({ id }: { id: string }) => id);
        expect(ids).toContain("command-a-03-2025");
        expect(ids).not.toContain("command-old");
      },
    );
  });
});

test("an error is told in the client's own form", async () => {
  const upstream = (): Response =>
    Response.json({ message: "too many tokens: size limit exceeded by 3 tokens." }, { status: 400 });
  await withRig(upstream, async (rig) => {
    const chat = await rig.chat({ model: "cohere/command-a-03-2025", messages: HELLO });
    expect(chat.status).toBe(400);
    expect((await readJson(chat)).error.code).toBe("context_length_exceeded");
    const embeddings = await rig.send("/v1/embeddings", { body: { model: "cohere/embed-v4.0", input: "a" } });
    expect(embeddings.status).toBe(400);
    expect((await readJson(embeddings)).error.message).toStartWith("too many tokens");
  });
});
