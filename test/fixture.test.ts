// The reader of recordings reads every file that the index lists, in full.

import { expect, test } from "bun:test";
import { listRecordings, readRecording } from "./fixture.ts";

const STREAM_END: Record<string, RegExp> = {
  anthropic: /event: message_stop\s+data: .*\s*$/,
  chat: /data: (\[DONE\]|\{"error".*\})\s*$/,
};

test("the index lists recordings of every surface", () => {
  const surfaces = new Set(listRecordings().map((row) => row.surface));
  expect([...surfaces].sort()).toEqual(["anthropic", "chat", "embeddings"]);
});

for (const row of listRecordings()) {
  test(row.file, () => {
    const interactions = readRecording(row.file);
    expect(interactions.length).toBeGreaterThan(0);
    for (const { request, response } of interactions) {
      expect(response.status).toBeGreaterThanOrEqual(200);
      if (row.format === "response-json" || row.format === "chunk-lines") expect(request).toBeNull();
      else if (request?.method === "POST") expect(request.body).not.toBeNull();
      if (!(response.headers["content-type"] ?? "").includes("event-stream")) {
        expect(typeof JSON.parse(response.body)).toBe("object");
        continue;
      }
      expect(response.body).toMatch(/^(?:: .*\s+)*(?:event|data):/);
      expect(response.body).toMatch(STREAM_END[row.surface] ?? /^never$/);
    }
  });
}
