// Cuts a stream of Server-Sent Events into frames, keeping each frame's own text so that it can be forwarded unchanged.
// Knows no wire format. Format: https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream

export interface Frame {
  /** The frame as received, its closing blank line included. */
  raw: string;
  /** The `event:` field; null where there is none. */
  event: string | null;
  /** The `data:` lines joined by newlines; null where there is none (a comment, a lone `retry:`). */
  data: string | null;
}

export interface FrameSplitter {
  /** The frames that this chunk of decoded text completed. The `raw` of all frames joined is the whole input. */
  push(chunk: string): Frame[];
  /** The unfinished rest as a last frame, where there is any; call it once. */
  end(): Frame[];
}

/** A splitter of bytes: UTF-8 may be cut anywhere. */
export function createSseReader(): { push(bytes: Uint8Array): Frame[]; end(): Frame[] } {
  const splitter = createFrameSplitter();
  const decoder = new TextDecoder();
  return {
    push: (bytes) => splitter.push(decoder.decode(bytes, { stream: true })),
    end: () => [...splitter.push(decoder.decode()), ...splitter.end()],
  };
}

/** No provider sends such a frame; a broken one must not fill the memory. */
const MAX_FRAME_LENGTH = 32 * 1024 * 1024;

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * A splitter for one stream. Line ends may be LF, CRLF, CR or a mixture, and a chunk may be cut anywhere. Throws where a frame does not end. A CR at the end of a chunk is
 * held until it is known whether a LF belongs to it, so any cutting gives the same frames. Only new text is ever searched.
 */
export function createFrameSplitter(): FrameSplitter {
  /** What has arrived of the unfinished frame; joined once, when it is complete. */
  let pieces: string[] = [];
  let held = 0;
  let isFirstChunk = true;
  let isFirstFrame = true;
  let atLineStart = true;
  let afterReturn = false;
  /** The CR that we wait behind ended a blank line, so the frame is complete but for a LF that may follow. */
  let frameDue = false;

  const take = (last: string): Frame => {
    pieces.push(last);
    const raw = pieces.length === 1 ? last : pieces.join("");
    const frame = parseFrame(raw, isFirstFrame && raw.startsWith(BYTE_ORDER_MARK) ? raw.slice(1) : raw);
    pieces = [];
    held = 0;
    isFirstFrame = false;
    return frame;
  };

  const push = (chunk: string): Frame[] => {
    const frames: Frame[] = [];
    if (chunk === "") return frames;
    let start = 0;
    let at = isFirstChunk && chunk.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
    isFirstChunk = false;
    if (afterReturn) {
      if (chunk.startsWith("\n")) at = 1;
      if (frameDue) {
        frames.push(take(chunk.slice(0, at)));
        start = at;
      }
      afterReturn = false;
      frameDue = false;
    }
    let feed = chunk.indexOf("\n", at);
    let carriage = chunk.indexOf("\r", at);
    while (at < chunk.length) {
      if (feed !== -1 && feed < at) feed = chunk.indexOf("\n", at);
      if (carriage !== -1 && carriage < at) carriage = chunk.indexOf("\r", at);
      const lineEnd = feed === -1 ? carriage : carriage === -1 ? feed : Math.min(feed, carriage);
      if (lineEnd === -1) {
        atLineStart = false;
        break;
      }
      const isBlank = atLineStart && lineEnd === at;
      atLineStart = true;
      at = lineEnd + 1;
      if (lineEnd === carriage) {
        if (at === chunk.length) {
          afterReturn = true;
          frameDue = isBlank;
          break;
        }
        if (feed === at) at += 1;
      }
      if (isBlank) {
        frames.push(take(chunk.slice(start, at)));
        start = at;
      }
    }
    if (start < chunk.length) {
      pieces.push(chunk.slice(start));
      held += chunk.length - start;
      if (held > MAX_FRAME_LENGTH) throw new Error(`a frame of more than ${MAX_FRAME_LENGTH} characters`);
    }
    return frames;
  };

  return { push, end: () => (pieces.length === 0 ? [] : [take("")]) };
}

/** One complete frame with `data`, split over as many `data:` lines as it has lines, under the given event name. */
export function formatFrame(data: string, event?: string): string {
  const name = event === undefined ? "" : `event: ${event}\n`;
  const lines = data.includes("\n") || data.includes("\r") ? data.split(/\r\n|\n|\r/).join("\ndata: ") : data;
  return `${name}data: ${lines}\n\n`;
}

function parseFrame(raw: string, text: string): Frame {
  let event: string | null = null;
  let data: string | null = null;
  for (const line of raw.includes("\r") ? text.split(/\r\n|\n|\r/) : text.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    if (name !== "data" && name !== "event") continue;
    const value = colon === -1 ? "" : line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1);
    if (name === "event") event = value === "" ? null : value;
    else data = data === null ? value : `${data}\n${value}`;
  }
  return { raw, event, data };
}
