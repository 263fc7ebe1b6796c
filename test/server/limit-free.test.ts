// What takes nothing of a rate limit: it is refused by none that is used up, and its answer tells what is left without it.

import { expect, test } from "bun:test";
import { ASK, answerChat, openLimited } from "./limit-scene.ts";

const COUNT = { model: "claude-sonnet-4-5", messages: ASK.messages };

test("what uses no tokens is refused by no limit of tokens, also where more was used than there is", async () => {
  const rig = await openLimited({
    limits: { all: { tokens: 100 } },
    upstream: ({ url }) => (url.includes("count") ? Response.json({ input_tokens: 5 }) : answerChat(90, 60)),
  });
  const headers = { "idempotency-key": "one" };
  expect((await rig.chat(ASK, { headers })).status).toBe(200);
  const again = await rig.chat(ASK, { headers });
  expect([again.status, again.headers.get("x-ratelimit-remaining-tokens")]).toEqual([200, "0"]);
  expect((await rig.send("/v1/messages/count_tokens", { body: COUNT })).status).toBe(200);
  expect((await rig.chat(ASK)).status).toBe(429);
});

test("a request that leads nowhere tells what is left without it", async () => {
  const rig = await openLimited({ limits: { all: { tokens: 1_000 } } });
  const lost = await rig.chat({ ...ASK, model: "nowhere" });
  expect([lost.status, lost.headers.get("x-ratelimit-remaining-tokens")]).toEqual([404, "1000"]);
});
