// What takes nothing of a rate limit, and what is given back to one: never more than was taken of the same minute.

import { expect, test } from "bun:test";
import { ASK, answerChat, later, openLimited, settle } from "./limit-scene.ts";

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

test("nothing comes back to a minute that it was not taken of, also where the clock is set back", async () => {
  const rig = await openLimited({ limits: { all: { tokens: 1_000 } }, holds: true });
  const first = rig.chat({ ...ASK, max_tokens: 400 });
  await rig.until(1);
  later(60_001);
  const second = rig.chat({ ...ASK, max_tokens: 400 });
  await rig.until(2);
  rig.held[1]?.answer(answerChat(90, 60));
  await second;
  later(-3_600_000);
  rig.held[0]?.answer(answerChat(1, 1));
  await first;
  expect((await rig.look("all")).states).toMatchObject([{ tokens: { used: 150 } }]);
});

test("nothing comes back to a limit that was lifted and set anew meanwhile", async () => {
  const rig = await openLimited({ holds: true });
  const limit = { tokens_per_minute: 1_000 };
  await rig.set("all", limit);
  const first = rig.chat({ ...ASK, max_tokens: 900 });
  await rig.until(1);
  await rig.send("/api/v1/admin/limits/all", { method: "DELETE", token: rig.admin });
  await rig.set("all", limit);
  rig.held[0]?.answer(answerChat(1, 1));
  await first;
  const second = rig.chat(ASK);
  await rig.until(2);
  rig.held[1]?.answer(answerChat(90, 60));
  await second;
  await settle();
  expect((await rig.look("all")).states).toMatchObject([{ tokens: { used: 150 } }]);
});
