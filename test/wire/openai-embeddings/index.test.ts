// Embeddings are forwarded: what is checked before, what changes in the bytes, and what the ledger reads of the answer.

import { describe, expect, test } from "bun:test";
import { GatewayError, type Json, type JsonObject, isJsonObject } from "../../../src/ir/index.ts";
import { openaiEmbeddings } from "../../../src/wire/openai-embeddings/index.ts";
import { listRecordings, readRecording } from "../../fixture.ts";

function refusal(body: JsonObject): { message: string; param: string | undefined; code: string | undefined } {
  try {
    openaiEmbeddings.peek(body);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.kind !== "invalid_request") throw error;
    return { message: error.message, param: error.param, code: error.code };
  }
  throw new Error("it was accepted");
}

function usage(tokens: number): object {
  return { freshInputTokens: tokens, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: null };
}

describe("peek", () => {
  test("takes a text, texts, tokens and lists of tokens", () => {
    for (const input of ["a", ["a", "b"], [1, 2], [[1], [2, 3]]] satisfies Json[]) {
      expect(openaiEmbeddings.peek({ model: "m", input })).toEqual({ model: "m", stream: false });
    }
  });

  const mixed = "the same kind of item throughout, a string, an integer or an array of integers";
  const CASES: [body: JsonObject, message: string, param: string, code: string][] = [
    [{ input: "a" }, "Missing required parameter: 'model'.", "model", "missing_required_parameter"],
    [{ model: "m" }, "Missing required parameter: 'input'.", "input", "missing_required_parameter"],
    [
      { model: "m", input: 1 },
      "Invalid type for 'input': expected one of a string, an array of strings, an array of integers, or an array of arrays of integers, but got an integer instead.",
      "input",
      "invalid_type",
    ],
    [
      { model: "m", input: [] },
      "Invalid 'input': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      "input",
      "empty_array",
    ],
    [
      { model: "m", input: [[]] },
      "Invalid 'input[0]': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      "input[0]",
      "empty_array",
    ],
    [
      { model: "m", input: ["a", 1] },
      `Invalid type for 'input[1]': expected ${mixed}, but got an integer instead.`,
      "input[1]",
      "invalid_type",
    ],
    [
      { model: "m", input: [1.5] },
      `Invalid type for 'input[0]': expected ${mixed}, but got a decimal number instead.`,
      "input[0]",
      "invalid_type",
    ],
    [
      { model: "m", input: [[1], ["a"]] },
      `Invalid type for 'input[1]': expected ${mixed}, but got an array instead.`,
      "input[1]",
      "invalid_type",
    ],
    [
      { model: "m", input: [{}] },
      `Invalid type for 'input[0]': expected ${mixed}, but got an object instead.`,
      "input[0]",
      "invalid_type",
    ],
  ];
  for (const [body, message, param, code] of CASES) {
    test(`${JSON.stringify(body)} is refused`, () => expect(refusal(body)).toEqual({ message, param, code }));
  }
});

test("forwarding changes the model's name and nothing else", () => {
  const raw = '{"input": "a" , "model":"p/m","dimensions":2}';
  expect(openaiEmbeddings.forward.request(raw, JSON.parse(raw), "m")).toBe(
    '{"input": "a" , "model":"m","dimensions":2}',
  );
  expect(openaiEmbeddings.forward.request(raw, JSON.parse(raw), "p/m")).toBe(raw);
});

describe("meter", () => {
  for (const row of listRecordings({ surface: "embeddings" })) {
    test(row.file, () => {
      for (const { request, response } of readRecording(row.file)) {
        const body: unknown = JSON.parse(response.body);
        const report = isJsonObject(body) && isJsonObject(body["usage"]) ? body["usage"] : {};
        expect(openaiEmbeddings.meter(response.body)).toEqual({
          usage: usage(Number(report["prompt_tokens"])),
          model: isJsonObject(body) ? String(body["model"] as string) : "",
          report,
        } as ReturnType<typeof openaiEmbeddings.meter>);
        expect(openaiEmbeddings.peek(request?.body ?? {}).stream).toBe(false);
      }
    });
  }

  test("finds usage wherever it stands, and takes nothing else for it", () => {
    const meter = (raw: string): object => openaiEmbeddings.meter(raw);
    const wanted = (report: object) => ({ usage: usage(3), model: "m", report });
    const nothing = { usage: null, model: null, report: null };
    expect(meter('{"usage": {"prompt_tokens":3,"total_tokens":3},"model" : "m","data":[{"embedding":[0.1]}]}')).toEqual(
      wanted({ prompt_tokens: 3, total_tokens: 3 }),
    );
    expect(meter('{"model":"m","usage":{"total_tokens":3},"note":"usage","tail":["usage","model"]}')).toEqual(
      wanted({ total_tokens: 3 }),
    );
    expect(meter('{"model":"m","usage":{"prompt_tokens":3},"x":{"usage":{"other":1},"model":null}}')).toEqual(
      wanted({ prompt_tokens: 3 }),
    );
    expect(meter('{"data":[]}')).toEqual(nothing);
    expect(meter('{"usage":{"prompt_tokens":"3"}}')).toEqual(nothing);
    expect(meter("<html>")).toEqual(nothing);
  });

  test("ten megabytes of vectors cost a moment, also where usage stands first", () => {
    const data = Array.from({ length: 500 }, (_, index) => ({ index, embedding: "A".repeat(20_000) }));
    const last = JSON.stringify({ data, model: "m", usage: { prompt_tokens: 3, total_tokens: 3 } });
    const first = JSON.stringify({ usage: { prompt_tokens: 3, total_tokens: 3 }, model: "m", data });
    const started = performance.now();
    for (const raw of [last, first]) expect(openaiEmbeddings.meter(raw)).toMatchObject({ model: "m", usage: usage(3) });
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
