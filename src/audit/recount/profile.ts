// Which tokenizer fits which model, and how much is known of the way that its provider counts. Knows no text.

import { CLAUDE, CLAUDE_LATER, FILE, GEMINI, NEAR, OTHER, OWN, type Prior, type Range } from "./prior.ts";

export interface Profile {
  /** An encoding that is built in, or `file:` and the name of one of the operator's. */
  tokenizer: string;
  /** Whether it is the model's own. */
  isOwn: boolean;
  /** Marks that frame the whole conversation and each message of it. */
  frame: { base: number; message: number };
  /** Tokens by which a template that we do not see may frame more than that; `text` of one that is no part of a conversation. */
  frameSlack: { base: number; message: number; text: number };
  /** Whether the model thinks before it writes, and shows nothing of it. */
  thinks: boolean;
  /** What an image may count for. */
  image: Range;
  prior: Prior;
}

/** The operator's own, before what is built in. */
export interface TokenizerFile {
  name: string;
  /** As in routes: exact, `x*`, `*x`, `*x*`. */
  models: readonly string[];
  /** A `tokenizer.json`. */
  file: string;
}

const NO_SLACK = { base: 0, message: 0, text: 0 };

/**
 * Measured on recordings: every message costs three marks and its role; the conversation three more where the model answers at once, and two
 * where it thinks first.
 */
const PLAIN_FRAME = { base: 3, message: 4 };
const THINKING_FRAME = { base: 2, message: 4 };

/** Of small ones, a few patches. */
const IMAGE: Range = { low: 0, usual: 800, high: 5_000 };
/** Four to 16,384 by the model card of Qwen2-VL: https://huggingface.co/Qwen/Qwen2-VL-7B-Instruct */
const ANY_IMAGE: Range = { ...IMAGE, high: 16_400 };
/** Models that look at images in their original size take a patch of them for a token, up to so many. */
const LARGE_IMAGE: Range = { ...IMAGE, high: 10_500 };
/** 2,833 tokens and 5,667 for each of up to eight tiles: https://developers.openai.com/api/docs/guides/images-vision */
const MINI_IMAGE: Range = { low: 2_800, usual: 14_000, high: 48_200 };

interface Family {
  pattern: RegExp;
  profile: Profile;
}

const own = (tokenizer: string, thinks: boolean): Profile => ({
  tokenizer,
  isOwn: true,
  frame: thinks ? THINKING_FRAME : PLAIN_FRAME,
  frameSlack: NO_SLACK,
  thinks,
  image: thinks ? LARGE_IMAGE : IMAGE,
  prior: OWN,
});

const foreign = (prior: Prior, frameSlack = NO_SLACK): Profile => ({
  tokenizer: "o200k_base",
  isOwn: false,
  frame: PLAIN_FRAME,
  frameSlack,
  thinks: false,
  image: IMAGE,
  prior,
});

/** A template of a model's own may greet, date and instruct before the conversation begins; any other text begins and ends with a mark. */
const TEMPLATE_SLACK = { base: 40, message: 8, text: 2 };

/** First match wins. Names come with or without their vendor's before them, and with a date behind. */
const FAMILIES: readonly Family[] = [
  // Models that hear, speak, draw or search read and write what is no text.
  {
    pattern: /^(?:gpt-[\w.-]*(?:audio|realtime|search|transcribe|tts|image|live)|gpt-oss|computer-use)/u,
    profile: foreign(NEAR, TEMPLATE_SLACK),
  },
  // In between: those of chats think now and then, and are framed in either way.
  {
    pattern: /^(?:ft:)?gpt-5[\d.]*-chat/u,
    profile: { ...own("o200k_base", true), frameSlack: { base: 1, message: 0, text: 0 } },
  },
  { pattern: /^(?:ft:)?(?:o1|o3|o4|gpt-5|codex-mini)(?![\d])/u, profile: own("o200k_base", true) },
  { pattern: /^(?:ft:)?gpt-4o-mini/u, profile: { ...own("o200k_base", false), image: MINI_IMAGE } },
  { pattern: /^(?:ft:)?(?:gpt-4o|chatgpt-4o|gpt-4\.1|gpt-4\.5)/u, profile: own("o200k_base", false) },
  { pattern: /^(?:ft:)?gpt-(?:4|3\.5|35)(?![\w.]*\d)/u, profile: own("cl100k_base", false) },
  { pattern: /^(?:text-embedding-(?:3|ada-002)|davinci-002|babbage-002)/u, profile: own("cl100k_base", false) },
  // With the version before or behind the size; from 4.7 on there is another tokenizer.
  {
    pattern:
      /claude-(?:[a-z]+-)?(?:3|4(?:[-.@](?:[0-6](?!\d)|20\d{6})|-(?:opus|sonnet|haiku)|$))|claude-(?:v?[12]|instant)/u,
    profile: foreign(CLAUDE),
  },
  { pattern: /claude/u, profile: foreign(CLAUDE_LATER) },
  { pattern: /gemini-[12]\.[0-4]|gemma|learnlm/u, profile: foreign(GEMINI) },
  { pattern: /gemini/u, profile: { ...foreign(GEMINI), thinks: true } },
];

const UNKNOWN: Profile = { ...foreign(OTHER, TEMPLATE_SLACK), image: ANY_IMAGE };

export function chooseProfile(model: string, files: readonly TokenizerFile[]): Profile {
  const name = model.toLowerCase();
  const file = files.find(({ models }) => models.some((pattern) => matches(pattern.toLowerCase(), name)));
  if (file !== undefined) {
    return { ...foreign(FILE, TEMPLATE_SLACK), tokenizer: `file:${file.name}`, isOwn: true, image: ANY_IMAGE };
  }
  const bare = name.slice(name.lastIndexOf("/") + 1);
  return FAMILIES.find(({ pattern }) => pattern.test(bare))?.profile ?? UNKNOWN;
}

function matches(pattern: string, name: string): boolean {
  const [start = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return name === pattern;
  const end = rest.at(-1) ?? "";
  if (name.length < start.length + end.length || !name.startsWith(start) || !name.endsWith(end)) return false;
  return name.slice(start.length, name.length - end.length).includes(rest.slice(0, -1).join("*"));
}
