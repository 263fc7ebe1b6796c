// The surfaces of the gateway, each through the SDK that its clients use: one question, and what the SDK's user learns from the answer.
// The same readers, pointed at a provider, tell what it said itself.

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { type Reading, readError, readInput } from "./reading.ts";

export interface Question {
  /** Where the SDK sends its requests; the address is made up. */
  fetch: (request: Request) => Response | Promise<Response>;
  key: string;
  model: string;
  stream: boolean;
}

export const SURFACES = {
  "anthropic-messages": askMessages,
  gemini: askGemini,
  "openai-chat": askChat,
  "openai-responses": askResponses,
} as const satisfies Record<string, (question: Question) => Promise<Reading>>;

export type SurfaceId = keyof typeof SURFACES;

/** The reading, or that of the error. */
export async function ask(surface: SurfaceId, question: Question): Promise<Reading> {
  try {
    return await SURFACES[surface](question);
  } catch (error) {
    return readError(error);
  }
}

const PROMPT = "Hello";

function connect({ fetch, key }: Question) {
  const call = async (url: string | URL | Request, init?: RequestInit): Promise<Response> =>
    fetch(url instanceof Request ? new Request(url, init) : new Request(String(url), init));
  return { fetch: Object.assign(call, { preconnect: (): void => undefined }), apiKey: key, maxRetries: 0 };
}

async function askChat(question: Question): Promise<Reading> {
  const client = new OpenAI({ ...connect(question), baseURL: "http://gateway.test/v1" });
  const body = { model: question.model, messages: [{ role: "user" as const, content: PROMPT }] };
  const { choices, usage } = question.stream
    ? await client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion()
    : await client.chat.completions.create(body);
  const [choice] = choices;
  return {
    text: readContent(choice?.message.content ?? ""),
    // Not every server names the type of a call.
    calls: (choice?.message.tool_calls ?? []).map((call) =>
      "function" in call
        ? { name: call.function.name, input: readInput(call.function.arguments) }
        : { name: call.custom.name, input: call.custom.input },
    ),
    stop: CHAT_STOPS[choice?.finish_reason ?? ""] ?? "other",
    input: usage?.prompt_tokens ?? -1,
    output: usage?.completion_tokens ?? -1,
    error: null,
  };
}

/** Some servers that imitate OpenAI give a list of parts, of which the words are the answer. */
function readContent(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: { type?: unknown; text?: unknown }) => (part.type === "text" ? String(part.text) : ""))
    .join("");
}

const CHAT_STOPS: Readonly<Record<string, Reading["stop"]>> = {
  content_filter: "filter",
  function_call: "tool-calls",
  length: "length",
  stop: "stop",
  tool_calls: "tool-calls",
};

async function askMessages(question: Question): Promise<Reading> {
  const client = new Anthropic({ ...connect(question), baseURL: "http://gateway.test" });
  const body = { model: question.model, max_tokens: 1_000, messages: [{ role: "user" as const, content: PROMPT }] };
  const { content, stop_reason, usage } = question.stream
    ? await client.messages.stream(body).finalMessage()
    : await client.messages.create(body);
  return {
    text: content.map((block) => (block.type === "text" ? block.text : "")).join(""),
    calls: content.flatMap((block) =>
      block.type === "tool_use" ? [{ name: block.name, input: block.input as unknown }] : [],
    ),
    stop: MESSAGE_STOPS[stop_reason ?? ""] ?? "other",
    input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
    output: usage.output_tokens,
    error: null,
  };
}

const MESSAGE_STOPS: Readonly<Record<string, Reading["stop"]>> = {
  end_turn: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  pause_turn: "stop",
  refusal: "filter",
  stop_sequence: "stop",
  tool_use: "tool-calls",
};

async function askGemini(question: Question): Promise<Reading> {
  const { fetch, apiKey } = connect(question);
  const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: "http://gateway.test", fetch } });
  const body = { model: question.model, contents: PROMPT };
  const pieces = question.stream
    ? await readPieces(await client.models.generateContentStream(body))
    : [await client.models.generateContent(body)];
  const parts = pieces.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
  const calls = parts.flatMap(({ functionCall }) => functionCall ?? []);
  const reasons = pieces.flatMap(({ candidates }) => candidates?.[0]?.finishReason ?? []);
  const usage = pieces.at(-1)?.usageMetadata;
  const stop = GEMINI_STOPS[reasons.at(-1) ?? ""] ?? "other";
  return {
    text: parts.map(({ text = "", thought }) => (thought === true ? "" : text)).join(""),
    calls: calls.map(({ name = "", args = {} }) => ({ name, input: args })),
    // Google has no word for the end at a call.
    stop: stop === "stop" && calls.length > 0 ? "tool-calls" : stop,
    input: usage === undefined ? -1 : (usage.promptTokenCount ?? 0) + (usage.toolUsePromptTokenCount ?? 0),
    output: usage === undefined ? -1 : (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
    error: null,
  };
}

/** Google's SDK makes a status of the code of an error inside of a stream; the stream itself had begun well. */
async function readPieces<T>(stream: AsyncIterable<T>): Promise<T[]> {
  try {
    return await Array.fromAsync(stream);
  } catch (error) {
    throw new Error("an error inside of the stream", { cause: error });
  }
}

const GEMINI_STOPS: Readonly<Record<string, Reading["stop"]>> = {
  MAX_TOKENS: "length",
  SAFETY: "filter",
  STOP: "stop",
};

async function askResponses(question: Question): Promise<Reading> {
  const client = new OpenAI({ ...connect(question), baseURL: "http://gateway.test/v1" });
  const body = { model: question.model, input: PROMPT };
  const { output, output_text, status, incomplete_details, usage } = question.stream
    ? await client.responses.stream(body).finalResponse()
    : await client.responses.create(body);
  const calls = output.flatMap((item) => {
    if (item.type === "function_call") return [{ name: item.name, input: readInput(item.arguments) }];
    return item.type === "custom_tool_call" ? [{ name: item.name, input: item.input as unknown }] : [];
  });
  const end = status === "incomplete" ? (RESPONSE_STOPS[incomplete_details?.reason ?? ""] ?? "other") : "stop";
  return {
    text: output_text,
    calls,
    stop: end === "stop" && calls.length > 0 ? "tool-calls" : end,
    input: usage?.input_tokens ?? -1,
    output: usage?.output_tokens ?? -1,
    error: null,
  };
}

const RESPONSE_STOPS: Readonly<Record<string, Reading["stop"]>> = {
  content_filter: "filter",
  max_output_tokens: "length",
};
