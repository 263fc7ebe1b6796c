// Holds the provider's figures against ours: what should have been counted, between which bounds, and whether what was booked lies within.
// Pure. Knows no text.

import type { LedgerEntry, Recount, RecountMethod, RecountVerdict } from "../../ledger/index.ts";
import { type Learned, type Estimate, NOTHING_LEARNED, estimate, learn } from "./calibration.ts";
import type { Counted, Side } from "./count.ts";
import type { Profile } from "./profile.ts";

/** What was learned of one provider, model and kind of request. */
export interface Lesson {
  input: Learned;
  output: Learned;
}

export const NO_LESSON: Lesson = Object.freeze({ input: NOTHING_LEARNED, output: NOTHING_LEARNED });

interface Bounds {
  tokens: number | null;
  low: number | null;
  /** Null with a `low`: there is no telling how many there may have been. */
  high: number | null;
  method: RecountMethod;
  reason: string | null;
  /** Of an estimate: what a token of ours was taken for. */
  ratio: Pick<Estimate, "ratio" | "rows"> | null;
  /** What the ratio was applied to, and what it is to be learned from; null where the row teaches nothing. */
  teaches: { ours: number; theirs: number } | null;
}

export interface Judged {
  recount: Pick<
    Recount,
    | "inputHigh"
    | "inputLow"
    | "inputTokens"
    | "method"
    | "outputHigh"
    | "outputLow"
    | "outputTokens"
    | "reason"
    | "tokenizer"
    | "verdict"
  >;
  lesson: Lesson;
}

/** What an image may count for. */
const IMAGE = { tokens: 800, low: 60, high: 5_000 };
/** How a call is framed; several at once are wrapped in one more. */
const CALL = { tokens: 10, slack: 22 };
/** Thoughts are rounded, and framed by marks of their own. */
const THOUGHT_SLACK = 96;
/** Rows after which one that lies outside is no lesson any more, but a finding. */
const SURE_ROWS = 20;

export interface Grounds {
  profile: Profile;
  lesson: Lesson;
  /** A share: 0.03 is three percent. */
  tolerance: number;
  isMarkedTools: boolean;
  /** The provider's count of the request, made apart from the call; null where it was not asked. */
  asked: number | null;
}

export function judge(
  entry: LedgerEntry,
  counted: Counted,
  { profile, lesson, tolerance, isMarkedTools, asked }: Grounds,
): Judged {
  const theirs = readFigures(entry);
  const input = asked === null ? boundInput(counted.input, profile, lesson.input, theirs.input) : boundAsked(asked);
  const output =
    counted.output === null
      ? null
      : boundOutput(counted.output, profile, lesson.output, { tokens: theirs.output, thoughts: entry.reasoningTokens });
  const sides =
    output === null
      ? [{ bounds: input, theirs: theirs.input }]
      : [
          { bounds: input, theirs: theirs.input },
          { bounds: output, theirs: theirs.output },
        ];
  const verdicts = sides.map((side) => place(side.bounds, side.theirs, tolerance));
  const isExact = sides.every(({ bounds }) => bounds.method === "exact");
  const ratios = sides.some(({ bounds }) => bounds.ratio !== null)
    ? ` x${printRatio(input)}/${printRatio(output)}`
    : "";
  return {
    recount: {
      method: isExact ? "exact" : "estimate",
      reason: isExact ? null : (sides.map(({ bounds }) => bounds.reason).find((reason) => reason !== null) ?? null),
      tokenizer: `${profile.tokenizer}${isMarkedTools ? "+tools" : ""}${ratios}`,
      inputTokens: input.tokens,
      inputLow: input.low,
      inputHigh: input.high,
      outputTokens: output?.tokens ?? null,
      outputLow: output?.low ?? null,
      outputHigh: output?.high ?? null,
      verdict: combine(verdicts),
    },
    lesson: {
      input: take(lesson.input, input, verdicts[0]),
      output: output === null ? lesson.output : take(lesson.output, output, verdicts[1]),
    },
  };
}

/**
 * What a token of ours was taken for, and from how many rows that was learned: `1.1870(33)`. Without the rows where this one is no lesson
 * itself, so that what was learned can be told from the rows again.
 */
function printRatio(bounds: Bounds | null): string {
  if (bounds === null || bounds.ratio === null) return "1";
  return `${bounds.ratio.ratio.toFixed(4)}${bounds.teaches === null ? "" : `(${bounds.ratio.rows})`}`;
}

/** What is booked as the provider's. */
export function readFigures(entry: LedgerEntry): { input: number | null; output: number | null } {
  const { freshInputTokens: fresh, cacheReadTokens: read, cacheWriteTokens: write } = entry;
  return { input: fresh === null ? null : fresh + (read ?? 0) + (write ?? 0), output: entry.outputTokens };
}

function take(learned: Learned, { teaches }: Bounds, verdict: RecountVerdict | null | undefined): Learned {
  if (teaches === null || (learned.rows >= SURE_ROWS && verdict !== "within")) return learned;
  return learn(learned, teaches.ours, teaches.theirs);
}

