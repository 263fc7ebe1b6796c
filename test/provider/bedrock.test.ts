// Requests to Bedrock behind the whole gateway: signatures, addresses, betas, prices, counts, embeddings, models.

import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../src/ir/index.ts";
import { type Upstream, readJson } from "../rig.ts";
import { findBadSignature } from "../upstream/sigv4.ts";
import { CLAUDE, HELLO, KEYS, NOVA, SECRET, messages, whole, withRig } from "./bedrock-rig.ts";

describe("a request", () => {
  test("is signed by the book, with the model in the address", async () => {
    const signed = { ...KEYS, session_token: "token/+==" };
    await withRig(
      () => whole("hi"),
      async (rig) => {
        const arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123";
        await rig.chat({ model: `bedrock/${NOVA}`, messages: [{ role: "user", content: "Grüße 🦜" }] });
        await rig.chat({ model: `bedrock/${arn}`, messages: HELLO });
        expect(rig.calls.map(({ url }) => url)).toEqual([
          "https://bedrock-runtime.eu-west-1.amazonaws.com/model/us.amazon.nova-pro-v1%3A0/converse",
          "https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/converse",
        ]);
        for (const { url, method, headers, text } of rig.calls) {
          expect(findBadSignature({ method, url: new URL(url), headers, text }, SECRET)).toBeNull();
          expect(headers.get("authorization")).toContain("/20231114/eu-west-1/bedrock/aws4_request");
          expect(headers.get("x-amz-date")).toBe("20231114T221320Z");
          expect(headers.get("x-amz-security-token")).toBe("token/+==");
        }
      },
      { options: signed },
    );
  });

  test("shows an API key of Bedrock instead, where there is one", async () => {
    await withRig(
      () => whole("hi"),
      async (rig) => {
        await rig.chat({ model: `bedrock/${NOVA}`, messages: HELLO });
        expect(rig.calls[0]?.headers.get("authorization")).toBe("Bearer bedrock-key");
        expect(rig.calls[0]?.headers.get("x-amz-date")).toBeNull();
      },
      { apiKey: "bedrock-key" },
    );
  });

  test("of Claude's own clients reaches it in that format, with what Bedrock wants otherwise", async () => {
    const answer = {
      id: "msg_bdrk_1",
      type: "message",
      role: "assistant",
      model: "claude-sonnet-4-5-20250929",
      content: [{ type: "text", text: "hi" }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: { input_tokens: 5, output_tokens: 2 },
    };
    await withRig(
      () => Response.json(answer, { headers: { "x-amzn-requestid": "req-aws" } }),
      async (rig) => {
        const response = await messages(
          rig,
          {
            model: `bedrock/${CLAUDE}`,
            tools: [],
            service_tier: "auto",
            context_management: { edits: [] },
            metadata: { user_id: "u" },
            stream: false,
          },
          { "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,files-api-2025-04-14" },
        );
        expect(await readJson(response)).toEqual(answer);
        expect(response.headers.get("x-tokligence-dropped")).toBe(
          "anthropic-beta: files-api-2025-04-14, service_tier, context_management",
        );
        expect(rig.calls[0]?.url).toEndWith("/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke");
        expect(rig.calls[0]?.headers.get("anthropic-beta")).toBeNull();
        expect(rig.calls[0]?.body).toEqual({
          max_tokens: 100,
          messages: HELLO,
          metadata: { user_id: "u" },
          anthropic_version: "bedrock-2023-05-31",
          anthropic_beta: ["interleaved-thinking-2025-05-14"],
        });
        const row = await rig.row();
        expect(row.freshInputTokens).toBe(5);
        expect(row.attempts[0]?.upstreamRequestId).toBe("req-aws");
      },
    );
  });

  test("of Claude's own clients loses within its blocks only what Bedrock does not know", async () => {
    const schema = { type: "object", properties: {} };
    const plain = { name: "plain", input_schema: schema };
    const eager = { name: "eager", input_schema: schema, eager_input_streaming: true, defer_loading: true };
    const marked = (extra: JsonObject) => ({ type: "text", text: "a", cache_control: { type: "ephemeral", ...extra } });
    const body = {
      model: `bedrock/${CLAUDE}`,
      system: [marked({ ttl: "1h", scope: "global" })],
      tools: [plain, eager],
      messages: [{ role: "user", content: [marked({ ttl: "5m" })] }],
    };
    await withRig(
      () => Response.json({ id: "a", type: "message", content: [], usage: { input_tokens: 1, output_tokens: 1 } }),
      async (rig) => {
        const response = await messages(rig, body);
        expect(response.headers.get("x-tokligence-dropped")).toBe("cache_control.scope, tools.defer_loading");
        expect(rig.calls[0]?.body).toEqual({
          max_tokens: 100,
          system: [marked({ ttl: "1h" })],
          tools: [plain, { name: "eager", input_schema: schema }],
          messages: body.messages,
          anthropic_version: "bedrock-2023-05-31",
          anthropic_beta: ["fine-grained-tool-streaming-2025-05-14"],
        });
        await messages(rig, body, { "anthropic-beta": "advanced-tool-use-2025-11-20" });
        expect(rig.calls[1]?.body).toMatchObject({
          tools: [plain, { name: "eager", input_schema: schema, defer_loading: true }],
          anthropic_beta: ["tool-search-tool-2025-10-19", "fine-grained-tool-streaming-2025-05-14"],
        });
      },
    );
  });

  test("asks a Claude for the sampling that it takes, in Converse", async () => {
    await withRig(
      () => whole("hi"),
      async (rig) => {
        const sampling = { temperature: 0.5, top_p: 0.9, service_tier: "flex", messages: HELLO };
        await rig.chat({ model: "bedrock/us.anthropic.claude-opus-4-6-v1", ...sampling });
        await rig.chat({ model: "bedrock/us.anthropic.claude-opus-4-7", ...sampling });
        expect(
          rig.calls
            .map(({ text }) => JSON.parse(text))
            .map(({ inferenceConfig, serviceTier }) => [inferenceConfig, serviceTier]),
        ).toEqual([
          [{ temperature: 0.5 }, { type: "flex" }],
          [undefined, { type: "flex" }],
        ]);
      },
    );
  });

  test("is priced by the name that was asked for: an answer does not tell the region", async () => {
    await withRig(
      () =>
        Response.json({
          id: "a",
          type: "message",
          model: "claude-opus-4-6",
          content: [],
          usage: { input_tokens: 1_000_000, output_tokens: 0 },
        }),
      async (rig) => {
        await messages(rig, { model: "bedrock/global.anthropic.claude-opus-4-6-v1" });
        await messages(rig, { model: "bedrock/us.anthropic.claude-opus-4-6-v1" });
        const costs = (await rig.rows())
          .map(({ costNanos }) => costNanos)
          .toSorted((left, right) => Number(left) - Number(right));
        expect(costs).toEqual([5_000_000_000, 5_500_000_000]);
      },
    );
  });
});

describe("beside chat", () => {
  test("tokens are counted by Bedrock, for the model without its profile's region", async () => {
    await withRig(
      () => Response.json({ inputTokens: 42 }),
      async (rig) => {
        const answer = await rig.send("/v1/messages/count_tokens", {
          body: { model: `bedrock/${CLAUDE}`, messages: HELLO },
        });
        expect(await readJson(answer)).toEqual({ input_tokens: 42 });
        const [call] = rig.calls;
        expect(call?.url).toEndWith("/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens");
        const { body } = JSON.parse(call?.text ?? "").input.invokeModel;
        expect(JSON.parse(Buffer.from(body, "base64").toString())).toEqual({
          max_tokens: 1,
          messages: HELLO,
          anthropic_version: "bedrock-2023-05-31",
        });
      },
    );
  });

  test.each([
    [
      "amazon.titan-embed-text-v2:0",
      { inputText: "a", dimensions: 256 },
      { embedding: [1, 0.5], inputTextTokenCount: 9 },
    ],
    [
      "us.cohere.embed-v4:0",
      {
        texts: ["a"],
        input_type: "search_document",
        embedding_types: ["float"],
        truncate: "NONE",
        output_dimension: 256,
      },
      { embeddings: { float: [[1, 0.5]] } },
    ],
  ] as const)("text is embedded by %s", async (model, sent, answered) => {
    await withRig(
      () => Response.json(answered, { headers: { "x-amzn-bedrock-input-token-count": "9" } }),
      async (rig) => {
        const ask = { model: `bedrock/${model}`, input: ["a"], dimensions: 256 };
        const floats = await readJson(await rig.send("/v1/embeddings", { body: ask }));
        expect(floats).toMatchObject({ data: [{ index: 0, embedding: [1, 0.5] }], usage: { prompt_tokens: 9 } });
        const packed = await readJson(
          await rig.send("/v1/embeddings", { body: { ...ask, encoding_format: "base64" } }),
        );
        expect([...new Float32Array(new Uint8Array(Buffer.from(packed.data[0].embedding, "base64")).buffer)]).toEqual([
          1, 0.5,
        ]);
        expect(rig.calls[0]?.url).toEndWith(`/model/${encodeURIComponent(model)}/invoke`);
        expect(rig.calls[0]?.body).toEqual(sent);
        expect((await rig.rows()).map(({ freshInputTokens }) => freshInputTokens)).toEqual([9, 9]);
      },
    );
  });

  test("tokens that nobody told are our estimate, for the client and on the books", async () => {
    await withRig(
      () => Response.json({ embeddings: { float: [[1]] } }),
      async (rig) => {
        const ask = { model: "bedrock/us.cohere.embed-v4:0", input: ["a".repeat(40)] };
        const answer = await readJson(await rig.send("/v1/embeddings", { body: ask }));
        expect(answer.usage).toEqual({ prompt_tokens: 10, total_tokens: 10 });
        expect(await rig.row()).toMatchObject({ usageSource: "estimate", freshInputTokens: 10, outputTokens: 0 });
      },
    );
  });

  test("models are those that can be called, and profiles lead to the format of the model behind them", async () => {
    const arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123";
    const behind = [
      { modelArn: "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0" },
    ];
    const upstream: Upstream = ({ url }) => {
      if (url.endsWith("/foundation-models")) {
        const base = { outputModalities: ["TEXT"], inferenceTypesSupported: ["ON_DEMAND"] };
        return Response.json({
          modelSummaries: [
            { ...base, modelId: "meta.llama-x" },
            { ...base, modelId: "amazon.canvas", outputModalities: ["IMAGE"] },
            { ...base, modelId: "anthropic.only-by-profile", inferenceTypesSupported: ["INFERENCE_PROFILE"] },
          ],
        });
      }
      if (url.includes("/inference-profiles")) {
        return Response.json({
          inferenceProfileSummaries: [
            { inferenceProfileId: "abc123", inferenceProfileArn: arn, type: "APPLICATION", models: behind },
            {
              inferenceProfileId: "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
              inferenceProfileArn: "arn:x",
              type: "SYSTEM_DEFINED",
              models: behind,
            },
          ],
        });
      }
      return Response.json({
        id: "a",
        type: "message",
        model: "claude",
        content: [],
        usage: { input_tokens: 1, output_tokens: 1 },
      });
    };
    await withRig(upstream, async (rig) => {
      const { data } = await readJson(await rig.send("/v1/models"));
      const ids = data.map(({ id }: { id: string }) => id);
      expect(ids).toContain("meta.llama-x");
      expect(ids).toContain("eu.anthropic.claude-haiku-4-5-20251001-v1:0");
      expect(ids).toContain(arn);
      expect(ids).not.toContain("amazon.canvas");
      expect(ids).not.toContain("anthropic.only-by-profile");
      await messages(rig, { model: `bedrock/${arn}` });
      expect(rig.calls[0]?.url).toEndWith(`/model/${encodeURIComponent(arn)}/invoke`);
    });
  });

  test("requests that are passed through are signed with the body that they bring", async () => {
    await withRig(
      () => Response.json({ ok: true }),
      async (rig) => {
        const body = { anthropic_version: "bedrock-2023-05-31", max_tokens: 5, messages: HELLO };
        const { token } = await rig.issue("gateway_user", { scopes: ["passthrough"] });
        const answer = await rig.send("/passthrough/bedrock/model/eu.some.model-v1%3A0/invoke", { body, token });
        expect(await readJson(answer)).toEqual({ ok: true });
        const { url = "", method = "", headers = new Headers(), text = "" } = rig.calls[0] ?? {};
        expect(url).toBe("https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.some.model-v1%3A0/invoke");
        expect(JSON.parse(text)).toEqual(body);
        expect(findBadSignature({ method, url: new URL(url), headers, text }, SECRET)).toBeNull();
      },
    );
  });
});
