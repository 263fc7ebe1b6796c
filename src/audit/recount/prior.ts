// What is known beforehand of how each family of models counts: tokens of a published encoding against its own, by kind of text, between
// bounds that no honest count was seen to leave. Knows no provider's figures.

import { createMemory } from "./memory.ts";

/** What a family counts for one token of ours: usually, and at the least and the most. */
export interface Range {
  low: number;
  usual: number;
  high: number;
}

/** Tokens of ours by the kind of text that they were counted in. */
export interface Kinds {
  /** English. */
  prose: number;
  /** Latin letters in which no English was seen: of other languages most tokenizers make more. */
  latin: number;
  code: number;
  /** Chinese, Japanese and Korean. */
  cjk: number;
  /** Any other script but Latin, and symbols. */
  other: number;
  /** Digits by threes. */
  numbers: number;
  /** Digits beyond the first of each three: some tokenizers count each of them, and some none. */
  digits: number;
}

export function startKinds(): Kinds {
  return { prose: 0, latin: 0, code: 0, cjk: 0, other: 0, numbers: 0, digits: 0 };
}

export interface Prior {
  /** On rows whose estimate rests on it. */
  name: string;
  text: Readonly<Record<keyof Kinds, Range>>;
  /** For a token of the descriptions of tools, which are put into other words before they are counted. */
  tools: Range;
  /** Tokens that stand around the tools, where there are any. */
  toolFrame: Range;
  /** Tokens that stand around one call of a tool and its result. */
  call: Range;
}

const range = (low: number, usual: number, high: number): Range => ({ low, usual, high });
const NUMBERS = range(0.9, 1, 1.15);
const NO_DIGITS = range(0, 0, 0.1);
const all = (each: Range): Prior["text"] => ({
  prose: each,
  latin: each,
  code: each,
  cjk: each,
  other: each,
  numbers: each,
  digits: NO_DIGITS,
});

const CALL = range(0, 10, 32);

/** The model's own tokenizer: only how tools are written down is not told. */
export const OWN: Prior = {
  name: "own",
  text: all(range(0.9, 1, 1.1)),
  tools: range(0.25, 0.7, 1.15),
  toolFrame: range(0, 12, 110),
  call: CALL,
};

/** Likewise by an operator's file, whose template may write tools in full, and much about them. */
export const FILE: Prior = { ...OWN, name: "file", tools: range(0.25, 1, 1.7), toolFrame: range(0, 100, 720) };

/**
 * Measured on recordings, and by a reconstruction of the tokenizer on texts of a hundred languages: https://github.com/sanderland/ctok. Documents say how long the instructions about tools are: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview */
export const CLAUDE: Prior = {
  name: "claude",
  text: {
    prose: range(0.95, 1.17, 1.4),
    latin: range(0.95, 1.22, 2.05),
    code: range(0.95, 1.22, 1.45),
    cjk: range(0.9, 1.4, 2.1),
    other: range(0.65, 1.7, 5),
    numbers: NUMBERS,
    digits: NO_DIGITS,
  },
  tools: range(0.6, 1.2, 1.8),
  toolFrame: range(50, 340, 720),
  call: range(15, 48, 110),
};

/**
 * From 4.7 on: 1 to 1.47 times as many for the same text by kind, which others measured with the count endpoint.
 * https://platform.claude.com/docs/en/about-claude/models/migration-guide, https://sol.ava.dev/writings/2026-04-17-opus-4-7-tokenizer.html
 */
export const CLAUDE_LATER: Prior = {
  name: "claude-4.7",
  text: {
    prose: range(1.1, 1.6, 1.95),
    latin: range(1.1, 1.63, 2.4),
    code: range(1, 1.46, 1.85),
    cjk: range(0.9, 1.41, 2.1),
    other: range(0.65, 1.7, 5),
    numbers: NUMBERS,
    digits: NO_DIGITS,
  },
  tools: range(0.7, 1.5, 2.3),
  toolFrame: range(150, 500, 1_100),
  call: range(15, 60, 150),
};

/** Measured on recordings, and by Gemma's tokenizer, which takes each digit by itself. Declarations of tools are put into few words. */
export const GEMINI: Prior = {
  name: "gemini",
  text: {
    prose: range(0.88, 1.03, 1.2),
    latin: range(0.8, 1.03, 1.4),
    code: range(0.75, 1.1, 1.4),
    cjk: range(0.6, 0.95, 1.25),
    other: range(0.5, 0.95, 2.9),
    numbers: NUMBERS,
    digits: range(0.85, 0.97, 1.05),
  },
  tools: range(0, 0.8, 1.3),
  toolFrame: range(0, 10, 45),
  call: CALL,
};

