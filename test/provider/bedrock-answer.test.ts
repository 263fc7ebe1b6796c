// Answers of Bedrock behind the whole gateway: both formats' streams in binary frames, recorded and broken, and its errors.

import { describe, expect, test } from "bun:test";
import { type JsonObject, isJsonObject } from "../../src/ir/index.ts";
import { listRecordings, readRecording } from "../fixture.ts";
import { readJson } from "../rig.ts";
import { encodeMessage } from "../upstream/event-stream.ts";
import { readConverseLines } from "../wire/target.ts";
import { CLAUDE, HELLO, NOVA, START, binary, converse, delta, messages, names, whole, withRig } from "./bedrock-rig.ts";

describe("an answer of Converse", () => {
  test("gets the name and the model that its format does not give, and its tokens are booked apart", async () => {
    await withRig(
      () => whole("hi"),
      async (rig) => {
        const answer = await readJson(await rig.chat({ model: `bedrock/${NOVA}`, messages: HELLO }));
        expect(answer.choices[0].message.content).toBe("hi");
        expect(answer.id).not.toBe("");
        expect(answer.model).toBe(NOVA);
        expect(answer.usage).toMatchObject({
          prompt_tokens: 12,
          completion_tokens: 3,
          prompt_tokens_details: { cached_tokens: 4 },
        });
        const { freshInputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, usageSource } = await rig.row();
        expect([freshInputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, usageSource]).toEqual([
          7,
          4,
          1,
          3,
          "provider",
        ]);
      },
    );
  });

  const RECORDED = listRecordings({ surface: "bedrock", mode: "stream" }).filter(
    ({ format }) => format === "chunk-lines",
  );
  test.each(RECORDED)("streams from binary frames, cut anywhere: $file", async ({ file }) => {
    const lines = readConverseLines(readRecording(file)[0]?.response.body ?? "");
    const bytes = converse(
      ...lines.map(({ event, data }): [string, JsonObject] => [event ?? "", JSON.parse(data ?? "{}")]),
    );
    const expected = lines.map(({ data }) => textOf(data)).join("");
    await withRig(
      () => binary(bytes, 7),
      async (rig) => {
        const text = await (await rig.chat({ model: `bedrock/${NOVA}`, stream: true, messages: HELLO })).text();
        const chunks = text
          .split("\n\n")
          .flatMap((frame) => (frame.startsWith("data: {") ? [JSON.parse(frame.slice(6))] : []));
        expect(chunks.map(({ choices }) => choices[0]?.delta?.content ?? "").join("")).toBe(expected);
        expect(text).toEndWith("data: [DONE]\n\n");
        expect((await rig.row()).usageSource).toBe("provider");
      },
    );
  });

  test.each([
    [
      "an exception",
      [
        encodeMessage(
          { ":message-type": "exception", ":exception-type": "throttlingException" },
          { message: "Too many tokens" },
        ),
      ],
      "Too many tokens",
      "rate_limited",
    ],
    [
      "an error of the framing",
      [encodeMessage({ ":message-type": "error", ":error-code": "500", ":error-message": "broken" }, {})],
      "broken",
      "upstream_rejected",
    ],
    ["its end before the answer's", [], "ended before its answer was complete", "upstream_malformed"],
    [
      "a damaged frame",
      [Uint8Array.from(encodeMessage(names("messageStop"), {}), (byte, index) => (index === 30 ? byte ^ 1 : byte))],
      "broke off",
      "upstream_malformed",
    ],
  ] as const)("that breaks with %s says so in the client's words", async (_name, rest, said, kind) => {
    await withRig(
      () => binary(Buffer.concat([converse(START, delta("Hel")), ...rest])),
      async (rig) => {
        const text = await (await messages(rig, { model: `bedrock/${NOVA}`, stream: true })).text();
        expect(text).toContain('"text":"Hel"');
        expect(text).toContain("event: error");
        expect(text).toContain(said);
        expect((await rig.row()).errorKind).toBe(kind);
      },
    );
  });

  test("that comes as one piece, of which the end is damaged, loses nothing of what was whole", async () => {
    const end = Uint8Array.from(encodeMessage(names("messageStop"), {}), (byte, index) =>
      index === 30 ? byte ^ 1 : byte,
    );
    const type = { "content-type": "application/vnd.amazon.eventstream" };
    await withRig(
      () => new Response(Buffer.concat([converse(START, delta("Hel")), end]), { headers: type }),
      async (rig) => {
        const text = await (await messages(rig, { model: `bedrock/${NOVA}`, stream: true })).text();
        expect(text).toContain('"text":"Hel"');
        expect(text).toContain("event: error");
        expect(text).toContain("broke off");
        expect(await rig.row()).toMatchObject({ errorKind: "upstream_malformed", usageSource: "estimate" });
      },
    );
  });

  test("that is no answer is told in the client's words, with the type that only a header names", async () => {
    const denied = () =>
      Response.json(
        { message: "The model is not yours." },
        { status: 403, headers: { "x-amzn-errortype": "AccessDeniedException:http://x/" } },
      );
    await withRig(denied, async (rig) => {
      const chat = await rig.chat({ model: `bedrock/${NOVA}`, messages: HELLO });
      expect(chat.status).toBe(403);
      const message = `Provider "bedrock" does not let the gateway's own key do this: The model is not yours.`;
      expect((await readJson(chat)).error.message).toBe(message);
      const claude = await messages(rig, { model: `bedrock/${CLAUDE}` });
      expect(claude.status).toBe(403);
      expect(await readJson(claude)).toMatchObject({
        type: "error",
        error: { type: "permission_error", message },
      });
    });
  });
});

