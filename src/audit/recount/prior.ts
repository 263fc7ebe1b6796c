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
  prose: number;
  code: number;
  /** Chinese, Japanese and Korean. */
  cjk: number;
  /** Any other script but Latin. */
  other: number;
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
const all = (each: Range): Prior["text"] => ({ prose: each, code: each, cjk: each, other: each });

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

/** Measured on recordings; documents say how long the instructions about tools are: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview */
export const CLAUDE: Prior = {
  name: "claude",
  text: {
    prose: range(0.95, 1.17, 1.4),
    code: range(0.95, 1.22, 1.45),
    cjk: range(0.9, 1.4, 1.95),
    other: range(0.9, 1.7, 3),
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
    code: range(1, 1.46, 1.85),
    cjk: range(0.9, 1.41, 1.97),
    other: range(0.9, 1.7, 3),
  },
  tools: range(0.7, 1.5, 2.3),
  toolFrame: range(150, 500, 1_100),
  call: range(15, 60, 150),
};

/** Measured on recordings. Declarations of tools are put into few words. */
export const GEMINI: Prior = {
  name: "gemini",
  text: {
    prose: range(0.88, 1.03, 1.2),
    code: range(0.85, 1.1, 1.4),
    cjk: range(0.6, 0.95, 1.25),
    other: range(0.5, 0.95, 1.5),
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
    code: range(0.8, 1.15, 1.65),
    cjk: range(0.5, 1.1, 2.3),
    other: range(0.5, 1.5, 4),
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

/** Of a sum of parts, what it usually comes to, and its bounds. */
export function expectTokens(
  { kinds, tools, calls }: { kinds: Kinds; tools: number; calls: number },
  prior: Prior,
): Range {
  const sum = range(0, 0, 0);
  const add = (tokens: number, each: Range): void => {
    sum.low += tokens * each.low;
    sum.usual += tokens * each.usual;
    sum.high += tokens * each.high;
  };
  for (const kind of KINDS) add(kinds[kind], prior.text[kind]);
  add(tools, prior.tools);
  add(tools > 0 ? 1 : 0, prior.toolFrame);
  add(calls, prior.call);
  return sum;
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
  const parts: [number, Range][] = [
    [images, image],
    [forms, FORM],
    [forms > 0 ? 1 : 0, FORM_FRAME],
    [values, VALUE],
    [earlier, EARLIER],
    [sealed, SEALED],
  ];
  const add = (bound: keyof Range): number => parts.reduce((sum, [count, each]) => sum + count * each[bound], 0);
  return { low: Math.floor(add("low")), usual: Math.round(add("usual")), high: Math.ceil(add("high")) };
}

const KINDS = ["prose", "code", "cjk", "other"] as const;

/** Of a token of such scripts in published encodings, so many to a character. */
const CJK_TOKENS = 0.75;
const OTHER_TOKENS = 0.4;
/** Prose has fewer signs and digits among its letters than this, code more than that. */
const FEW_SIGNS = 0.04;
const MANY_SIGNS = 0.12;
/** Of a longer text a part tells of what kind it is. */
const MAX_SEEN = 16_384;

/** Adds the tokens of a text to the kinds that it is of. */
export function addKinds(into: Kinds, text: string, tokens: number): void {
  const seen = lookAt(text);
  const scale = text.length / Math.max(1, seen.length);
  const cjk = Math.min(tokens, seen.cjk * scale * CJK_TOKENS);
  const other = Math.min(tokens - cjk, seen.other * scale * OTHER_TOKENS);
  const rest = tokens - cjk - other;
  const latin = Math.max(1, seen.length - seen.cjk - seen.other);
  const code = rest * Math.min(1, Math.max(0, (seen.signs / latin - FEW_SIGNS) / (MANY_SIGNS - FEW_SIGNS)));
  into.cjk += cjk;
  into.other += other;
  into.code += code;
  into.prose += rest - code;
}

interface Seen {
  length: number;
  cjk: number;
  other: number;
  signs: number;
}

/** A conversation comes again with each turn: what a long text is like is remembered, without the text. */
const remembered = createMemory<Seen>();

function lookAt(text: string): Seen {
  return remembered.recall(text, () => look(text));
}

function look(text: string): Seen {
  const kinds = (kindOf ??= tellKinds());
  const step = Math.max(1, Math.ceil(text.length / MAX_SEEN));
  const seen = new Uint32Array(4);
  let length = 0;
  for (let at = 0; at < text.length; at += step) {
    // Halves of pairs are counted as what they are, which is no Latin.
    // oxlint-disable-next-line unicorn/prefer-code-point
    const kind = kinds[text.charCodeAt(at)] ?? LATIN;
    seen[kind] = (seen[kind] ?? 0) + 1;
    length++;
  }
  return { length, cjk: seen[CJK] ?? 0, other: seen[OTHER_SCRIPT] ?? 0, signs: seen[SIGN] ?? 0 };
}

const [LATIN, SIGN, CJK, OTHER_SCRIPT] = [0, 1, 2, 3];

/** Of each unit of a text: looking it up is quicker than comparing, and there are many. Made at the first need. */
let kindOf: Uint8Array | null = null;

/** Digits and what programs are made of; commas, points and apostrophes are prose's own. */
const IS_SIGN = /[\d!"#$%&()*+/:;<=>@[\\\]^_`{|}~]/u;

function tellKinds(): Uint8Array {
  return Uint8Array.from({ length: 0x1_00_00 }, (_, code) => {
    if (code < 0x80) return IS_SIGN.test(String.fromCodePoint(code)) ? SIGN : LATIN;
    if ((code >= 0x2e_80 && code < 0xd8_00) || (code >= 0xff_00 && code <= 0xff_ef)) return CJK;
    return code >= 0x03_70 && (code < 0x1e_00 || code >= 0xd8_00) ? OTHER_SCRIPT : LATIN;
  });
}
