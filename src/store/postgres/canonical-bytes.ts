// JSON in its one form (RFC 8785) written as bytes, out of the bytes that PostgreSQL sends: what `lib/canonical-json.ts` gives as text, without
// a text in between, for rows by the million. Knows no row.

import { quote } from "../../lib/canonical-json.ts";

const [QUOTE, BACKSLASH, COMMA, COLON, MINUS, POINT, ZERO, NINE, SPACE] = [34, 92, 44, 58, 45, 46, 48, 57, 32];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125];
/** Decimals of no more digits are what JavaScript prints for the number that they stand for. */
const EXACT_DIGITS = 15;
/** Below a millionth, and from 10²¹ on, JavaScript writes an exponent. */
const MOST_ZEROS = 6;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What is remembered of a member: where its name and its value begin and end in the source. */
const FIELDS = 4;
/** Shorter ones are copied faster byte by byte. */
const LONG = 32;
const BILLION = 1_000_000_000;

export class CanonicalBytes {
  #bytes = new Uint8Array(16_384);
  #end = 0;
  #source: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Of all objects that are open. */
  #members = new Int32Array(1_024);
  #top = 0;

  /** Valid until something is written again. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  clear(): void {
    this.#end = 0;
  }

  /** As they are. */
  put(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    const target = this.#bytes;
    let end = this.#end;
    for (let index = 0; index < bytes.length; index++) target[end++] = bytes[index] as number;
    this.#end = end;
  }

