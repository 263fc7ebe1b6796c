// What forwarding changes in the bytes, and that it changes nothing else.

import { describe, expect, test } from "bun:test";
import { type JsonObject, isJsonObject } from "../../../src/ir/index.ts";
import { createFrameSplitter } from "../../../src/lib/sse.ts";
import { openaiChat } from "../../../src/wire/openai-chat/index.ts";
import { listRecordings, readRecording } from "../../fixture.ts";
import { readCompletionChunks } from "../sdk.ts";

function forward(raw: string, model: string): string {
  return openaiChat.forward.request(raw, JSON.parse(raw), model);
}

function hide(sse: string, body: JsonObject = {}): string {
  const splitter = createFrameSplitter();
  const frames = [...splitter.push(sse), ...splitter.end()];
  return frames.map((frame) => openaiChat.forward.frame(frame, body)).join("");
}

describe("request", () => {
  test("is the client's own text where nothing has to change", () => {
    const raw = ' { "model" : "gpt", "messages":[ ], "weird": 1e2 }\n';
    expect(forward(raw, "gpt")).toBe(raw);
    const asking = '{"model":"gpt","stream":true,"stream_options":{"include_usage": true}}';
    expect(forward(asking, "gpt")).toBe(asking);
  });

  test("gets the target's name of the model, in each place where it is named", () => {
    expect(forward('{ "model" : "a/b", "x": {"model":"c"}, "model":"z" }', "b")).toBe(
      '{ "model" : "b", "x": {"model":"c"}, "model":"b" }',
    );
  });

  test("asks for usage in a stream and keeps the other options", () => {
    expect(forward('{"model":"gpt","stream":true}', "gpt")).toBe(
      '{"model":"gpt","stream":true,"stream_options":{"include_usage":true}}',
    );
    expect(
      forward(
        '{"stream_options": {"include_usage":false,"include_obfuscation":false} ,"model":"gpt","stream":true}',
        "gpt",
      ),
    ).toBe('{"stream_options": {"include_usage":true,"include_obfuscation":false} ,"model":"gpt","stream":true}');
    expect(forward('{"model":"gpt","stream":true,"stream_options":null}', "gpt")).toBe(
      '{"model":"gpt","stream":true,"stream_options":{"include_usage":true}}',
    );
  });

  test("leaves options of the wrong type to the upstream's own error", () => {
    const raw = '{"model":"gpt","stream":true,"stream_options":"all"}';
    expect(forward(raw, "gpt")).toBe(raw);
  });
});

describe("frame, for a client that did not ask for usage", () => {
  test("loses what is usage, and nothing else", () => {
    expect(hide('data: {"id":"1","choices":[],"usage":{"prompt_tokens":1}}\n\n')).toBe("");
    expect(hide('data: {"id":"1", "choices":[{"index":0}],"usage":null, "x": 1.0}\r\n\r\n')).toBe(
      'data: {"id":"1", "choices":[{"index":0}], "x": 1.0}\r\n\r\n',
    );
    expect(hide('data: {"choices":[{"index":0}],"usage":{"prompt_tokens":1,"d":{"usage":2}}}\n\n')).toBe(
      'data: {"choices":[{"index":0}]}\n\n',
    );
    expect(hide('event: x\ndata: {"choices":[],\ndata: "usage":null}\n\n')).toBe('event: x\ndata: {"choices":[]}\n\n');
  });

  test("stays as it is otherwise", () => {
    for (const raw of [
      ": ping\n\n",
      "data: [DONE]\n\n",
      'data: {"choices":[{"delta":{"content":"say \\"usage\\": null"}}]}\n\n',
      'data: {"choices":[{"delta":{"usage":1}}]}\n\n',
      'data: {"choices":[],"prompt_filter_results":[]}\n\n',
      'data: {"usage" oops\n\n',
    ]) {
      expect(hide(raw)).toBe(raw);
    }
  });

  test("stays as it is where the client did ask", () => {
    const raw = 'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n';
    expect(hide(raw, { stream_options: { include_usage: true } })).toBe(raw);
  });

  for (const row of listRecordings({ surface: "chat", mode: "stream" })) {
    test(`${row.file} reads the same without its usage`, async () => {
      for (const { response } of readRecording(row.file)) {
        if (!response.body.includes("data: [DONE]") || response.body.includes('"error"')) continue;
        const before = await readCompletionChunks(response.body);
        const after = await readCompletionChunks(hide(response.body));
        const wanted = before
          .filter((chunk) => chunk.choices.length > 0 || !isJsonObject(chunk.usage))
          .map(({ usage: _usage, ...chunk }) => chunk);
        expect(JSON.parse(JSON.stringify(after))).toEqual(JSON.parse(JSON.stringify(wanted)));
        expect(after.some((chunk) => "usage" in chunk)).toBe(false);
      }
    });
  }
});
