// What the bench reads from sockets: the same messages and the same times, wherever the bytes are cut.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createMessageReader, readPath, readStatus } from "../../scripts/bench/http/message.ts";
import { createOutbox } from "../../scripts/bench/http/outbox.ts";
import { BLANK_STAMP, createStampReader, findDigits, putDigits } from "../../scripts/bench/http/stamp.ts";

const MESSAGES: readonly [name: string, bytes: string, body: string][] = [
  ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello"],
  ["in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", "hello!"],
  [
    "in chunks, with a trailer",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\na: b\r\n\r\n",
    "hi",
  ],
  ["without a body", "GET /v1/models?x=1 HTTP/1.1\r\nhost: a\r\n\r\n", ""],
];

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % bytes.length))].filter((end) => end > 0).sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length));
}

describe("messages", () => {
  test.each(MESSAGES)("%s are read wherever they are cut, one after the other", (_, text, body) => {
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 500 }), { maxLength: 12 }), (places) => {
        let read = "";
        const reader = createMessageReader((part) => (read += part.toString()));
        for (let round = 0; round < 2; round++) {
          read = "";
          const whole = cut(bytes, places).map((piece) => reader.push(piece));
          expect(whole.map((each, index) => each === (index === whole.length - 1))).not.toContain(false);
          expect([read, reader.bodyBytes()]).toEqual([body, body.length]);
        }
      }),
    );
  });

  test("say what they are", () => {
    const reader = createMessageReader();
    reader.push(Buffer.from("GET /v1/models?x=1 HTTP/1.1\r\nhost: a\r\n\r\n"));
    expect(readPath(reader.head())).toBe("/v1/models");
    expect(readStatus("HTTP/1.1 503 Service Unavailable")).toBe(503);
  });

  test.each([
    ["HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab", "followed"],
    ["HTTP/1.1 200 OK\r\ndate: now\r\n\r\nab", "where it ends"],
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n", "no size"],
  ])("%j is refused", (text, why) => {
    expect(() => createMessageReader().push(Buffer.from(text))).toThrow(why);
  });
});

describe("times in a stream", () => {
  test("come out as they were put in, wherever the text is cut", () => {
    const times = [0, 1, 1_700_000_000_123_456, 9_007_199_254_740_991];
    const text = times.map((time) => {
      const piece = Buffer.from(`{"content":"~ ~t ${BLANK_STAMP}"}\n`);
      putDigits(piece, findDigits(piece), time);
      return piece;
    });
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 500 }), { maxLength: 30 }), (places) => {
        const read: number[] = [];
        const reader = createStampReader((time) => read.push(time));
        for (const piece of cut(Buffer.concat(text), places)) reader.push(piece);
        expect(read).toEqual(times);
      }),
    );
  });
});

test("what a socket does not take at once goes out later, in order and as it was", () => {
  const taken: string[] = [];
  let room = 3;
  const outbox = createOutbox({
    write(bytes) {
      const count = Math.min(room, bytes.length);
      taken.push(Buffer.from(bytes.subarray(0, count)).toString());
      room -= count;
      return count;
    },
  });
  const shared = Buffer.from("abcd");
  outbox.send(shared, false);
  shared.fill("x");
  outbox.send(shared, false);
  shared.fill("y");
  outbox.send(shared, true);
  room = 5;
  outbox.drain();
  room = 100;
  outbox.drain();
  expect(taken.join("")).toBe("abcdxxxxyyyy");
});
