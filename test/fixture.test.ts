// The reader of recordings reads every file that the index lists, in full.

import { expect, test } from "bun:test";
import { listRecordings, readRecording } from "./fixture.ts";

const STREAM_END: Record<string, RegExp> = {
  anthropic: /event: message_stop\s+data: .*\s*$/,
  chat: /data: (\[DONE\]|\{"error".*\})\s*$/,
  cohere: /event: message-end\s+data: .*\s*$/,
  completions: /data: \[DONE\]\s*$/,
  gemini: /"finishReason": ?"\w+"[^]*\}\s*$/,
  responses: /event: (response\.(completed|failed|incomplete)|error)\s+data: .*\s*$/,
};

test("the index lists recordings of every surface", () => {
  const surfaces = new Set(listRecordings().map((row) => row.surface));
  expect([...surfaces].sort()).toEqual([
    "anthropic",
    "bedrock",
    "chat",
    "cohere",
    "completions",
    "embeddings",
    "gemini",
    "gemini,responses",
    "responses",
    "vertex-anthropic",
  ]);
});

for (const row of listRecordings()) {
  test(row.file, () => {
    const interactions = readRecording(row.file);
    expect(interactions.length).toBeGreaterThan(0);
    for (const { request, response } of interactions) {
      expect(response.status).toBeGreaterThanOrEqual(200);
      if (row.format === "response-json" || row.format === "chunk-lines") expect(request).toBeNull();
      else if (request?.method === "POST") expect(request.body).not.toBeNull();
      const type = response.headers["content-type"] ?? "";
      if (row.surface === "bedrock" && row.mode === "stream" && response.status === 200) {
        checkBedrockStream(type, response);
        continue;
      }
      if (!type.includes("event-stream")) {
        expect(typeof JSON.parse(response.body)).toBe("object");
        continue;
      }
      expect(response.body).toMatch(/^(?:: .*\s+)*(?:event|data):/);
      expect(response.body).toMatch(STREAM_END[row.surface] ?? /^never$/);
    }
  });
}

/** Binary frames: the first four bytes of each are its length, and the lengths add up. Without framing: a JSON event a line. */
function checkBedrockStream(type: string, { body, bytes }: { body: string; bytes: Uint8Array }): void {
  if (type === "application/x-ndjson") {
    for (const line of body.trim().split("\n")) expect(typeof JSON.parse(line)).toBe("object");
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset < bytes.byteLength) offset += view.getUint32(offset);
  expect(offset).toBe(bytes.byteLength);
}
