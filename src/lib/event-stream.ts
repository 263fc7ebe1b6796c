// Cuts the bytes of a binary event stream (application/vnd.amazon.eventstream) into messages and checks their sums. Knows no message's meaning.
// Format: https://smithy.io/2.0/aws/amazon-eventstream.html — total length, length of headers, sum of those two; headers; payload; sum of all.

export interface StreamMessage {
  /** The headers whose values are text; none of the others says anything to us. */
  headers: Readonly<Record<string, string>>;
  payload: Uint8Array;
}

export interface MessageReader {
  /**
   * The messages that these bytes completed. Throws where a sum or a length is wrong: nothing after that can be trusted. Where others came whole before it
   * in the same bytes, those are given, and whatever is called next throws.
   */
  push(bytes: Uint8Array): StreamMessage[];
  end(): void;
}

const PRELUDE = 12;
/** Prelude and closing sum. */
const OVERHEAD = 16;
/** The format's own limit on a payload, and some room for headers. */
const MAX_MESSAGE = 25 * 1024 * 1024;

/** A reader for one stream; bytes may be cut anywhere. Each byte is joined at most once. */
export function createMessageReader(): MessageReader {
  let pieces: Uint8Array[] = [];
  let held = 0;
  let needed = PRELUDE;
  let damage: { cause: unknown } | null = null;

  const end = (): void => {
    if (damage !== null) throw damage.cause;
  };

  return {
    push(bytes) {
      end();
      pieces.push(bytes);
      held += bytes.length;
      if (held < needed) return [];
      const joined = pieces.length === 1 ? bytes : Buffer.concat(pieces, held);
      const messages: StreamMessage[] = [];
      let at = 0;
      needed = PRELUDE;
      try {
        while (joined.length - at >= PRELUDE) {
          const total = readLength(joined, at);
          if (joined.length - at < total) {
            needed = total;
            break;
          }
          messages.push(readMessage(joined.subarray(at, at + total)));
          at += total;
        }
      } catch (cause) {
        damage = { cause };
        if (messages.length === 0) throw cause;
      }
      held = joined.length - at;
      pieces = held === 0 ? [] : [joined.subarray(at)];
      return messages;
    },
    end,
  };
}

function readLength(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, PRELUDE);
  const total = view.getUint32(0);
  if (Bun.hash.crc32(bytes.subarray(at, at + 8)) !== view.getUint32(8))
    throw new Error("a message's prelude is damaged");
  if (total > MAX_MESSAGE || view.getUint32(4) + OVERHEAD > total) throw new Error(`a message of ${total} bytes`);
  return total;
}

function readMessage(bytes: Uint8Array): StreamMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.length - 4;
  if (Bun.hash.crc32(bytes.subarray(0, end)) !== view.getUint32(end)) throw new Error("a message is damaged");
  const headersEnd = PRELUDE + view.getUint32(4);
  return { headers: readHeaders(view, headersEnd), payload: bytes.subarray(headersEnd, end) };
}

/** Bytes of a value by its type's number; null where two bytes before it tell. */
const VALUE_LENGTHS = [0, 0, 1, 2, 4, 8, null, null, 8, 16] as const;
const TEXT = 7;
const decoder = new TextDecoder();

function readHeaders(view: DataView, end: number): Record<string, string> {
  const headers: Record<string, string> = {};
  const take = (at: number, length: number): string => {
    if (at + length > end) throw new Error("a header runs over its message");
    return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + at, length));
  };
  let at = PRELUDE;
  while (at < end) {
    const nameLength = view.getUint8(at);
    const name = take(at + 1, nameLength);
    at += 1 + nameLength;
    const type = view.getUint8(at);
    const fixed = VALUE_LENGTHS[type];
    if (fixed === undefined) throw new Error(`a header of the unknown type ${type}`);
    const length = fixed ?? view.getUint16(at + 1);
    at += fixed === null ? 3 : 1;
    if (type === TEXT) headers[name] = take(at, length);
    at += length;
  }
  return headers;
}
