// Holds the provider's figures against ours: what should have been counted, between which bounds, and whether what was booked lies within.
// Pure. Knows no text.

import type { LedgerEntry, Recount, RecountMethod, RecountVerdict } from "../../ledger/index.ts";
import { type Learned, type Estimate, NOTHING_LEARNED, estimate, learn } from "./calibration.ts";
import type { Counted, Side } from "./count.ts";
import { type Range, expectBeside, expectOpen, expectTokens } from "./prior.ts";
import type { Profile } from "./profile.ts";
import { isSlight } from "./reading.ts";

/** What was learned of one provider, model and kind of request. */
export interface Lesson {
  input: Learned;
  output: Learned;
}

export const NO_LESSON: Lesson = Object.freeze({ input: NOTHING_LEARNED, output: NOTHING_LEARNED });

interface Bounds {
  tokens: number | null;
  /** Those of them that we counted ourselves, where others are the provider's word: of these the tolerance is a share. */
  own?: number;
  low: number | null;
  /** Null with a `low`: there is no telling how many there may have been. */
  high: number | null;
  method: RecountMethod;
  reason: string | null;
  /** Of an estimate: how much of what is usual the provider was taken to count. */
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

const NOTHING: Range = { low: 0, usual: 0, high: 0 };
/** A row teaches where no more than this share of it is in doubt beside what the ratio covers. */
const LITTLE = 0.02;
/** Thoughts are rounded, and framed by marks of their own. */
const THOUGHT_SLACK = 96;
/** Rows after which one that lies outside is no lesson any more, but a finding. */
const SURE_ROWS = 20;

export interface Grounds {
  profile: Profile;
  /** By which tokenizer, which family's ways and in which format an estimate is made. */
  measure: string;
  lesson: Lesson;
  /** A share: 0.03 is three percent. */
  tolerance: number;
  isMarkedTools: boolean;
  /** The provider's count of the request, made apart from the call; null where it was not asked. */
  asked: number | null;
}

export function judge(
  entry: Figures & Pick<LedgerEntry, "reasoningTokens">,
  counted: Counted,
  { profile, measure, lesson, tolerance, isMarkedTools, asked }: Grounds,
): Judged {
  const theirs = readFigures(entry);
  const input = asked === null ? boundInput(counted.input, profile, lesson.input, theirs.input) : boundAsked(asked);
  const output =
    counted.output === null
      ? null
      : boundOutput(counted.output, profile, lesson.output, {
          theirs: { tokens: theirs.output, thoughts: entry.reasoningTokens },
          unseen: tellUnseen(counted.input),
          predicted: counted.input.predictedTokens,
        });
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
      tokenizer: ratios === "" ? profile.tokenizer : `${measure}${isMarkedTools ? "+tools" : ""}${ratios}`,
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

/** Not everybody counts what frames a message. */
function expect({ kinds, toolTokens: tools, calls, frame }: Side, { prior }: Profile): Range {
  const { low, usual, high } = expectTokens({ kinds, tools, calls }, prior);
  return { low, usual: usual + frame, high: high + frame };
}

/**
 * How much of what is usual the provider was taken to count, and from how many rows that was learned: `1.1870(33)`. Without the rows where this one is no lesson
 * itself, so that what was learned can be told from the rows again.
 */
function printRatio(bounds: Bounds | null): string {
  if (bounds === null || bounds.ratio === null) return "1";
  return `${bounds.ratio.ratio.toFixed(4)}${bounds.teaches === null ? "" : `(${bounds.ratio.rows})`}`;
}

type Figures = Pick<LedgerEntry, "cacheReadTokens" | "cacheWriteTokens" | "freshInputTokens" | "outputTokens">;

/** What is booked as the provider's. */
export function readFigures(entry: Figures): { input: number | null; output: number | null } {
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
  const expected = expect(side, profile);
  const found = estimate(expected, learned);
  const { images, formTokens: forms, valueTokens: values, earlierTokens: earlier, sealedBytes: sealed } = side;
  const beside = addOpen(side, profile, expectBeside({ images, forms, values, earlier, sealed }, profile.image));
  if (profile.isOwn && isSlight(side.inexact)) {
    const slack = 4 + side.messages;
    return estimated(side.tokens, Math.max(0, side.tokens - slack), side.tokens + slack + side.marks, side.inexact);
  }
  return {
    ...estimated(
      found.tokens + beside.usual,
      found.low + beside.low,
      found.high + side.marks + beside.high,
      side.inexact ?? "tokenizer",
    ),
    ratio: found,
    teaches: theirs === null ? null : tellLesson(expected, beside, theirs),
  };
}

/** With the kinds of text that no history tells of. */
function addOpen({ kinds }: Side, { prior }: Profile, beside: Range): Range {
  const open = expectOpen(kinds, prior);
  return {
    low: beside.low + Math.floor(open.low),
    usual: beside.usual + Math.round(open.usual),
    high: beside.high + Math.ceil(open.high),
  };
}

function tellLesson(expected: Range, beside: Range, theirs: number): Bounds["teaches"] {
  const ours = expected.usual + beside.usual;
  return beside.high - beside.low > LITTLE * ours ? null : { ours, theirs };
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

/** Why the model may have written what nobody is shown, such as calls of the provider's own tools; null where it may not. */
function tellUnseen({ hidden }: Side): string | null {
  return hidden === null || IN_REQUEST.has(hidden) ? null : hidden;
}

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

/** Those that did not come are charged once each; more often where what comes parts from them several times, perhaps. */
const PREDICTED = 4;

function boundOutput(
  side: Side,
  profile: Profile,
  learned: Learned,
  {
    theirs,
    unseen,
    predicted,
  }: {
    theirs: { tokens: number | null; thoughts: number | null };
    /** Why there may be more than is shown; null where there is not. */
    unseen: string | null;
    /** Tokens that the client said would come. */
    predicted: number;
  },
): Bounds {
  if (side.tokens === null) return unknown(side.hidden);
  const thoughts = theirs.thoughts ?? 0;
  const isToldOf = theirs.thoughts !== null || side.tellsThoughts;
  const mayThink = thoughts > 0 || side.hasThoughts || (profile.thinks && (profile.isOwn || !isToldOf));
  if (profile.isOwn && side.inexact === null && !mayThink && unseen === null && predicted === 0) {
    return exactly(side.tokens, { low: side.tokens, high: side.tokens + side.marks });
  }
  const { call } = profile.prior;
  const expected = expect(side, profile);
  const found = estimate(expected, learned);
  const open = addOpen(side, profile, NOTHING);
  const known = profile.isOwn
    ? {
        tokens: side.tokens + side.calls * call.usual,
        low: side.tokens + side.calls * call.low,
        high: side.tokens + side.calls * call.high,
      }
    : { tokens: found.tokens + open.usual, low: found.low + open.low, high: found.high + open.high };
  const { low } = known;
  const slack = side.marks + predicted * PREDICTED;
  if (!mayThink) {
    return {
      ...estimated(
        known.tokens,
        low,
        unseen === null ? known.high + slack : null,
        side.inexact ?? unseen ?? (predicted > 0 ? "prediction" : "tokenizer"),
      ),
      ratio: profile.isOwn ? null : found,
      teaches:
        profile.isOwn || unseen !== null || predicted > 0 || theirs.tokens === null
          ? null
          : tellLesson(expected, open, theirs.tokens),
    };
  }
  // Of thoughts there is the provider's word, and what it showed; where it says nothing, there is no upper bound.
  const shown = Math.max(thoughts, side.thoughtTokens);
  return {
    ...estimated(
      known.tokens + shown,
      low,
      isToldOf && unseen === null ? known.high + shown + slack + THOUGHT_SLACK : null,
      "reasoning_not_shown",
    ),
    own: known.tokens,
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
function place({ tokens, own, low, high }: Bounds, theirs: number | null, tolerance: number): RecountVerdict | null {
  if (theirs === null || tokens === null || low === null) return null;
  const slack = tolerance * (own ?? tokens);
  if (high !== null && theirs > high + slack) return "over";
  return theirs < low - slack ? "under" : "within";
}

/** Too much on either side is what the operator must hear of first. */
function combine(verdicts: readonly (RecountVerdict | null)[]): RecountVerdict | null {
  for (const verdict of ["over", "under", "within"] as const) if (verdicts.includes(verdict)) return verdict;
  return null;
}
