// Which tokenizer fits which model, and how much is known of the way that its provider counts. Knows no text.

/** How far a first estimate may be trusted, before a provider's own figures have told more. */
export interface Prior {
  /** What the provider counts for each token of ours. */
  ratio: number;
  /** Relative standard deviation of that. */
  spread: number;
  /** What the description of tools is framed by, in tokens. */
  toolFrame: number;
}

export interface Profile {
  /** An encoding that is built in, or `file:` and the name of one of the operator's. */
  tokenizer: string;
  /** Whether it is the model's own. */
  isOwn: boolean;
  /** Marks that frame the whole conversation and each message of it. */
  frame: { base: number; message: number };
  /** Tokens by which a template that we do not see may frame more than that. */
  frameSlack: { base: number; message: number };
  /** Whether the model thinks before it writes, and shows nothing of it. */
  thinks: boolean;
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

const KNOWN: Prior = { ratio: 1, spread: 0.25, toolFrame: 40 };
const NO_SLACK = { base: 0, message: 0 };

/**
 * Measured on recordings: every message costs three marks and its role; the conversation three more where the model answers at once, and two
 * where it thinks first.
 */
const PLAIN_FRAME = { base: 3, message: 4 };
const THINKING_FRAME = { base: 2, message: 4 };

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
  prior: KNOWN,
});

const foreign = (prior: Prior, frameSlack = NO_SLACK): Profile => ({
  tokenizer: "o200k_base",
  isOwn: false,
  frame: PLAIN_FRAME,
  frameSlack,
  thinks: false,
  prior,
});

/** A template of a model's own may greet, date and instruct before the conversation begins. */
const TEMPLATE_SLACK = { base: 40, message: 8 };

const GEMINI: Prior = { ratio: 1.05, spread: 0.12, toolFrame: 60 };

/** First match wins. Names come with or without their vendor's before them, and with a date behind. */
const FAMILIES: readonly Family[] = [
  // Models that hear, speak, draw or search read and write what is no text.
  {
    pattern: /^(?:gpt-[\w.-]*(?:audio|realtime|search|transcribe|tts|image|live)|gpt-oss|computer-use)/u,
    profile: foreign({ ratio: 1.1, spread: 0.3, toolFrame: 150 }),
  },
  { pattern: /^(?:ft:)?(?:o1|o3|o4|gpt-5|codex-mini)(?![\d])/u, profile: own("o200k_base", true) },
  { pattern: /^(?:ft:)?(?:gpt-4o|chatgpt-4o|gpt-4\.1|gpt-4\.5)/u, profile: own("o200k_base", false) },
  { pattern: /^(?:ft:)?gpt-(?:4|3\.5|35)(?![\w.]*\d)/u, profile: own("cl100k_base", false) },
  { pattern: /^(?:text-embedding-(?:3|ada-002)|davinci-002|babbage-002)/u, profile: own("cl100k_base", false) },
  { pattern: /claude/u, profile: foreign({ ratio: 1.2, spread: 0.12, toolFrame: 400 }) },
  { pattern: /gemini-[12]\.[0-4]|gemma|learnlm/u, profile: foreign(GEMINI) },
  { pattern: /gemini/u, profile: { ...foreign(GEMINI), thinks: true } },
];

const UNKNOWN = foreign({ ratio: 1.1, spread: 0.2, toolFrame: 200 }, TEMPLATE_SLACK);

export function chooseProfile(model: string, files: readonly TokenizerFile[]): Profile {
  const name = model.toLowerCase();
  const file = files.find(({ models }) => models.some((pattern) => matches(pattern.toLowerCase(), name)));
  if (file !== undefined) {
    return { ...foreign(KNOWN, TEMPLATE_SLACK), tokenizer: `file:${file.name}`, isOwn: true };
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
