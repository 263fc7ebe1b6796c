// What the provider of the bench answers, until it is told otherwise: whatever the format, in one piece or as a stream. Knows no socket.

import { DIALECTS } from "../dialect/index.ts";
import type { Dialect } from "../dialect/type.ts";
import { findDigits } from "../http/stamp.ts";

export interface Script {
  model: string;
  /** Until it answers. */
  delayMs: number;
  /** `bytes`: of the text. `pieces` of a stream come with `gapMs` between them; 0: as fast as they go, a few in each write. */
  answer: { kind: "failure" } | { kind: "stream"; pieces: number; gapMs: number } | { kind: "whole"; bytes: number };
}

/** As it goes out on the wire; never changed but for the digits of the stamp. */
export type Reply =
  | { kind: "stream"; start: Buffer; piece: Stamped; burst: Stamped; end: Buffer; pieces: number; gapMs: number }
  | { kind: "whole"; bytes: Buffer };

/** Pieces that go out together, each a chunk of its own, and where their times are put. */
export interface Stamped {
  bytes: Buffer;
  digitsAt: readonly number[];
}

/** As many events as a provider in a hurry has in one segment; a write for each would cost the bench more than most of what it measures. */
export const BURST = 8;

/** For each format; those that do not stream answer in one piece. */
export function prepareReplies({ model, answer }: Script): ReadonlyMap<Dialect, Reply> {
  return new Map(Object.values(DIALECTS).map((dialect: Dialect) => [dialect, prepare(dialect, model, answer)]));
}

const FAILURE = printAnswer({ error: { type: "server_error", message: "Something broke." } }, "500 Server Error");

function prepare(dialect: Dialect, model: string, answer: Script["answer"]): Reply {
  if (answer.kind === "failure") return { kind: "whole", bytes: FAILURE };
  if (answer.kind === "whole") return { kind: "whole", bytes: printAnswer(dialect.answer(model, answer.bytes)) };
  if (dialect.frames === null) return { kind: "whole", bytes: printAnswer(dialect.answer(model, answer.pieces)) };
  const { start, piece, end } = dialect.frames(model, answer.pieces);
  const head =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
  return {
    kind: "stream",
    start: Buffer.from(head + printChunk(start)),
    piece: repeat(piece, 1),
    burst: repeat(piece, BURST),
    end: Buffer.from(`${printChunk(end)}0\r\n\r\n`),
    pieces: answer.pieces,
    gapMs: answer.gapMs,
  };
}

function repeat(piece: string, times: number): Stamped {
  const chunk = Buffer.from(printChunk(piece));
  const first = findDigits(chunk);
  const digitsAt = Array.from({ length: times }, (_, index) => index * chunk.length + first);
  return { bytes: Buffer.concat(Array.from({ length: times }, () => chunk)), digitsAt };
}

export function printAnswer(body: object, status = "200 OK"): Buffer {
  const text = JSON.stringify(body);
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`;
  return Buffer.from(head + text);
}

/** Nothing is no chunk: an empty one would be the last. */
function printChunk(text: string): string {
  return text === "" ? "" : `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