describe("Claude's own stream", () => {
  const recordings = listRecordings({ surface: "bedrock", mode: "stream" }).filter(({ format }) => format === "go-vcr");
  const streams = recordings.flatMap(({ file }) =>
    readRecording(file).map(({ request, response }, index) => ({ name: `${file} ${index + 1}`, request, response })),
  );
  test.each(streams)("is unpacked byte for byte: $name", async ({ request, response }) => {
    const packed = [
      ...Buffer.from(response.bytes)
        .toString("latin1")
        .matchAll(/\{"bytes":"([^"]+)"/gu),
    ].map(([, bytes = ""]) => Buffer.from(bytes, "base64").toString());
    await withRig(
      () => binary(response.bytes, 61),
      async (rig) => {
        const { anthropic_version: _version, ...body } = request?.body ?? {};
        const answer = await messages(rig, { ...body, model: `bedrock/${CLAUDE}`, stream: true });
        const text = await answer.text();
        const lines = text.split("\n").flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : []));
        expect(lines).toEqual(packed);
        expect(text).toContain("event: message_start\n");
        expect(rig.calls[0]?.body).toEqual(request?.body);
        expect(rig.calls[0]?.url).toEndWith("/invoke-with-response-stream");
        expect((await rig.row()).usageSource).toBe("provider");
      },
    );
  });

  test("that breaks with an exception ends in an error of its own format", async () => {
    const output =
      '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Well"}}';
    const pieces = output
      .split("\n")
      .map((text) => encodeMessage(names("chunk"), { bytes: Buffer.from(text).toString("base64") }));
    const last = encodeMessage(
      { ":message-type": "exception", ":exception-type": "serviceUnavailableException" },
      { message: "Later." },
    );
    await withRig(
      () => binary(Buffer.concat([...pieces, last])),
      async (rig) => {
        const text = await (await messages(rig, { model: `bedrock/${CLAUDE}`, stream: true })).text();
        expect(text).toContain('"text":"Well"');
        expect(text).toEndWith(
          'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Later."}}\n\n',
        );
      },
    );
  });
});

function textOf(data: string | null): string {
  const value: JsonObject = JSON.parse(data ?? "{}");
  const inner = isJsonObject(value["delta"]) ? value["delta"]["text"] : undefined;
  return typeof inner === "string" ? inner : "";
}
