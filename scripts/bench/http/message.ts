// Reads HTTP/1.1 messages, requests and answers alike, as they come from a socket, in pieces cut anywhere. Knows no socket, and of headers only
// those that say where a message ends: https://www.rfc-editor.org/rfc/rfc9112#name-message-body-length

export interface MessageReader {
  /** Takes what came; true once the message is whole. What follows it in the same piece is an error: nobody here sends ahead. */
  push(piece: Buffer): boolean;
  /** Start line and headers, from when they are there to the next message. */
  head(): string;
  /** Bytes of the body so far, without the framing. */
  bodyBytes(): number;
}

type State = "chunk-end" | "chunk-size" | "chunk" | "head" | "length" | "trailer";

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");

/** `onBody` is given each part of the body, which is valid only during the call. */
export function createMessageReader(onBody?: (part: Buffer) => void): MessageReader {
  let state: State = "head";
  let head = "";
  let left = 0;
  let bodyBytes = 0;
  let held: Buffer | null = null;

  const takeHead = (piece: Buffer, end: number): void => {
    head = piece.toString("latin1", 0, end);
    bodyBytes = 0;
    const framing = readFraming(head);
    state = framing === "chunked" ? "chunk-size" : "length";
    left = framing === "chunked" ? 0 : framing;
  };

  const takeBody = (piece: Buffer, at: number): number => {
    const end = Math.min(piece.length, at + left);
    if (onBody !== undefined && end > at) onBody(piece.subarray(at, end));
    bodyBytes += end - at;
    left -= end - at;
    return end;
  };

  /** Where the line ends that begins there; -1 where it is not all there yet. */
  const takeLine = (piece: Buffer, at: number): number => {
    const end = piece.indexOf(LINE_END, at);
    if (end === -1) held = Buffer.from(piece.subarray(at));
    return end;
  };

  const finish = (piece: Buffer, at: number): true => {
    if (at !== piece.length) throw new Error("Something followed the message.");
    state = "head";
    return true;
  };

  const takeChunks = (piece: Buffer, start: number): boolean => {
    let at = start;
    while (at < piece.length) {
      if (state === "chunk") {
        at = takeBody(piece, at);
        if (left === 0) state = "chunk-end";
        continue;
      }
      const end = takeLine(piece, at);
      if (end === -1) return false;
      if (state === "trailer" && end === at) return finish(piece, end + 2);
      if (state === "chunk-size") {
        left = readChunkSize(piece.toString("latin1", at, end));
        state = left === 0 ? "trailer" : "chunk";
      } else if (state === "chunk-end") state = "chunk-size";
      at = end + 2;
    }
    return false;
  };

  return {
    push(given) {
      const piece: Buffer = held === null ? given : Buffer.concat([held, given]);
      held = null;
      let at = 0;
      if (state === "head") {
        const end = piece.indexOf(HEAD_END);
        if (end === -1) {
          held = Buffer.from(piece);
          return false;
        }
        takeHead(piece, end);
        at = end + HEAD_END.length;
      }
      if (state !== "length") return takeChunks(piece, at);
      at = takeBody(piece, at);
      return left === 0 && finish(piece, at);
    },
    head: () => head,
    bodyBytes: () => bodyBytes,
  };
}

/** Of an answer. */
export function readStatus(head: string): number {
  return Number(head.slice(9, 12));
}

/** Of a request, without its query. */
export function readPath(head: string): string {
  const start = head.indexOf(" ") + 1;
  const path = head.slice(start, head.indexOf(" ", start));
  const query = path.indexOf("?");
  return query === -1 ? path : path.slice(0, query);
}

function readFraming(head: string): number | "chunked" {
  const lower = head.toLowerCase();
  const at = lower.indexOf("\r\ncontent-length:");
  if (at !== -1) return Number.parseInt(lower.slice(at + 17), 10);
  if (/\r\ntransfer-encoding:[^\r]*chunked/u.test(lower)) return "chunked";
  if (/^http\/1\.\d 204/u.test(lower) || !lower.startsWith("http/")) return 0;
  throw new Error("The answer does not say where it ends.");
}

function readChunkSize(line: string): number {
  const size = Number.parseInt(line, 16);
  if (!(size >= 0)) throw new Error(`A chunk has no size: ${line.slice(0, 20)}`);
  return size;
}
