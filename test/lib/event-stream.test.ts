// Binary event streams as the vendor's own codec writes them, cut anywhere and damaged anywhere.

import { describe, expect, test } from "bun:test";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import fc from "fast-check";
import { createMessageReader } from "../../src/lib/event-stream.ts";
import { cut } from "../wire/replay.ts";

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes)),
  (text) => new TextEncoder().encode(text),
);

const messages = fc.array(
  fc.record({
    headers: fc.dictionary(fc.stringMatching(/^:?[a-z-]{1,20}$/), fc.string({ unit: "grapheme" }), { maxKeys: 4 }),
    payload: fc.uint8Array({ maxLength: 300 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function write(message: { headers: Record<string, string>; payload: Uint8Array }): Uint8Array {
  const headers = Object.entries(message.headers).map(([name, value]) => [name, { type: "string", value }] as const);
  return codec.encode({ headers: Object.fromEntries(headers), body: message.payload });
}

function read(pieces: readonly Uint8Array[]): { headers: Record<string, string>; payload: number[] }[] {
  const reader = createMessageReader();
  return pieces
    .flatMap((piece) => reader.push(piece))
    .map(({ headers, payload }) => ({ headers: { ...headers }, payload: [...payload] }));
}

describe("a binary event stream", () => {
  test("gives the messages that were written, however it is cut", () => {
    fc.assert(
      fc.property(messages, fc.array(fc.nat(), { maxLength: 8 }), (written, places) => {
        const bytes = Buffer.concat(written.map(write));
        const binary = bytes.toString("latin1");
        const pieces = cut(binary, places).map((piece) => new Uint8Array(Buffer.from(piece, "latin1")));
        const expected = written.map(({ headers, payload }) => ({ headers: { ...headers }, payload: [...payload] }));
        expect(read(pieces)).toEqual(expected);
        expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
      }),
    );
  });

  test("is refused where any one bit of it has changed", () => {
    const whole = write({ headers: { ":event-type": "chunk" }, payload: Buffer.from("{}") });
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const bytes = new Uint8Array(whole);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => read([bytes])).toThrow();
    }
  });

  test("gives what came whole before a damaged message, and then no more", () => {
    const whole = write({ headers: {}, payload: Buffer.from("abc") });
    const damaged = new Uint8Array(whole);
    damaged[14] = (damaged[14] ?? 0) ^ 1;
    for (const tail of [damaged, Buffer.concat([damaged, whole])]) {
      const reader = createMessageReader();
      expect(reader.push(Buffer.concat([whole, whole, tail]))).toHaveLength(2);
      expect(() => reader.end()).toThrow("damaged");
      expect(() => reader.push(whole)).toThrow("damaged");
    }
    expect(() => createMessageReader().end()).not.toThrow();
  });

  test("passes over values that are no text", () => {
    const bytes = codec.encode({
      headers: {
        a: { type: "boolean", value: true },
        b: { type: "integer", value: 7 },
        c: { type: "binary", value: Uint8Array.of(1, 2, 3) },
        d: { type: "string", value: "text" },
        e: { type: "timestamp", value: new Date(0) },
        f: { type: "uuid", value: "0196a5c0-0000-4000-8000-000000000000" },
      },
      body: new Uint8Array(),
    });
    expect(read([bytes])).toEqual([{ headers: { d: "text" }, payload: [] }]);
  });

  test("ends quietly where it is cut within a message", () => {
    const bytes = write({ headers: {}, payload: Buffer.from("abc") });
    expect(read([bytes.subarray(0, -1)])).toEqual([]);
  });
});