/** Vocabularies of 32,000 to 260,000 tokens, behind templates that greet, date and instruct. */
export const OTHER: Prior = {
  name: "other",
  text: {
    prose: range(0.85, 1.07, 1.4),
    latin: range(0.85, 1.1, 2.7),
    code: range(0.8, 1.15, 1.65),
    cjk: range(0.5, 1.1, 2.3),
    other: range(0.45, 1.5, 7.5),
    numbers: NUMBERS,
    digits: range(0, 0.4, 1.05),
  },
  tools: range(0.2, 1, 1.8),
  toolFrame: range(0, 150, 720),
  call: CALL,
};

/** The family's encoding but for marks: open weights, and models that hear, speak or draw. */
export const NEAR: Prior = {
  ...OTHER,
  name: "near",
  text: all(range(0.9, 1.02, 1.2)),
  tools: range(0.2, 1, 1.8),
  toolFrame: range(0, 80, 300),
};

/** Of a sum of parts, what it usually comes to, and its bounds, as far as history tells of it. */
export function expectTokens(
  { kinds, tools, calls }: { kinds: Kinds; tools: number; calls: number },
  prior: Prior,
): Range {
  return addUp([
    ...listLearnable(kinds).map((kind): [number, Range] => [kinds[kind], prior.text[kind]]),
    [tools, prior.tools],
    [tools > 0 ? 1 : 0, prior.toolFrame],
    [calls, prior.call],
  ]);
}

/** Likewise of the other kinds of text: how a provider counts English tells nothing of how it counts numbers or another language. */
export function expectOpen(kinds: Kinds, prior: Prior): Range {
  const learnable = new Set<keyof Kinds>(listLearnable(kinds));
  const open = KINDS.filter((kind) => !learnable.has(kind));
  return addUp(open.map((kind) => [kinds[kind], prior.text[kind]]));
}

export function isMostlyCjk({ prose, latin, code, cjk, other, numbers }: Kinds): boolean {
  return cjk > prose + latin + code + other + numbers;
}

function listLearnable(kinds: Kinds): (keyof Kinds)[] {
  return isMostlyCjk(kinds) ? ["cjk"] : ["prose", "code"];
}

function addUp(parts: readonly (readonly [count: number, each: Range])[]): Range {
  const sum = (bound: keyof Range): number => parts.reduce((total, [count, each]) => total + count * each[bound], 0);
  return range(sum("low"), sum("usual"), sum("high"));
}

/** For a token of a schema that the answer is to keep to: some providers write it down for the model, others hold the answer to it alone. */
const FORM = range(0, 0.8, 2);
const FORM_FRAME = range(0, 30, 500);
/** For a token of values without their text: they may be put into fewer words. */
const VALUE = range(0, 0.9, 1.9);
/** For a token of earlier thoughts, or a byte that only the provider can read: it is read again, or is not. No token is less than a byte. */
const EARLIER = range(0, 0, 2);
const SEALED = range(0, 0, 1);

/** What no ratio covers. */
export function expectBeside(
  { images, forms, values, earlier, sealed }: Record<"earlier" | "forms" | "images" | "sealed" | "values", number>,
  image: Range,
): Range {
  const { low, usual, high } = addUp([
    [images, image],
    [forms, FORM],
    [forms > 0 ? 1 : 0, FORM_FRAME],
    [values, VALUE],
    [earlier, EARLIER],
    [sealed, SEALED],
  ]);
  return { low: Math.floor(low), usual: Math.round(usual), high: Math.ceil(high) };
}

const KINDS = ["prose", "latin", "code", "cjk", "other", "numbers", "digits"] as const;

/** So many tokens to a character in published encodings, blanks apart: what is not digits is shared out so. */
const LATIN_TOKENS = 0.3;
const CJK_TOKENS = 0.75;
const OTHER_TOKENS = 0.4;
/** Prose has fewer signs and digits among its letters than this, code more than that. */
const FEW_SIGNS = 0.04;
const MANY_SIGNS = 0.12;
/** English has one of its two most common words in so many characters. */
const ENGLISH_CHARACTERS = 250;
/** Of a longer text parts tell of what kind it is. */
const MAX_SEEN = 16_384;
const PARTS = 64;

