// Reads what PostgreSQL copies out, no faster than it is used up. Knows neither rows nor tables.

import type { Readable } from "node:stream";
import type postgres from "postgres";

/** What may wait to be used, in bytes: while it is, more is on its way. */
const MOST_BYTES = 1_048_576;
const LEAST_BYTES = 262_144;

/**
 * `take` is given each piece as it comes; each turn of the generator stands for some of them. One that is left before its end reads what
 * is left, for the connection is of no use before.
 */
export async function* readCopy(
  sql: Pick<postgres.Sql, "unsafe">,
  statement: string,
  take: (piece: Buffer) => void,
): AsyncGenerator<void, void> {
  const stream: Readable = await sql.unsafe(statement).readable();
  const state: State = { taken: 0, failure: null, isOver: false, isLeft: false };
  let wake: () => void = () => undefined;
  const fail = (error: unknown): void => {
    state.failure ??= error instanceof Error ? error : new Error(String(error));
    state.isLeft = true;
    wake();
  };
  // oxlint-disable-next-line no-underscore-dangle -- as Node names what asks a stream's source for more
  const resume = (): void => stream._read(0);
  const finish = (): void => {
    state.isOver = true;
    // The connection is free for the next question by now, whose answer a pause of this one would hold back for ever.
    resume();
    wake();
  };
  /** False where no more should come for now. */
  const push = (piece: Buffer | null): boolean => {
    if (piece === null) finish();
    if (piece === null || state.isLeft) return true;
    try {
      take(piece);
    } catch (error) {
      fail(error);
    }
    state.taken += piece.length;
    if (state.taken >= LEAST_BYTES) wake();
    return state.taken < MOST_BYTES;
  };
  stream.on("error", (error) => {
    fail(error);
    finish();
  });
  stream.on("end", finish);
  stream.on("close", () => {
    if (!state.isOver) fail(new Error("The connection was closed before the last row had come."));
    finish();
  });
  // What came at once, and then each row as the driver hands it over: on the usual way through the stream it would cost twice as much.
  for (let piece: Buffer | null = stream.read(); piece !== null; piece = stream.read()) push(piece);
  stream.push = push;
  const wait = (isEnough: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (state.isOver || isEnough()) resolve();
    });
  try {
    for (;;) {
      await wait(() => state.taken >= LEAST_BYTES || state.failure !== null);
      if (state.failure !== null) throw state.failure;
      const { isOver, taken } = state;
      state.taken = 0;
      // More may come while these are used.
      resume();
      if (taken > 0) yield;
      if (isOver) return;
    }
  } finally {
    state.isLeft = true;
    if (!state.isOver) resume();
    while (!state.isOver) await wait(() => false);
  }
}

interface State {
  /** Bytes since the last turn. */
  taken: number;
  failure: Error | null;
  isOver: boolean;
  /** What still comes is of no use. */
  isLeft: boolean;
}