  putByte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#end++] = byte;
  }

  /** ASCII alone. */
  putAscii(text: string): void {
    this.#reserve(text.length);
    for (let index = 0; index < text.length; index++) this.#bytes[this.#end++] = text.charCodeAt(index);
  }

  /** UTF-8 of a text, which becomes a JSON string. */
  putText(source: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from + 2);
    const target = this.#bytes;
    let end = this.#end;
    target[end++] = QUOTE;
    for (let index = from; index < to; index++) {
      const byte = source[index] as number;
      if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) return this.#putRare(source.subarray(from, to));
      target[end++] = byte;
    }
    target[end++] = QUOTE;
    this.#end = end;
  }

  /** A safe integer. */
  putWhole(value: number): void {
    this.#reserve(24);
    if (value < 0) this.#bytes[this.#end++] = MINUS;
    this.#putDigits(Math.abs(value));
  }

  #putDigits(value: number): void {
    let rest = value;
    // Beyond 32 bits, divisions are slow.
    if (value >= BILLION) {
      this.#putDigits(Math.floor(value / BILLION));
      rest = value % BILLION;
    }
    let count = value >= BILLION ? 9 : 1;
    if (value < BILLION) for (let limit = 10; limit <= rest; limit *= 10) count++;
    const target = this.#bytes;
    for (let at = this.#end + count - 1; at >= this.#end; at--) {
      const shorter = (rest / 10) | 0;
      target[at] = ZERO + rest - shorter * 10;
      rest = shorter;
    }
    this.#end += count;
  }

  /** A number of a double column. Minus nought, which JSON does not know, is told from nought. */
  putNumber(value: number): void {
    this.putAscii(Object.is(value, -0) ? "-0" : String(value));
  }

  /** JSON as PostgreSQL writes it: members in another order, and blanks between. */
  putJson(source: Buffer): void {
    this.#reserve(source.length);
    this.#source = source;
    this.#at = 0;
    this.#putValue();
  }

  #putRare(source: Uint8Array): void {
    this.put(encoder.encode(quote(decoder.decode(source))));
  }

  #putValue(): void {
    switch (this.#source[this.#at]) {
      case QUOTE:
        return this.#copyString();
      case OPEN_OBJECT:
        return this.#putObject();
      case OPEN_LIST:
        return this.#putList();
      default:
        return this.#putWord();
    }
  }

  /** Its escapes are those of RFC 8785 already. */
  #copyString(): void {
    const start = this.#at;
    this.#skipString();
    this.#copy(start, this.#at);
  }

  #copy(from: number, to: number): void {
    if (to - from > LONG) {
      this.#end += this.#source.copy(this.#bytes, this.#end, from, to);
      return;
    }
    const [source, target] = [this.#source, this.#bytes];
    let end = this.#end;
    for (let at = from; at < to; at++) target[end++] = source[at] as number;
    this.#end = end;
  }

  #skipString(): void {
    const source = this.#source;
    let at = this.#at + 1;
    for (; at < source.length; at++) {
      const byte = source[at];
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) at++;
    }
    this.#at = at + 1;
  }

  #skipValue(): void {
    const source = this.#source;
    let depth = 0;
    do {
      const byte = source[this.#at];
      if (byte === QUOTE) this.#skipString();
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        depth++;
        this.#at++;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        if (depth === 0) return;
        depth--;
        this.#at++;
      } else if (byte === COMMA && depth === 0) return;
      else this.#at++;
    } while (this.#at < source.length && (depth > 0 || source[this.#at] !== COMMA));
  }

  #putList(): void {
    this.#bytes[this.#end++] = OPEN_LIST;
    this.#at++;
    while (this.#source[this.#at] !== CLOSE_LIST && this.#at < this.#source.length) {
      this.#putValue();
      if (this.#skipComma()) this.#bytes[this.#end++] = COMMA;
    }
    this.#at++;
    this.#bytes[this.#end++] = CLOSE_LIST;
  }

  /** Its members are found first, put in order, and then written. */
  #putObject(): void {
    const base = this.#top;
    this.#at++;
    while (this.#source[this.#at] !== CLOSE_OBJECT && this.#at < this.#source.length) this.#findMember(base);
    const end = this.#at + 1;
    const top = this.#top;
    this.#bytes[this.#end++] = OPEN_OBJECT;
    for (let member = base; member < top; member += FIELDS) {
      if (member > base) this.#bytes[this.#end++] = COMMA;
      this.#copy(this.#members[member] as number, this.#members[member + 1] as number);
      this.#bytes[this.#end++] = COLON;
      this.#at = this.#members[member + 2] as number;
      if (this.#source[this.#at] === QUOTE) this.#copy(this.#at, this.#members[member + 3] as number);
      else this.#putValue();
    }
    this.#bytes[this.#end++] = CLOSE_OBJECT;
    this.#top = base;
    this.#at = end;
  }

  /** Remembers the member that begins there, behind those whose names come before its own. */
  #findMember(base: number): void {
    const nameAt = this.#at;
    this.#skipString();
    const nameEnd = this.#at++;
    this.#skipBlanks();
    const valueAt = this.#at;
    this.#skipValue();
    const valueEnd = this.#at;
    this.#skipComma();
    if (this.#top + FIELDS > this.#members.length) {
      const grown = new Int32Array(this.#members.length * 2);
      grown.set(this.#members);
      this.#members = grown;
    }
    const members = this.#members;
    let place = this.#top;
    for (; place > base; place -= FIELDS) {
      const before = place - FIELDS;
      if (compareNames(this.#source, members[before] as number, members[before + 1] as number, nameAt, nameEnd) <= 0)
        break;
      members.copyWithin(place, before, place);
    }
    members[place] = nameAt;
    members[place + 1] = nameEnd;
    members[place + 2] = valueAt;
    members[place + 3] = valueEnd;
    this.#top += FIELDS;
  }

  #skipBlanks(): void {
    while (this.#source[this.#at] === SPACE) this.#at++;
  }

  #skipComma(): boolean {
    if (this.#source[this.#at] !== COMMA) return false;
    this.#at++;
    this.#skipBlanks();
    return true;
  }

  /** A number, or one of JSON's three words. */
  #putWord(): void {
    const source = this.#source;
    const start = this.#at;
    let [digits, zeros, point] = [0, 0, -1];
    let isDecimal = true;
    let at = start;
    for (; at < source.length; at++) {
      const byte = source[at] as number;
      if (byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_LIST) break;
      if (byte >= ZERO && byte <= NINE) {
        digits++;
        if (byte === ZERO && digits === zeros + 1) zeros++;
      } else if (byte === POINT) point = at;
      else if (byte !== MINUS) isDecimal = false;
    }
    if (at === start) throw new SyntaxError("It is no JSON.");
    this.#at = at;
    const isTrailing = point !== -1 && source[at - 1] === ZERO;
    const isPlain = digits <= EXACT_DIGITS && zeros < MOST_ZEROS && !isTrailing && source[start] !== MINUS;
    if (!isDecimal || isPlain) this.#copy(start, at);
    else this.putAscii(printNumber(source.toString("latin1", start, at)));
  }

  /** Twice of what is needed, so that the small change of quotes and brackets need not ask. */
  #reserve(bytes: number): void {
    const needed = this.#end + bytes * 2 + 1_024;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(needed * 2);
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }
}

/** Names in their quotes, by UTF-16 units. Below U+0080 they are the bytes; what is escaped, or further up, is read first. */
// oxlint-disable-next-line max-params -- called for each member of each row, and an object for it costs more than the comparison
function compareNames(source: Buffer, left: number, leftEnd: number, right: number, rightEnd: number): number {
  const length = Math.min(leftEnd - left, rightEnd - right) - 1;
  for (let index = 1; index < length; index++) {
    const [a, b] = [source[left + index] as number, source[right + index] as number];
    if (a > LAST_PLAIN || b > LAST_PLAIN || a === BACKSLASH || b === BACKSLASH)
      return compareTexts(readName(source, left, leftEnd), readName(source, right, rightEnd));
    if (a !== b) return a - b;
  }
  return leftEnd - left - (rightEnd - right);
}

const LAST_PLAIN = 126;

function readName(source: Buffer, from: number, to: number): string {
  return JSON.parse(source.toString("utf8", from, to));
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** As JavaScript writes it, where that is the same number to the last digit: one that it would round is no number of ours. */
function printNumber(decimal: string): string {
  const printed = String(Number(decimal));
  return expand(printed) === decimal ? printed : decimal;
}

/** Without an exponent, as PostgreSQL writes it. */
function expand(printed: string): string {
  const {
    sign = "",
    whole = "",
    part = "",
    power,
  } = /^(?<sign>-?)(?<whole>\d+)(?:\.(?<part>\d+))?e(?<power>[+-]\d+)$/u.exec(printed)?.groups ?? {};
  if (power === undefined) return printed;
  const digits = whole + part;
  const point = whole.length + Number(power);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}`;
}
