// What the provider of the bench answers, until it is told otherwise: whatever the format, in one piece or as a stream. Knows no socket.

import { DIALECTS } from "../dialect/index.ts";
import type { Dialect } from "../dialect/type.ts";
import { findDigits } from "../http/stamp.ts";

export interface Script {
  model: string;
  /** Until it answers. */
  delayMs: number;
  /** `bytes`: of the text. `pieces` of a stream come with `gapMs` between them; 0: all at once, each in a write of its own. */
  answer: { kind: "stream"; pieces: number; gapMs: number } | { kind: "whole"; bytes: number };
}

/** As it goes out on the wire; never changed but for the digits of the stamp. */
export type Reply =
  | { kind: "stream"; start: Buffer; piece: Buffer; digitsAt: number; end: Buffer; pieces: number; gapMs: number }
  | { kind: "whole"; bytes: Buffer };

/** For each format; those that do not stream answer in one piece. */
export function prepareReplies({ model, answer }: Script): ReadonlyMap<Dialect, Reply> {
  return new Map(Object.values(DIALECTS).map((dialect: Dialect) => [dialect, prepare(dialect, model, answer)]));
}

function prepare(dialect: Dialect, model: string, answer: Script["answer"]): Reply {
  if (answer.kind === "whole") return { kind: "whole", bytes: printAnswer(dialect.answer(model, answer.bytes)) };
  if (dialect.frames === null) return { kind: "whole", bytes: printAnswer(dialect.answer(model, answer.pieces)) };
  const { start, piece, end } = dialect.frames(model, answer.pieces);
  const head =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
  const pieceBytes = Buffer.from(printChunk(piece));
  return {
    kind: "stream",
    start: Buffer.from(head + printChunk(start)),
    piece: pieceBytes,
    digitsAt: findDigits(pieceBytes),
    end: Buffer.from(`${printChunk(end)}0\r\n\r\n`),
    pieces: answer.pieces,
    gapMs: answer.gapMs,
  };
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
