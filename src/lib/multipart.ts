// Watches a multipart/form-data body go by: cuts it into pieces that join to the very same bytes, and gives chosen small fields whole.
// Keeps no file and changes nothing; libraries hand out decoded parts, from which the bytes cannot be put back.
// Format: https://www.rfc-editor.org/rfc/rfc7578 and https://www.rfc-editor.org/rfc/rfc2046#section-5.1

export interface Piece {
  /** As they came. */
  bytes: Uint8Array;
  /** Set where `bytes` are the whole value of a field that was asked for. */
  field: string | null;
}

export interface MultipartScanner {
  push(chunk: Uint8Array): Piece[];
  /** What was held back. Throws where the form breaks off. */
  end(): Piece[];
}

/** A form that cannot be read; the message says where. */
export class MultipartError extends Error {}

const MAX_HEADER_BYTES = 16 * 1024;
/** A name or an id, not a file. */
const MAX_FIELD_BYTES = 64 * 1024;

const HEADERS_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");

/** The boundary in a Content-Type header; null where it is no multipart form. */
export function readBoundary(contentType: string): string | null {
  if (!/^multipart\/form-data\s*;/iu.test(contentType)) return null;
  // Of two, another reader may take the other one, and find other fields.
  if (contentType.match(/boundary[*\d\s]*=/giu)?.length !== 1) return null;
  const found = /;\s*boundary=(?:"([^"]{1,200})"|([^\s;"]{1,200}))/iu.exec(contentType);
  return found?.[1] ?? found?.[2] ?? null;
}

type State = "delimiter" | "done" | "field" | "headers" | "preamble" | "skip";

/** `wants` tells by a part's name whether its value is to be given whole. */
export function createMultipartScanner(boundary: string, wants: (name: string) => boolean): MultipartScanner {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let state: State = "preamble";
  let field = "";
  // The first delimiter may stand at the very beginning, without the line end before it.
  let held: Buffer = LINE_END;
  let borrowed = LINE_END.length;
  let pieces: Piece[] = [];

  const give = (length: number, name: string | null): void => {
    const own = Math.min(borrowed, length);
    borrowed -= own;
    if (length > own || name !== null) pieces.push({ bytes: held.subarray(own, length), field: name });
    held = held.subarray(length);
  };

  /** Gives what cannot be part of a delimiter any more; true where one was found, which then stands first. */
  const giveUntilDelimiter = (name: string | null): boolean => {
    const at = held.indexOf(delimiter);
    if (at !== -1) {
      give(at, name);
      return true;
    }
    if (name === null) give(Math.max(0, held.length - delimiter.length + 1), null);
    return false;
  };

  /** One step; false where more bytes are needed. */
  const step = (): boolean => {
    switch (state) {
      case "preamble":
      case "skip":
        if (!giveUntilDelimiter(null)) return false;
        state = "delimiter";
        return true;
      case "field":
        if (!giveUntilDelimiter(field)) {
          if (held.length > MAX_FIELD_BYTES) throw new MultipartError(`The form field '${field}' is too long.`);
          return false;
        }
        state = "delimiter";
        return true;
      case "delimiter": {
        const end = delimiter.length;
        if (held.length < end + 2) return false;
        if (held[end] === DASH && held[end + 1] === DASH) {
          state = "done";
          return true;
        }
        const line = held.indexOf(LINE_END, end);
        if (line === -1) {
          if (held.length > end + MAX_HEADER_BYTES) throw new MultipartError("A boundary of the form does not end.");
          return false;
        }
        if (!isBlank(held.subarray(end, line))) throw new MultipartError("A boundary of the form is followed by text.");
        // The line end stays: headers may be missing, and then it is the first half of their end.
        give(line, null);
        state = "headers";
        return true;
      }
      case "headers": {
        const end = held.indexOf(HEADERS_END);
        if (end === -1) {
          if (held.length > MAX_HEADER_BYTES) throw new MultipartError("The headers of a form part are too long.");
          return false;
        }
        const name = readName(held.toString("utf8", 0, end));
        give(end + HEADERS_END.length, null);
        field = name ?? "";
        state = name !== null && wants(name) ? "field" : "skip";
        // The line end that closes the headers is also where the delimiter of a part without a body begins.
        held = Buffer.concat([LINE_END, held]);
        borrowed = LINE_END.length;
        return true;
      }
      case "done":
        if (held.length > 0) give(held.length, null);
        return false;
      default:
        return state satisfies never;
    }
  };

  const take = (): Piece[] => {
    const taken = pieces;
    pieces = [];
    return taken;
  };

  return {
    push(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const taken = held.length === 0 ? bytes.length : Math.min(bytes.length, SEAM_BYTES);
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes.subarray(0, taken)]);
      while (step());
      if (taken < bytes.length) {
        // What is held came with this chunk, most often: then it is looked at where it lies, and not copied.
        const isOwn = borrowed === 0 && held.length <= taken;
        held = isOwn ? bytes.subarray(taken - held.length) : Buffer.concat([held, bytes.subarray(taken)]);
        while (step());
      }
      return take();
    },
    end() {
      if (state !== "done") throw new MultipartError("The form breaks off before its last boundary.");
      return take();
    },
  };
}

/** What is copied of a chunk to be joined to the one before: more than a boundary. */
const SEAM_BYTES = 4 * 1024;

const DASH = 0x2d;

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09);
}

/** The part's name; null where it has none. Throws where another reader may find another one. */
function readName(headers: string): string | null {
  const lines = headers.match(DISPOSITION) ?? [];
  const named = listNames(lines, PARAMETER);
  const [found] = named;
  const isPlain = found === undefined || !/^[^=]*\*|\\/u.test(found);
  const isAlike = named.join("\n") === listNames(lines, UNESCAPED).join("\n");
  if (lines.length > 1 || named.length > 1 || !isPlain || !isAlike || FOLDED.test(headers)) {
    throw new MultipartError("A part of the form can be read under more than one name.");
  }
  return found?.slice(found.indexOf("=") + 1) ?? null;
}

/** Of all lines, each as `name=value`. */
function listNames(lines: readonly string[], parameter: RegExp): string[] {
  return lines
    .flatMap((line) => [...line.matchAll(parameter)])
    .flatMap(([, name = "", quoted, bare = ""]) => (NAME.test(name) ? [`${name}=${quoted ?? bare}`] : []));
}

const DISPOSITION = /(?<=^|[\r\n])content-disposition[ \t]*:[^\r\n]*/giu;
const PARAMETER = /;\s*([^\s;="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/gu;
/** As they are to readers for whom a backslash is one, and ends no quotation's end. */
const UNESCAPED = /;\s*([^\s;="]+)\s*=\s*(?:"([^"]*)"|([^\s;]*))/gu;
/** In pieces and in other alphabets, too, which forms do not have: https://www.rfc-editor.org/rfc/rfc7578#section-4.2 */
const NAME = /^name(?:\*.*)?$/iu;
/** A line that goes on with the one before. */
const FOLDED = /[\r\n][ \t]/u;
