// Whole answers: what other providers say, read by OpenAI's SDK as a response, and what is read of a response that is none.

import { describe, expect, test } from "bun:test";
import { type AnswerPart, type Choice, GatewayError, type Response } from "../../../src/ir/index.ts";
import { openaiResponses } from "../../../src/wire/openai-responses/index.ts";
import type { ClientContext } from "../../../src/wire/type.ts";
import { readResponse } from "../sdk.ts";

const CLIENT: ClientContext = {
  request: openaiResponses.request.decode({ model: "asked", input: "hi" }),
  callId: "0196a5c0-0000-7000-8000-000000000000",
  nowSeconds: 1_700_000_000,
};

function answer(parts: AnswerPart[], over: Partial<Choice> = {}): Response {
  const choice: Choice = { index: 0, parts, finish: "stop", ...over };
  return { id: "up-1", model: "claude", createdAt: null, choices: [choice], usage: null, extra: {} };
}

function read(response: Response): ReturnType<typeof readResponse> {
  return readResponse(JSON.stringify(openaiResponses.response.encode(response, CLIENT)));
}

describe("OpenAI's SDK reads", () => {
  test("who answered and when, the settings, and numbers where nobody counted", async () => {
    expect(await read(answer([{ type: "text", text: "Hi" }]))).toMatchObject({
      id: "up-1",
      object: "response",
      created_at: 1_700_000_000,
      model: "claude",
      status: "completed",
      error: null,
      incomplete_details: null,
      instructions: null,
      output_text: "Hi",
      parallel_tool_calls: true,
      temperature: 1,
      tool_choice: "auto",
      tools: [],
      top_p: 1,
      metadata: {},
      usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0, output_tokens_details: { reasoning_tokens: 0 } },
    });
  });

  test("every kind of part in its order, each with an id that no other has", async () => {
    const { output } = await read(
      answer([
        { type: "reasoning", text: "Hm.", encrypted: "c2Vh", origin: "gemini" },
        { type: "text", text: "One." },
        { type: "text", text: "Two." },
        { type: "tool-call", id: "c1", name: "look", arguments: "{}" },
        { type: "media", kind: "image", source: { base64: "iVBO" }, mediaType: "image/png" },
        { type: "media", kind: "image", source: { url: "https://a.test/a.png" }, mediaType: null },
      ]),
    );
    expect(output).toMatchObject([
      { type: "reasoning", encrypted_content: "tokligence.gemini.e.c2Vh" },
      { type: "message", content: [{ text: "One." }, { text: "Two." }] },
      { type: "function_call", call_id: "c1", status: "completed" },
      { type: "image_generation_call", result: "iVBO" },
      { type: "message", content: [{ text: "![image](https://a.test/a.png)" }] },
    ]);
    expect(new Set(output.map(({ id }) => id)).size).toBe(5);
  });

  test("a refusal behind what was said", async () => {
    const { output, status } = await read(answer([{ type: "text", text: "Well." }], { refusal: "No." }));
    expect(status).toBe("completed");
    expect(output).toMatchObject([{ content: [{ text: "Well." }, { type: "refusal", refusal: "No." }] }]);
  });

  test("an answer that was cut", async () => {
    const {
      output,
      status,
      incomplete_details: why,
    } = await read(answer([{ type: "text", text: "So" }], { finish: "length" }));
    expect([status, why]).toEqual(["incomplete", { reason: "max_output_tokens" }]);
    expect(output).toMatchObject([{ status: "incomplete" }]);
  });

  test("an answer that ended in an error", async () => {
    const { error, status } = await read(answer([{ type: "text", text: "So" }], { finish: "error" }));
    expect([status, error?.code]).toEqual(["failed", "server_error"]);
  });

  test("a document of the request that is cited by its title", async () => {
    const { output } = await read(
      answer([{ type: "text", text: "So", citations: [{ document: 0, title: "A", quote: "so" }] }]),
    );
    expect(output).toMatchObject([
      { content: [{ annotations: [{ type: "file_citation", filename: "A", index: 2 }] }] },
    ]);
  });

  test("an id where the provider gave none", async () => {
    expect((await read({ ...answer([]), id: "" })).id).toBe("resp_0196a5c00000700080000000000000000000");
  });
});

describe("a response that is no answer", () => {
  function failure(body: Parameters<typeof openaiResponses.response.decode>[0]): GatewayError {
    try {
      openaiResponses.response.decode(body);
    } catch (error) {
      if (error instanceof GatewayError) return error;
    }
    throw new Error("it was accepted");
  }

  test("an error, alone or in a response that failed, is the provider's refusal", () => {
    const error = { code: "server_error", message: "No." };
    for (const body of [{ error }, { id: "resp_1", status: "failed", output: [], error }]) {
      expect(failure(body)).toMatchObject({
        kind: "upstream_rejected",
        upstream: { code: "server_error", message: "No." },
      });
    }
  });

  test("without an output it cannot be read", () => {
    expect(failure({ choices: [] }).kind).toBe("upstream_malformed");
  });
});

test("an end that no other format knows is kept for this one", () => {
  const body = { id: "r", model: "m", output: [], status: "incomplete", incomplete_details: { reason: "steered" } };
  const decoded = openaiResponses.response.decode(body);
  expect(decoded.choices[0]?.finish).toBe("other");
  expect(openaiResponses.response.encode(decoded, CLIENT)).toMatchObject({ incomplete_details: { reason: "steered" } });
});
