// The most that a call may be expected to cost, for budgets to reserve: quick to find, rather too much than too little. Knows no format but by the
// few names that output limits have in all of them.

import { type Json, type JsonObject, NO_USAGE, type Usage, isJsonObject } from "../ir/index.ts";
import { type Amount, type PriceBook, type PriceRequest, createTokenEstimate } from "../ledger/index.ts";
import type { Provider } from "../provider/index.ts";
import type { Call } from "./call.ts";
import type { Wanted } from "./limit/index.ts";
import { MAX_TOKENS } from "./tally.ts";
import { knowsSold, useOnce } from "./sold-tool.ts";
import { readTier } from "./unknown-price.ts";

export interface BoundInit {
  provider: Pick<Provider, "facts" | "name" | "pricing">;
  /** The model's name as the provider knows it. */
  model: string;
  /** The client's request; null where it is no JSON. */
  body: JsonObject | null;
  /** False where nothing is written, such as for embeddings. */
  writes: boolean;
  /** Where the client sets no limit. */
  defaultOutputTokens: number;
  /** Tools that are sold by the call, by the names that their counts have; missing: none. */
  sold?: readonly string[];
  /** Of input that its provider has already, and puts before what the body says. */
  heldTokens?: number;
  prices: PriceBook;
  atMs: number;
}

export function findBound(init: BoundInit): Amount {
  const { body, model, provider, sold = [] } = init;
  const freshInputTokens = (init.heldTokens ?? 0) + (body === null ? 0 : countAll(body, countText));
  const outputTokens = init.writes ? findOutput(init) : 0;
  const usage = { ...NO_USAGE, freshInputTokens, outputTokens, serviceTier: readTier(body) };
  const { name, pricing } = provider;
  const at = new Date(init.atMs);
  const asked = { provider: name, pricing, models: [model], at };
  const tokens = freshInputTokens + outputTokens;
  if (!knowsSold(init.prices, asked, { sold, tier: usage.serviceTier })) return { costNanos: null, tokens };
  const costNanos = findDearest(init.prices, { ...asked, usage }, listWays(body, usage, sold));
  const isPriced = costNanos !== null || init.prices.knows({ ...asked, tier: usage.serviceTier, writes: init.writes });
  return { costNanos: costNanos ?? (isPriced ? ONE_PIECE_NANOS : null), tokens };
}

/** Whether such a call may have text written, as far as is known before its answer. */
export function writesText({ wire }: Pick<Call, "wire">): boolean {
  return wire.operation !== "embeddings";
}

/** The most that a request may be expected to use, whoever answers it: for rate limits to take. */
export function findWanted({
  body,
  writes,
  defaultOutputTokens,
}: Pick<BoundInit, "body" | "defaultOutputTokens" | "writes">): Wanted {
  return {
    inputTokens: body === null ? 0 : countAll(body, countText),
    outputTokens: writes ? readLimit(body) : 0,
    usualOutputTokens: countOutput(defaultOutputTokens, body),
  };
}

/**
 * What a call would probably cost in nano-dollars, without what a cache may spare: to compare providers by. Null where the price is unknown.
 */
export function expectCost({
  body,
  model,
  provider,
  prices,
  ...init
}: BoundInit & { inputTokens: number }): number | null {
  const outputTokens = init.writes ? findOutput({ body, model, provider, prices, ...init }) : 0;
  const usage = { ...NO_USAGE, freshInputTokens: init.inputTokens, outputTokens, serviceTier: readTier(body) };
  const { name, pricing } = provider;
  return findCost(prices, { provider: name, pricing, models: [model], at: new Date(init.atMs), usage });
}

/** Of the ways in which it may come, the dearest; null where the usual one has no price. */
function findDearest(
  prices: PriceBook,
  asked: PriceRequest & { usage: Usage },
  ways: readonly Partial<Usage>[],
): number | null {
  const usual = findCost(prices, asked);
  if (usual === null) return null;
  return Math.max(usual, ...ways.map((way) => findCost(prices, { ...asked, usage: { ...asked.usage, ...way } }) ?? 0));
}