function boundInput(side: Side, profile: Profile, learned: Learned, theirs: number | null): Bounds {
  if (side.tokens === null) return unknown(side.hidden);
  if (profile.isOwn && side.inexact === null) {
    return exactly(side.tokens, { low: side.tokens - profileFrame(profile, side), high: side.tokens + side.marks });
  }
  const frame = side.toolTokens > 0 ? profile.prior.toolFrame : 0;
  // What stands around the text is part of what a history teaches.
  const around = learned.rows >= SURE_ROWS ? 0 : 2 * frame + side.marks;
  const ours = side.tokens + side.toolTokens + frame + side.calls * CALL.tokens;
  const found = estimate(ours, learned, profile.prior);
  const { images } = side;
  // Where all but a few pieces were counted exactly, only these are in doubt.
  const isNear = profile.isOwn && ["content_parts", "instructions", "refusal"].includes(side.inexact ?? "");
  if (isNear) {
    const slack = 4 + side.messages;
    return estimated(side.tokens, Math.max(0, side.tokens - slack), side.tokens + slack + side.marks, side.inexact);
  }
  return {
    ...estimated(
      found.tokens + images * IMAGE.tokens,
      Math.max(0, found.low - around / 2) + images * IMAGE.low,
      found.high + around + images * IMAGE.high,
      side.inexact ?? "tokenizer",
    ),
    ratio: found,
    teaches: images > 0 || theirs === null ? null : { ours, theirs },
  };
}

/** What a model is given of its provider's own making is not in the request, and not in a count of it. */
const IN_REQUEST = new Set([
  "audio",
  "cachedContent",
  "conversation",
  "document",
  "file",
  "input_audio",
  "input_file",
  "media",
  "previous_response_id",
  "prompt",
  "reasoning",
  "thought_signature",
  "video",
]);

/** Whether the provider's count of the request would say more than ours. */
export function mayAsk(side: Side, profile: Profile): boolean {
  if (side.tokens === null) return IN_REQUEST.has(side.hidden ?? "");
  return !profile.isOwn || side.inexact !== null;
}

/** Providers call it an estimate, which differs from what they bill by a few marks. */
const ASKED_SHARE = 0.03;
const ASKED_SLACK = 8;

function boundAsked(tokens: number): Bounds {
  const slack = Math.ceil(tokens * ASKED_SHARE) + ASKED_SLACK;
  return estimated(tokens, Math.max(0, tokens - slack), tokens + slack, "count_endpoint");
}

/** With a tokenizer of the operator's the marks of a template are not known; with a built-in one they are. */
function profileFrame({ frame, frameSlack }: Profile, side: Side): number {
  return frameSlack.base === 0 || side.messages === 0 ? 0 : frame.base + frame.message * side.messages;
}

function boundOutput(
  side: Side,
  profile: Profile,
  learned: Learned,
  theirs: { tokens: number | null; thoughts: number | null },
): Bounds {
  if (side.tokens === null) return unknown(side.hidden);
  const thoughts = theirs.thoughts ?? 0;
  const isToldOf = theirs.thoughts !== null || side.tellsThoughts;
  const mayThink = thoughts > 0 || side.hasThoughts || (profile.thinks && (profile.isOwn || !isToldOf));
  if (profile.isOwn && side.inexact === null && !mayThink) {
    return exactly(side.tokens, { low: side.tokens, high: side.tokens + side.marks });
  }
  const ours = side.tokens + side.calls * CALL.tokens;
  const found = estimate(ours, learned, profile.prior);
  const slack = side.calls * CALL.slack + side.marks;
  const known = profile.isOwn ? { tokens: ours, low: side.tokens, high: ours } : found;
  const low = Math.max(0, profile.isOwn ? known.low : found.low - side.calls * CALL.tokens);
  if (!mayThink) {
    return {
      ...estimated(known.tokens, low, known.high + slack, side.inexact ?? "tokenizer"),
      ratio: profile.isOwn ? null : found,
      teaches: profile.isOwn || theirs.tokens === null ? null : { ours, theirs: theirs.tokens },
    };
  }
  // Of thoughts there is the provider's word, and what it showed; where it says nothing, there is no upper bound.
  const shown = Math.max(thoughts, side.thoughtTokens);
  return {
    ...estimated(
      known.tokens + shown,
      low,
      isToldOf ? known.high + shown + slack + THOUGHT_SLACK : null,
      "reasoning_not_shown",
    ),
    ratio: profile.isOwn ? null : found,
  };
}

function exactly(tokens: number, { low, high }: { low: number; high: number }): Bounds {
  return { tokens, low, high, method: "exact", reason: null, ratio: null, teaches: null };
}

function estimated(tokens: number, low: number, high: number | null, reason: string | null): Bounds {
  return { tokens, low, high, method: "estimate", reason, ratio: null, teaches: null };
}

function unknown(reason: string | null): Bounds {
  return {
    tokens: null,
    low: null,
    high: null,
    method: "estimate",
    reason: `hidden: ${reason ?? "content"}`,
    ratio: null,
    teaches: null,
  };
}

/** The tolerance is measured from the bounds, so that what we do not know ourselves is held against nobody. */
function place({ tokens, low, high }: Bounds, theirs: number | null, tolerance: number): RecountVerdict | null {
  if (theirs === null || tokens === null || low === null) return null;
  if (high !== null && theirs > high + tolerance * tokens) return "over";
  return theirs < low - tolerance * tokens ? "under" : "within";
}

/** Too much on either side is what the operator must hear of first. */
function combine(verdicts: readonly (RecountVerdict | null)[]): RecountVerdict | null {
  for (const verdict of ["over", "under", "within"] as const) if (verdicts.includes(verdict)) return verdict;
  return null;
}
