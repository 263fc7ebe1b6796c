// Counts one request and its answer: text to numbers. What it gives back holds no text. Knows no provider's figures and no database.

import { type JsonObject, isJsonObject } from "../../ir/index.ts";
import type { HeardPart } from "../../ledger/index.ts";
import type { Count } from "./byte-pair.ts";
import { type Kinds, addKinds, startKinds } from "./prior.ts";
import type { Profile } from "./profile.ts";
import { type AnswerReading, readAnswer, readHeard } from "./read-answer.ts";
import { readAnyRequest } from "./read-any.ts";
import { readChatRequest, readCompletionsRequest, readEmbeddingsRequest, readResponsesRequest } from "./read-openai.ts";
import type { Reading } from "./reading.ts";

/** What of a profile the counting itself needs. */
export type Counting = Pick<Profile, "frame" | "frameSlack" | "isOwn" | "tokenizer">;

/** What is to be counted. */
export interface Job {
  /** Of request and answer, as the provider is spoken to. */
  format: string;
  profile: Counting;
  request: string;
  /** The answer's body, or the parts that were gathered of its stream; null where an answer has no text. */
  answer: string | readonly HeardPart[] | null;
}

/** One side of a call: our tokens, and what else is to be known of them. Null where there is no telling. */
export interface Side {
  tokens: number | null;
  /** Of them, the marks that frame messages, and what came as numbers. */
  frame: number;
  /** The others by the kind of text; empty where the model's own tokenizer counted. */
  kinds: Kinds;
  /** Tokens that may stand around them besides. */
  marks: number;
  /** Tokens of the descriptions of tools, which are put into other words before they are counted. */
  toolTokens: number;
  /** Likewise of schemas that the answer is to keep to. */
  formTokens: number;
  /** Of values that tools gave, without the text in them. */
  valueTokens: number;
  /** Of earlier thoughts: some are read again and some are not. */
  earlierTokens: number;
  /** Likewise, of those that only the provider can read. */
  sealedBytes: number;
  /** Calls of tools: how they are written is not told. */
  calls: number;
  images: number;
  messages: number;
  /** Tokens of thoughts that were shown; whether these are all there were is not told. */
  thoughtTokens: number;
  hasThoughts: boolean;
  /** The provider says how many thoughts there were wherever there were any. */
  tellsThoughts: boolean;
  inexact: string | null;
  hidden: string | null;
  /** Of what the client said would be answered. */
  predictedTokens: number;
}

export interface Counted {
  input: Side;
  /** Null where an answer has no text, such as vectors. */
  output: Side | null;
}

const REQUESTS: Readonly<Record<string, (body: JsonObject) => Reading>> = {
  "openai-chat": readChatRequest,
  "openai-completions": readCompletionsRequest,
  "openai-embeddings": readEmbeddingsRequest,
  "openai-responses": readResponsesRequest,
};

/** What is no conversation is not framed at all. */
const UNFRAMED = new Set(["openai-completions", "openai-embeddings"]);

/** Marks that end an answer: some deployments count them and some do not. */
const END_MARKS: Readonly<Record<string, number>> = { "openai-responses": 2 };

/** Throws where either side is not what its format says. */
export function countJob(job: Job, count: Count): Counted {
  const { profile, format } = job;
  const body = parse(job.request);
  const read = REQUESTS[format] ?? readAnyRequest;
  const reading = read(body);
  const input = countSide(reading, count, profile);
  if (UNFRAMED.has(format)) input.marks = profile.frameSlack.text * reading.texts.length;
  else if (input.tokens !== null) {
    const { base, message } = profile.frame;
    const frame = base + message * reading.messages + reading.names;
    input.tokens += frame;
    input.frame += frame;
    input.marks = profile.frameSlack.base + profile.frameSlack.message * reading.messages;
  }
  if (job.answer === null) return { input, output: null };
  const answer = readAny(job.answer, format);
  const output = countSide(answer, count, profile);
  output.thoughtTokens = sum(answer.thoughts, count);
  output.hasThoughts = answer.thoughts.length > 0;
  output.tellsThoughts = format === "gemini";
  output.marks = (END_MARKS[format] ?? 1) * answer.choices;
  return { input, output };
}

function readAny(answer: string | readonly HeardPart[], format: string): AnswerReading {
  if (typeof answer !== "string") return readHeard(answer);
  const reading = readAnswer(format, parse(answer));
  if (reading === null) throw new TypeError(`answers of ${format} are not read`);
  return reading;
}

function countSide(reading: Reading, count: Count, { isOwn }: Counting): Side {
  const toolTokens = sum(reading.tools, count);
  const kinds = startKinds();
  let tokens = reading.numbers;
  for (const text of reading.hidden === null ? reading.texts : []) {
    const counted = count(text);
    tokens += counted;
    // By its own tokenizer one text counts like another.
    if (isOwn) kinds.prose += counted;
    else addKinds(kinds, text, counted);
  }
  return {
    tokens: reading.hidden === null ? tokens : null,
    frame: reading.numbers,
    kinds,
    marks: 0,
    toolTokens,
    formTokens: sum(reading.forms, count),
    valueTokens: sum(reading.values, count),
    earlierTokens: sum(reading.earlier, count),
    sealedBytes: reading.sealedBytes,
    calls: reading.calls,
    images: reading.images,
    messages: reading.messages,
    thoughtTokens: 0,
    hasThoughts: false,
    tellsThoughts: false,
    inexact: reading.inexact,
    hidden: reading.hidden,
    predictedTokens: sum(reading.predicted, count),
  };
}

function sum(texts: readonly string[], count: Count): number {
  return texts.reduce((total, text) => total + count(text), 0);
}

function parse(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new TypeError("no object");
  return value;
}
