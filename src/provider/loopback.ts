// The built-in model: answers in this process, deterministic and free, by echoing the last user message or by calling the tools it names.
// For first steps, tests and load measurements; it speaks the formats that it answers in and knows nothing of the network.

import { type Json, type JsonObject, invalidRequest, isJsonObject } from "../ir/index.ts";
import { encodeVector } from "../lib/vector.ts";
import type { WireId } from "../wire/type.ts";
import { completeText } from "./loopback-completions.ts";
import { type SpokenCall, takeTurn, type Turn } from "./loopback-turn.ts";
import type { ProviderKindDefinition } from "./kind.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

const DEFAULT_DIMENSIONS = 1536;
const MAX_DIMENSIONS = 4096;
/** As OpenAI's own limit. */
const MAX_INPUTS = 2048;
const MAX_NUMBERS = 1_000_000;
const MAX_CHOICES = 8;
const MAX_PIECES = 2_000;
/** Fixed, so that two runs give the same bytes. */
const CREATED = 1_700_000_000;

export const loopback: ProviderKindDefinition = {
  about: "The built-in echo",
  baseUrl: "",
  keyVariables: [],
  urlVariables: [],
  needsKey: false,
  options: {},
  patterns: ["loopback"],
  make: makeLoopback,
};

function makeLoopback(settings: ProviderSettings): Provider {
  return {
    name: settings.name,
    speaks: () => ["openai-chat", "openai-embeddings"],
    endpoint: (wire) => ({ url: `loopback:${wire}` }),
    authorize: null,
    headers: {},
    requestHeaders: [],
    responseHeaders: ["retry-after"],
    listing: null,
    knownModels: [{ id: "loopback", createdAt: CREATED, ownedBy: "tokligence" }],
    missing: null,
    pricing: "free",
    facts: () => ({ defaultMaxOutputTokens: 4096, maxOutputTokens: null, reasoning: "effort" }),
    rest: { baseUrl: "", offers: ["completions"], answer: (_path, body) => completeText(body, echo) },
    answer: answerLocally,
  };
}

function echo(prompt: string): string {
  return takeTurn({ messages: [{ role: "user", content: prompt }] }).text;
}

function answerLocally(wire: WireId, body: JsonObject): Response {
  if (wire === "openai-embeddings") return Response.json(embed(body));
  const turn = takeTurn(body);
  const choices = typeof body["n"] === "number" && body["n"] > 1 ? Math.floor(body["n"]) : 1;
  if (choices > MAX_CHOICES) throw invalidRequest(`The loopback gives at most ${MAX_CHOICES} answers a request.`, "n");
  if (body["stream"] !== true) return Response.json(completeWhole(body, turn, choices));
  return new Response(completeStream(body, turn, choices), {
    headers: { "content-type": "text/event-stream; charset=utf-8" },
  });
}

/** Four bytes a token, never 0: the echo has no tokenizer, and the count must be the same everywhere. */
function countTokens(text: string): number {
  return Math.max(1, Math.ceil(Buffer.byteLength(text) / 4));
}

function head(body: JsonObject, object: string): JsonObject {
  return { id: "chatcmpl-loopback", object, created: CREATED, model: body["model"] ?? "loopback" };
}

function printUsage({ prompt, text, calls, reasoning }: Turn, choices: number): JsonObject {
  const said = calls.length === 0 ? text : calls.map((call) => call.name + call.arguments).join("");
  const thought = reasoning === null ? 0 : countTokens(reasoning) * choices;
  const input = countTokens(prompt);
  const output = countTokens(said) * choices + thought;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: thought },
  };
}

function printCall({ id, name, arguments: written, isCustom }: SpokenCall): JsonObject {
  if (isCustom) return { id, type: "custom", custom: { name, input: written } };
  return { id, type: "function", function: { name, arguments: written } };
}

function completeWhole(body: JsonObject, turn: Turn, choices: number): JsonObject {
  const { text, calls, reasoning } = turn;
  const message: JsonObject = {
    role: "assistant",
    content: calls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning === null ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(printCall) }),
  };
  return {
    ...head(body, "chat.completion"),
    choices: Array.from({ length: choices }, (_, index) => ({
      index,
      message,
      logprobs: null,
      finish_reason: nameFinish(turn),
    })),
    usage: printUsage(turn, choices),
  };
}

function nameFinish({ calls }: Turn): string {
  return calls.length > 0 ? "tool_calls" : "stop";
}

