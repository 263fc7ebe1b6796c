// An upstream that answers with something else than was asked for, and does not stop: refused at once, in bounded memory.

import { expect, test } from "bun:test";
import { makeRig, readJson } from "../rig.ts";

test("what is no event stream is refused before its end, which may never come", async () => {
  let pieces = 0;
  const rig = await makeRig({
    upstream: () =>
      new Response(
        new ReadableStream({
          async pull(controller) {
            await new Promise<void>((resolve) => void setImmediate(resolve));
            pieces++;
            if (pieces > 1_000) controller.close();
            else controller.enqueue(new Uint8Array(16 * 1024));
          },
        }),
        { headers: { "content-type": "text/html" } },
      ),
  });
  try {
    const response = await rig.chat({ model: "gpt-4o", stream: true, messages: [{ role: "user", content: "Hi" }] });
    expect(response.status).toBe(502);
    expect((await readJson(response)).error.message).toContain("answered with text/html");
    expect(pieces).toBeLessThan(200);
    expect(await rig.row()).toMatchObject({ status: 502 });
  } finally {
    await rig.close();
  }
});
