// Links on their way: none holds up another, none is tried for ever, and however many are asked for, no more wait than may.

import { expect, test } from "bun:test";
import { createPost } from "../../../src/server/sign-in/post.ts";
import type { Log } from "../../../src/telemetry/log.ts";
import { makeClock } from "../../clock.ts";

function open() {
  const clock = makeClock();
  const told: string[] = [];
  const emit = (message: string): void => void told.push(message);
  const log: Log = { debug: emit, info: emit, warn: emit, error: emit, setLevel: () => undefined };
  return { clock, told, post: createPost({ clock, log, random: () => 0 }) };
}

const flush = () => new Promise(setImmediate);

test("a mailbox that takes nothing holds up nobody, and is given up after five tries", async () => {
  const { clock, told, post } = open();
  let tries = 0;
  const sent: number[] = [];
  for (let index = 0; index < 10; index++) {
    post.hand(async () => async () => {
      tries++;
      throw new Error("the connection broke");
    });
  }
  for (let index = 0; index < 10; index++) post.hand(async () => async () => void sent.push(index));
  clock.advance(20);
  await flush();
  expect([tries, sent]).toEqual([10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
  clock.advance(5_000);
  await flush();
  expect(tries).toBe(20);
  for (const [index, pause] of [30_000, 120_000, 300_000].entries()) {
    clock.advance(pause);
    await flush();
    expect(tries).toBe(30 + 10 * index);
  }
  await post.settled();
  expect(told.filter((message) => message.startsWith("A sign-in link could not be sent; "))).toHaveLength(10);
});

test("what a server refuses for good is not tried again; what it puts off is, with a link that is as new as the mail says", async () => {
  const { clock, told, post } = open();
  const sent: string[] = [];
  const put = (name: string, responseCode: number): void => {
    let made = 0;
    post.hand(async () => {
      const link = ++made;
      return async () => {
        sent.push(`${name} ${link}`);
        throw Object.assign(new Error("no"), { responseCode });
      };
    });
  };
  put("refused", 550);
  put("put off", 451);
  for (const pause of [20, 5_000, 30_000, 120_000, 300_000]) {
    clock.advance(pause);
    await flush();
  }
  await post.settled();
  expect(sent).toEqual(["refused 1", "put off 1", "put off 1", "put off 1", "put off 2", "put off 3"]);
  expect(told.filter((message) => message.startsWith("A sign-in link could not be sent; "))).toHaveLength(2);
});

test("a server that never comes to an end keeps its places for a minute", async () => {
  const { clock, post } = open();
  for (let index = 0; index < 4; index++) post.hand(async () => () => new Promise<void>(() => undefined));
  let sent = 0;
  post.hand(async () => async () => void sent++);
  clock.advance(20);
  await flush();
  expect(sent).toBe(0);
  clock.advance(60_000);
  await flush();
  expect(sent).toBe(1);
});

test("no more than 500 wait, and whoever is left out is told of once each", async () => {
  const { clock, told, post } = open();
  let looked = 0;
  for (let index = 0; index < 510; index++) {
    post.hand(async () => {
      looked++;
      return null;
    });
  }
  expect(looked).toBe(0);
  clock.advance(20);
  await post.settled();
  expect([looked, told.length]).toEqual([500, 10]);
});

test("a stop sends what waits, tries nothing again, and takes nothing any more", async () => {
  const { clock, post } = open();
  let tries = 0;
  const work = async () => async () => {
    tries++;
    throw new Error("away");
  };
  post.hand(work);
  const closed = post.close(60_000);
  post.hand(work);
  clock.advance(60_000);
  await closed;
  expect(tries).toBe(1);
});
