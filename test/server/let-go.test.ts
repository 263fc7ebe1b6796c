// How long a connection may stand still: without end while a provider is waited for or a stream goes on, and as long as any other once the whole answer
// is there, so that who takes none of it fills no memory for good.

import { expect, test } from "bun:test";
import { IDLE_SECONDS } from "../../src/server/index.ts";
import { makeRig } from "../rig.ts";

const messages = [{ role: "user", content: "hi" }];
const contents = [{ parts: [{ text: "hi" }] }];
const IMAGE = { created: 1, data: [{ b64_json: "AAAA" }] };

test.each([
  ["a whole answer", "/v1/chat/completions", { model: "loopback", messages }, [0, IDLE_SECONDS]],
  ["a stream", "/v1/chat/completions", { model: "loopback", messages, stream: true }, [0]],
  ["another format's", "/v1/messages", { model: "loopback", messages, max_tokens: 9 }, [0, IDLE_SECONDS]],
  ["a refusal", "/v1/messages", { model: "nowhere/none", messages, max_tokens: 9 }, [0]],
  ["an answer as one array", "/v1beta/models/loopback:streamGenerateContent", { contents }, [0]],
  [
    "an answer in the background",
    "/v1/responses",
    { model: "loopback", input: "hi", background: true, stream: true },
    [0],
  ],
  ["what is forwarded alone", "/v1/images/generations", { model: "gpt-image-1", prompt: "hi" }, [0, IDLE_SECONDS]],
])("%s", async (_what, path, body, expected) => {
  const rig = await makeRig({ upstream: () => Response.json(IMAGE) });
  const { token } = await rig.issue();
  const seconds: number[] = [];
  const request = new Request(`http://gateway.test${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const response = await rig.app.fetch(request, {
    requestIP: () => null,
    timeout: (_request, given) => void seconds.push(given),
    upgrade: () => false,
  });
  await response.text();
  expect(seconds.filter((each, at) => each !== seconds[at - 1])).toEqual(expected);
  await rig.close();
});
