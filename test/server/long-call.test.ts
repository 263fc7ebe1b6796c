// A call that takes long: should the gateway die over it, its row says what was asked at least, by our own estimate.

import { afterEach, expect, test } from "bun:test";
import { BOOK_RULES } from "../../src/ledger/index.ts";
import { closeIntent } from "../../src/ledger/recover.ts";
import { findOpenIntents } from "../../src/store/journal/cursor.ts";
import { listSlots } from "../../src/store/journal/disk.ts";
import { type Rig, makeRig, makeStream } from "../rig.ts";
import { ASK, GOOD_STREAM, completion } from "./failover-scene.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

/** What the next gateway would book, if this one died now. */
function readLeft({ config: { ledgerPath: location } }: Rig) {
  return listSlots(location).flatMap((slot) =>
    findOpenIntents({ location, slot, rules: BOOK_RULES }, 0).map(({ intent }) => closeIntent(intent)),
  );
}

async function open(answer: () => Response) {
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  const gateway = await makeRig({
    async upstream({ method }) {
      if (method === "GET") return Response.json({ object: "list", data: [] });
      asked.resolve();
      await answered.promise;
      return answer();
    },
  });
  rig = gateway;
  return { gateway, asked: asked.promise, goOn: answered.resolve };
}

test.each([
  ["a whole answer", {}, () => Response.json(completion("Hi")), 3],
  ["a stream", { stream: true }, () => makeStream(GOOD_STREAM), 2],
])("%s", async (_what, more, answer, outputTokens) => {
  const { gateway, asked, goOn } = await open(answer);
  const pending = gateway.chat({ ...ASK, ...more });
  await asked;
  gateway.clock.advance(9_999);
  const short = { errorKind: "interrupted", provider: "openai", usageSource: "none", freshInputTokens: null };
  expect(readLeft(gateway)).toMatchObject([short]);
  gateway.clock.advance(1);
  await gateway.ledger.drain();
  const long = { usageSource: "estimate", freshInputTokens: 3, outputTokens: 0, costNanos: 3 * 2_500 };
  const attempts = [{ provider: "openai", status: null, errorKind: "interrupted" }];
  expect(readLeft(gateway)).toMatchObject([{ ...short, ...long, attempts }]);
  goOn();
  await (await pending).text();
  expect(readLeft(gateway)).toEqual([]);
  expect(await gateway.row()).toMatchObject({
    status: 200,
    usageSource: "provider",
    freshInputTokens: 9,
    outputTokens,
  });
});

test("a call that was refused in the end cost nothing", async () => {
  const { gateway, asked, goOn } = await open(() => Response.json({ error: { message: "no" } }, { status: 400 }));
  const pending = gateway.chat(ASK);
  await asked;
  gateway.clock.advance(10_000);
  goOn();
  expect((await pending).status).toBe(400);
  expect(await gateway.row()).toMatchObject({ status: 400, usageSource: "none", freshInputTokens: null });
});

test("one of which nothing can be estimated is not announced anew", async () => {
  const { gateway, asked, goOn } = await open(() => Response.json({ data: [] }));
  const pending = gateway.send("/v1/images/generations", { body: { model: "openai/gpt-image-1", prompt: "hi" } });
  await asked;
  gateway.clock.advance(10_000);
  await gateway.ledger.drain();
  expect(readLeft(gateway)).toMatchObject([{ errorKind: "interrupted", usageSource: "none", costNanos: null }]);
  goOn();
  await (await pending).text();
});