function completeStream(body: JsonObject, turn: Turn, choices: number): string {
  const options = body["stream_options"];
  const withUsage = isJsonObject(options) && options["include_usage"] === true;
  const base = { ...head(body, "chat.completion.chunk"), ...(withUsage ? { usage: null } : {}) };
  const frames: JsonObject[] = [];
  for (let index = 0; index < choices; index++) {
    const choice = (delta: JsonObject, finish: string | null): JsonObject => ({
      ...base,
      choices: [{ index, delta, logprobs: null, finish_reason: finish }],
    });
    for (const delta of listDeltas(turn)) frames.push(choice(delta, null));
    frames.push(choice({}, nameFinish(turn)));
  }
  if (withUsage) frames.push({ ...base, choices: [], usage: printUsage(turn, choices) });
  return `${frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("")}data: [DONE]\n\n`;
}

/** Words with the white space before them, so that the pieces join to the very same text. */
function listDeltas({ text, calls, reasoning }: Turn): JsonObject[] {
  return [
    { role: "assistant", content: calls.length > 0 ? null : "", refusal: null },
    ...cutWords(reasoning ?? "").map((piece) => ({ reasoning_content: piece })),
    ...cutWords(text).map((piece) => ({ content: piece })),
    ...calls.flatMap((call, index) => {
      const kind = call.isCustom ? "custom" : "function";
      const field = call.isCustom ? "input" : "arguments";
      const first = { index, id: call.id, type: kind, [kind]: { name: call.name, [field]: "" } };
      const rest = cutWords(call.arguments).map((piece) => ({ index, [kind]: { [field]: piece } }));
      return [first, ...rest].map((delta) => ({ tool_calls: [delta] }));
    }),
  ];
}

/** One piece a word, or a few words where there are very many: an echo must not grow far beyond what it echoes. */
function cutWords(text: string): string[] {
  const words = text.match(/\s*\S+|\s+$/gu) ?? [];
  const step = Math.ceil(words.length / MAX_PIECES);
  return Array.from({ length: Math.ceil(words.length / Math.max(1, step)) }, (_, index) =>
    words.slice(index * step, (index + 1) * step).join(""),
  );
}

function embed(body: JsonObject): JsonObject {
  const inputs = listInputs(body["input"] ?? "");
  if (inputs.length > MAX_INPUTS)
    throw invalidRequest(`The loopback embeds at most ${MAX_INPUTS} inputs a request.`, "input");
  const wanted = body["dimensions"];
  const dimensions = typeof wanted === "number" ? Math.min(Math.max(1, Math.floor(wanted)), MAX_DIMENSIONS) : null;
  if (inputs.length * (dimensions ?? DEFAULT_DIMENSIONS) > MAX_NUMBERS) {
    throw invalidRequest(
      "The loopback does not give so many numbers at once: send fewer inputs or ask for fewer dimensions.",
      "input",
    );
  }
  const base64 = body["encoding_format"] === "base64";
  const tokens = inputs.reduce((sum, input) => sum + (Array.isArray(input) ? input.length : countTokens(input)), 0);
  return {
    object: "list",
    data: inputs.map((input, index) => {
      const vector = makeVector(input, dimensions ?? DEFAULT_DIMENSIONS);
      return { object: "embedding", index, embedding: base64 ? encodeVector(vector) : Array.from(vector) };
    }),
    model: body["model"] ?? "loopback",
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/** One string, one token array, or a batch of either. */
function listInputs(input: Json): (string | number[])[] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) return [];
  if (input.every((item) => typeof item === "number")) return [input];
  return input.map((item) =>
    Array.isArray(item) ? item.filter((token) => typeof token === "number") : typeof item === "string" ? item : "",
  );
}

/** A unit vector that depends on the content alone: a hash seeds a small generator (mulberry32). */
function makeVector(input: string | number[], dimensions: number): Float32Array {
  let state = Number(Bun.hash(typeof input === "string" ? input : `tokens:${input.join(",")}`) & 0xffff_ffffn);
  const vector = new Float32Array(dimensions);
  let squares = 0;
  for (let index = 0; index < dimensions; index++) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    const value = ((mixed ^ (mixed >>> 14)) >>> 0) / 2_147_483_648 - 1;
    vector[index] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares) || 1;
  for (let index = 0; index < dimensions; index++) vector[index] = (vector[index] ?? 0) / length;
  return vector;
}