/** Other ways than as text that is read once and written, where the request asks for them. */
function listWays(
  body: JsonObject | null,
  { freshInputTokens: input, outputTokens }: Usage,
  sold: readonly string[],
): Partial<Usage>[] {
  if (body === null) return [];
  const written = { freshInputTokens: 0, cacheWriteTokens: input, longCacheWriteTokens: input };
  const ways: Partial<Usage>[] = listKinds(body).map((kind) => ({
    units: { [`output_${kind}_tokens`]: outputTokens },
  }));
  if (asksLong(body)) ways.push(written);
  if (sold.length > 0) ways.push(useOnce(sold));
  return ways;
}

/** What is written in place of text, at several times its price. */
const KINDS = ["audio", "image"];

function listKinds(body: JsonObject): string[] {
  const places = [body, ...PARTS.map((part) => body[part])].filter(isJsonObject);
  const named = places.flatMap((place) => MODALITIES.flatMap((name) => place[name] ?? []));
  const asked = new Set(named.map((kind) => (typeof kind === "string" ? kind.toLowerCase() : "")));
  return KINDS.filter((kind) => asked.has(kind));
}

/** Whether a cache is to keep part of it for an hour, which costs twice as much as to read it. */
function asksLong(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(asksLong);
  for (const name in value) {
    const member = value[name] ?? null;
    if (name === "ttl" ? member === "1h" : asksLong(member)) return true;
  }
  return false;
}

/** Where thinking has a price of its own, nobody says beforehand how much of the output it will be: none or all of it, whichever is dearer. */
function findCost(prices: PriceBook, { usage, ...asked }: PriceRequest & { usage: Usage }): number | null {
  const price = prices.price({ ...asked, usage });
  if (price !== null) return price.costNanos;
  const costs = [0, usage.outputTokens].flatMap((reasoningTokens) => {
    const found = prices.price({ ...asked, usage: { ...usage, reasoningTokens } });
    return found === null ? [] : [found.costNanos];
  });
  return costs.length === 0 ? null : Math.max(...costs);
}

/** The tokens that a body probably is: about four letters each, one a character of other scripts. */
export function countLikely(body: JsonObject): number {
  return countAll(body, (text) => {
    const estimate = createTokenEstimate();
    estimate.add(text);
    return estimate.tokens();
  });
}

/** Of what is sold by the piece, such as pictures: five cents. */
const ONE_PIECE_NANOS = 50_000_000;

/** What it costs nothing to ask. */
export const NOTHING: Amount = Object.freeze({ costNanos: 0, tokens: 0 });

/** Of what nothing is known before it is over. */
export const UNKNOWN: Amount = Object.freeze({ costNanos: null, tokens: null });

function findOutput({ body, model, provider, defaultOutputTokens }: BoundInit): number {
  const most = provider.facts(model).maxOutputTokens ?? Number.POSITIVE_INFINITY;
  const wanted = body === null ? null : readNumber(body, LIMITS);
  return countOutput(Math.min(wanted ?? defaultOutputTokens, most), body);
}

/** Null where the client sets none. */
function readLimit(body: JsonObject | null): number | null {
  const wanted = body === null ? null : readNumber(body, LIMITS);
  return wanted === null ? null : countOutput(wanted, body);
}

function countOutput(tokens: number, body: JsonObject | null): number {
  return Math.min(MAX_TOKENS, Math.ceil(tokens * readChoices(body)));
}

function readChoices(body: JsonObject | null): number {
  if (body === null) return 1;
  return countPrompts(body) * Math.max(1, readNumber(body, CHOICES) ?? 1, readNumber(body, DRAFTS) ?? 1);
}

/** Each of several is gone on with by itself. A list of numbers is one, of tokens. */
function countPrompts({ prompt }: JsonObject): number {
  return Array.isArray(prompt) && typeof prompt[0] !== "number" ? Math.max(1, prompt.length) : 1;
}

/** How a limit of output is called, at the top or in the part that holds such settings. */
const LIMITS = ["max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens", "maxTokens"];
const CHOICES = ["n", "candidateCount", "candidate_count"];
/** Written, and paid for, although only the best is given. */
const DRAFTS = ["best_of"];
const MODALITIES = ["modalities", "responseModalities", "response_modalities"];
const PARTS = ["generationConfig", "generation_config", "inferenceConfig"];

