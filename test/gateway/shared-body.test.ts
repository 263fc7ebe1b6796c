// One answer for several readers: each has all of it in order, nothing is read before it is wanted, and what is held is bounded.

import { describe, expect, test } from "bun:test";
import { type Held, type SharedBody, shareBody } from "../../src/gateway/cache/shared-body.ts";

const PIECE_BYTES = 1024 * 1024;

/** Pieces of a MiB, each filled with its number. */
function open(count: number, maxBytes = 2 ** 30) {
  const held: Held = { bytes: 0, maxBytes };
  const state = { made: 0, ended: 0, isCancelled: false };
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        if (state.made === count) return controller.close();
        controller.enqueue(new Uint8Array(PIECE_BYTES).fill(state.made++));
      },
      cancel: () => void (state.isCancelled = true),
    },
    { highWaterMark: 0 },
  );
  return { held, state, body: shareBody(source, held, () => void state.ended++) };
}

const numberAt = async (body: SharedBody, index: number): Promise<number | undefined> => (await body.at(index))?.[0];

describe("a shared body", () => {
  test("is read no faster than it is wanted, once for all", async () => {
    const { body, held, state } = open(3);
    expect(state.made).toBe(0);
    expect(await Promise.all([numberAt(body, 0), numberAt(body, 0)])).toEqual([0, 0]);
    expect([state.made, held.bytes]).toEqual([1, PIECE_BYTES]);
    expect(await Promise.all([numberAt(body, 2), numberAt(body, 1), numberAt(body, 0)])).toEqual([2, 1, 0]);
    expect([await numberAt(body, 3), await numberAt(body, 3), state.ended, body.isWhole()]).toEqual([
      undefined,
      undefined,
      1,
      true,
    ]);
    expect(body.all()?.byteLength).toBe(3 * PIECE_BYTES);
    body.drop();
    expect([held.bytes, state.isCancelled]).toEqual([0, false]);
  });

  test("a piece that comes as the last reader leaves is not held", async () => {
    const held: Held = { bytes: 0, maxBytes: 2 ** 30 };
    let give: (piece: Uint8Array<ArrayBuffer>) => void = () => undefined;
    const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => void (give = (piece) => controller.enqueue(piece)),
    });
    const body = shareBody(source, held, () => undefined);
    const waiting = body.at(0);
    await new Promise(setImmediate);
    give(new Uint8Array(PIECE_BYTES));
    body.drop();
    await waiting.catch(() => undefined);
    expect(held.bytes).toBe(0);
  });

  test("whoever falls too far behind is cut off, and the others are not", async () => {
    const { body, held } = open(20);
    for (let index = 0; index < 20; index++) expect(await numberAt(body, index)).toBe(index);
    expect(held.bytes).toBeLessThanOrEqual(8 * PIECE_BYTES);
    expect(body.isWhole()).toBe(false);
    expect(await body.at(0).catch((error: Error) => error.message)).toContain("too slowly");
    expect([await numberAt(body, 20), body.all()]).toEqual([undefined, null]);
  });

  test("all bodies together hold no more than they may", async () => {
    const held: Held = { bytes: 0, maxBytes: 3 * PIECE_BYTES };
    const bodies = [0, 1, 2].map(() => {
      const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start(controller) {
          for (let piece = 0; piece < 5; piece++) controller.enqueue(new Uint8Array(PIECE_BYTES));
          controller.close();
        },
      });
      return shareBody(source, held, () => undefined);
    });
    for (const body of bodies) for (let index = 0; index < 5; index++) expect(await body.at(index)).toBeDefined();
    // The last piece of each is its reader's.
    expect(held.bytes).toBeLessThanOrEqual((3 + bodies.length) * PIECE_BYTES);
    for (const body of bodies) body.drop();
    expect(held.bytes).toBe(0);
  });

  test("that nobody wants any more lets go of its source", async () => {
    const { body, held, state } = open(5);
    await body.at(0);
    body.drop();
    expect([held.bytes, state.isCancelled]).toEqual([0, true]);
  });

  test("that breaks tells everyone", async () => {
    const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => controller.error(new Error("reset")),
    });
    const body = shareBody(source, { bytes: 0, maxBytes: 1 }, () => undefined);
    const told = await Promise.all([0, 0].map((index) => body.at(index).catch((error: Error) => error.message)));
    expect(told).toEqual(["reset", "reset"]);
    expect(body.all()).toBeNull();
  });
});
