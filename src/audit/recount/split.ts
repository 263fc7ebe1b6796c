// Cuts a text into the pieces that o200k_base merges each by itself: what its pattern says, read by hand, as a pattern over classes of
// characters is most of what counting costs. A test holds the two against each other. Knows no vocabulary.
// The pattern: https://github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py

/** Calls `take` for each piece, in order; `isPlain` where it is ASCII alone. `text` is well-formed. */
export type Split = (text: string, take: (start: number, end: number, isPlain: boolean) => void) => void;

/** What a character may stand for; some letters are upper and lower at once. */
const UPPER = 1;
const LOWER = 2;
const LETTER = 4;
const NUMBER = 8;
const SPACE = 16;
const BREAK = 32;
const EITHER = UPPER | LOWER;

const CLASSES: readonly (readonly [pattern: RegExp, bits: number])[] = [
  [/[\p{Lu}\p{Lt}]/u, UPPER | LETTER],
  [/\p{Ll}/u, LOWER | LETTER],
  [/[\p{Lm}\p{Lo}]/u, EITHER | LETTER],
  // Marks go with letters, and are none.
  [/\p{M}/u, EITHER],
  [/\p{N}/u, NUMBER],
  [/[\r\n]/u, SPACE | BREAK],
  // As tiktoken's engine has it: a next line is white space, and a byte order mark is none.
  [/\p{White_Space}/u, SPACE],
];

function classify(character: string): number {
  return CLASSES.find(([pattern]) => pattern.test(character))?.[1] ?? 0;
}

/** First halves of pairs. */
const PAIRS = 0xd8_00;
const PAIRS_END = 0xdc_00;
const BLANK = 32;
const SLASH = 47;

/** A pattern in the words of our engine, cutting as tiktoken's does. */
export function readPublished({ source, flags }: RegExp): RegExp {
  const words = source
    .replaceAll(String.raw`\s`, String.raw`\p{White_Space}`)
    .replaceAll(String.raw`\S`, String.raw`\P{White_Space}`)
    .replaceAll("[sS]", String.raw`[sS\u017F]`);
  return new RegExp(words, flags);
}

export function createSplit(): Split {
  const plain = Uint8Array.from({ length: 0x1_00_00 }, (_, code) =>
    code >= 0xd8_00 && code <= 0xdf_ff ? 0 : classify(String.fromCodePoint(code)),
  );
  const rare = new Map<number, number>();
  const classOf = (code: number): number => {
    const known = rare.get(code);
    if (known !== undefined) return known;
    const found = classify(String.fromCodePoint(code));
    if (rare.size < 10_000) rare.set(code, found);
    return found;
  };

  return (text, take) => {
    const { length } = text;
    /** Halves of pairs have no class of their own. */
    const bitsAt = (place: number): number => {
      // oxlint-disable-next-line unicorn/prefer-code-point -- most are no pairs, and this is the inner loop
      const unit = text.charCodeAt(place);
      return unit < PAIRS || unit >= PAIRS_END ? (plain[unit] ?? 0) : classOf(text.codePointAt(place) ?? 0);
    };
    const sizeAt = (place: number): number => {
      // oxlint-disable-next-line unicorn/prefer-code-point
      const unit = text.charCodeAt(place);
      return unit >= PAIRS && unit < PAIRS_END ? 2 : 1;
    };
    /** Behind all characters of any of the classes. */
    const pass = (from: number, bits: number): number => {
      let place = from;
      while (place < length && (bitsAt(place) & bits) !== 0) place += sizeAt(place);
      return place;
    };
    /** Upper letters, then at least one lower; -1 where there is none. A letter that is both counts as upper as long as it may. */
    const passWord = (from: number): number => {
      let place = from;
      /** Behind the last one that is lower as well. */
      let lower = -1;
      for (let bits = 0; place < length;) {
        bits = bitsAt(place);
        if ((bits & UPPER) === 0) break;
        place += sizeAt(place);
        if ((bits & LOWER) !== 0) lower = place;
      }
      const end = pass(place, LOWER);
      return end > place ? end : lower;
    };
    const passCapitals = (from: number): number => {
      const end = pass(from, UPPER);
      return end > from ? end : -1;
    };
    const findWord = (from: number, second: number, mayLead: boolean): number => {
      const word = mayLead ? passWord(second) : -1;
      if (word !== -1) return word;
      const own = passWord(from);
      if (own !== -1) return own;
      const led = mayLead ? passCapitals(second) : -1;
      return led === -1 ? passCapitals(from) : led;
    };

    let start = 0;
    while (start < length) {
      const bits = bitsAt(start);
      const second = start + sizeAt(start);
      const mayLead = (bits & (BREAK | LETTER | NUMBER)) === 0;
      let end = findWord(start, second, mayLead);
      if (end !== -1) end = passShort(text, end);
      else if ((bits & NUMBER) !== 0) end = passNumber(start);
      else end = passSigns(start);
      if (end === -1) end = passBlanks(start);
      take(start, end, isPlain(text, start, end));
      start = end;
    }

    function passNumber(from: number): number {
      let place = from;
      for (let count = 0; count < 3 && place < length && (bitsAt(place) & NUMBER) !== 0; count++)
        place += sizeAt(place);
      return place;
    }

    /** Signs behind a blank or none, and the ends of lines behind them; -1 where there are no signs. */
    function passSigns(from: number): number {
      // oxlint-disable-next-line unicorn/prefer-code-point
      const begin = text.charCodeAt(from) === BLANK ? from + 1 : from;
      let place = begin;
      while (place < length && (bitsAt(place) & (SPACE | LETTER | NUMBER)) === 0) place += sizeAt(place);
      if (place === begin) return -1;
      while (place < length) {
        // oxlint-disable-next-line unicorn/prefer-code-point
        const unit = text.charCodeAt(place);
        if (unit !== SLASH && ((plain[unit] ?? 0) & BREAK) === 0) break;
        place++;
      }
      return place;
    }

    /** To the end of the last line in them; else all but the last one, which goes with what follows. */
    function passBlanks(from: number): number {
      let place = from;
      let line = -1;
      while (place < length) {
        // oxlint-disable-next-line unicorn/prefer-code-point
        const bits = plain[text.charCodeAt(place)] ?? 0;
        if ((bits & SPACE) === 0) break;
        place++;
        if ((bits & BREAK) !== 0) line = place;
      }
      if (line !== -1) return line;
      return place === length || place === from + 1 ? place : place - 1;
    }
  };
}

const APOSTROPHE = 39;
/** What may follow it, in either case, or as the long s that folds to one. */
const SHORT = /'(?:[sdmtSDMT\u017F]|[lL][lL]|[vV][eE]|[rR][eE])/uy;

function passShort(text: string, from: number): number {
  // oxlint-disable-next-line unicorn/prefer-code-point
  if (text.charCodeAt(from) !== APOSTROPHE) return from;
  SHORT.lastIndex = from;
  return SHORT.test(text) ? SHORT.lastIndex : from;
}

function isPlain(text: string, start: number, end: number): boolean {
  for (let place = start; place < end; place++) {
    // oxlint-disable-next-line unicorn/prefer-code-point
    if (text.charCodeAt(place) > 0x7f) return false;
  }
  return true;
}