/** The largest that is said, as nobody knows to which its provider listens; null where none is. */
function readNumber(body: JsonObject, names: readonly string[]): number | null {
  let most: number | null = null;
  for (const place of [body, ...PARTS.map((part) => body[part])]) {
    if (!isJsonObject(place)) continue;
    for (const name of names) {
      const value = place[name];
      // Some servers take a number that is written as text.
      const count = typeof value === "string" && /^\d+$/u.test(value) ? Number(value) : value;
      // A client may write any number, also an infinite one, and what is reserved is to be given back.
      if (typeof count === "number" && count >= 0) most = Math.max(most ?? 0, Math.min(count, MAX_TOKENS));
    }
  }
  return most;
}

/** Bytes a token, at most: about four in English, and about three for a character of other scripts, which is a token or less. */
const BYTES_A_TOKEN = 3;
/** Roles, names and the marks between messages. */
const TOKENS_A_MEMBER = 1;
/** What media look like as text: nothing that is said is written in these letters alone for so long. */
const LONG = 2_000;
const ENCODED = /^(?:data:(?!text\/)[^,]{0,200},)?[\w+/=-]+$/iu;
/** A picture of usual size, however it is sent. */
const MEDIA_TOKENS = 1_600;
const MEDIA_BYTES_A_TOKEN = 200;
/** Parts that may be an address alone, which says nothing of what lies there: by their type, or the name of what they hold. */
const MEDIA_TYPES: ReadonlySet<unknown> = new Set([
  "document",
  "file",
  "image",
  "image_url",
  "input_file",
  "input_image",
]);
const MEDIA_FIELDS = ["fileData", "file_data"];

/** Where encoded data stands. Whatever has another name is read letter by letter, whatever it looks like. */
const DATA_NAME = /audio|b64|base64|bytes|data|encrypted|file|image|mask|result|signature|ur[il]$|video/iu;
/** What a tool is told, and tells, and how: text, whatever is named therein. */
const SPOKEN: ReadonlySet<string> = new Set(["args", "arguments", "input_schema", "parameters", "response", "schema"]);

type Place = "any" | "data" | "spoken";

/** The tokens of a body: of media by their length, of other strings as `count` says. */
function countAll(value: Json, count: (text: string) => number, place: Place = "any"): number {
  if (typeof value === "string") return place === "data" && isMedia(value) ? countMedia(value) : count(value);
  if (typeof value !== "object" || value === null) return TOKENS_A_MEMBER;
  let tokens = TOKENS_A_MEMBER;
  if (Array.isArray(value)) for (const member of value) tokens += countAll(member, count, place);
  else {
    for (const name in value) {
      tokens += TOKENS_A_MEMBER + countAll(value[name] ?? null, count, findPlace(value, name, place));
    }
    if (isMediaPart(value)) return Math.max(MEDIA_TOKENS, tokens);
  }
  return tokens;
}

function findPlace(holder: JsonObject, name: string, place: Place): Place {
  if (place === "spoken" || SPOKEN.has(name) || (name === "input" && holder["type"] === "tool_use")) return "spoken";
  const member = holder[name];
  const isLong = typeof member === "string" ? member.length > LONG : Array.isArray(member);
  return isLong && DATA_NAME.test(name) && !isOfText(holder) ? "data" : "any";
}

/** Data that says of itself that it is text. */
function isOfText(holder: JsonObject): boolean {
  const kind = holder["mimeType"] ?? holder["mime_type"] ?? holder["media_type"];
  return holder["type"] === "text" || (typeof kind === "string" && /^text\//iu.test(kind));
}

function isMediaPart(part: JsonObject): boolean {
  return MEDIA_TYPES.has(part["type"]) || MEDIA_FIELDS.some((name) => name in part);
}

function isMedia(text: string): boolean {
  return text.length > LONG && ENCODED.test(text.slice(0, LONG));
}

function countMedia(text: string): number {
  return Math.max(MEDIA_TOKENS, Math.ceil(text.length / MEDIA_BYTES_A_TOKEN));
}

/** By its length alone: what it says is not read. */
function countText(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_A_TOKEN);
}