/** Adds the tokens of a text to the kinds that it is of. */
export function addKinds(into: Kinds, text: string, tokens: number): void {
  const seen = lookAt(text);
  const scale = text.length / Math.max(1, seen.length);
  const numbers = Math.min(tokens, seen.numbers * scale);
  into.numbers += numbers;
  into.digits += Math.max(0, seen.digits - seen.numbers) * scale;
  const latin = Math.max(1, seen.length - seen.cjk - seen.other - seen.digits);
  const weights = {
    latin: Math.max(1, latin - seen.blanks) * LATIN_TOKENS,
    cjk: seen.cjk * CJK_TOKENS,
    other: seen.other * OTHER_TOKENS,
  };
  const each = (tokens - numbers) / (weights.latin + weights.cjk + weights.other);
  into.cjk += weights.cjk * each;
  into.other += weights.other * each;
  const signs = (seen.signs + seen.digits) / (latin + seen.digits);
  const code = weights.latin * each * Math.min(1, Math.max(0, (signs - FEW_SIGNS) / (MANY_SIGNS - FEW_SIGNS)));
  into.code += code;
  into[seen.isEnglish ? "prose" : "latin"] += weights.latin * each - code;
}

interface Seen {
  length: number;
  cjk: number;
  other: number;
  signs: number;
  blanks: number;
  digits: number;
  numbers: number;
  isEnglish: boolean;
}

/** A conversation comes again with each turn: what a long text is like is remembered, without the text. */
const remembered = createMemory<Seen>();

function lookAt(text: string): Seen {
  return remembered.recall(text, () => look(takeParts(text)));
}

function takeParts(text: string): string {
  if (text.length <= MAX_SEEN) return text;
  const [step, size] = [text.length / PARTS, MAX_SEEN / PARTS];
  return Array.from({ length: PARTS }, (_, part) => {
    const from = Math.floor(part * step);
    return text.slice(from, from + size);
  }).join("");
}

function look(text: string): Seen {
  const kinds = (kindOf ??= tellKinds());
  const seen = new Uint32Array(6);
  let numbers = 0;
  let run = 0;
  for (let at = 0; at < text.length; at++) {
    // Halves of pairs are counted as what they are, which is no Latin.
    // oxlint-disable-next-line unicorn/prefer-code-point
    const kind = kinds[text.charCodeAt(at)] ?? LATIN;
    seen[kind] = (seen[kind] ?? 0) + 1;
    if (kind !== DIGIT) run = 0;
    else if (run++ % 3 === 0) numbers++;
  }
  const english = text.match(ENGLISH)?.length ?? 0;
  return {
    length: text.length,
    cjk: seen[CJK] ?? 0,
    other: seen[OTHER_SCRIPT] ?? 0,
    signs: seen[SIGN] ?? 0,
    blanks: seen[BLANK] ?? 0,
    digits: seen[DIGIT] ?? 0,
    numbers,
    isEnglish: english * ENGLISH_CHARACTERS >= (seen[LATIN] ?? 0),
  };
}

const ENGLISH = /\b(?:the|and)\b/giu;

const [LATIN, SIGN, CJK, OTHER_SCRIPT, DIGIT, BLANK] = [0, 1, 2, 3, 4, 5];

/** Of each unit of a text: looking it up is quicker than comparing, and there are many. Made at the first need. */
let kindOf: Uint8Array | null = null;

/** What programs are made of; commas, points and apostrophes are prose's own. */
const IS_SIGN = /[!"#$%&()*+/:;<=>@[\\\]^_`{|}~]/u;
const IS_DIGIT = /\d/u;
const IS_BLANK = /\s/u;

function tellKinds(): Uint8Array {
  return Uint8Array.from({ length: 0x1_00_00 }, (_, code) => {
    const character = String.fromCodePoint(code);
    if (IS_DIGIT.test(character)) return DIGIT;
    if (IS_BLANK.test(character)) return BLANK;
    if (code < 0x80) return IS_SIGN.test(character) ? SIGN : LATIN;
    if ((code >= 0x2e_80 && code < 0xd8_00) || (code >= 0xff_00 && code <= 0xff_ef)) return CJK;
    const isSymbol = code >= 0x21_90 && code < 0x2c_00;
    return isSymbol || (code >= 0x03_70 && (code < 0x1e_00 || code >= 0xd8_00)) ? OTHER_SCRIPT : LATIN;
  });
}
