// The vendors' own SDKs as readers of answers: what their users would see of a body or a stream. Nothing leaves the process.

import Anthropic from "@anthropic-ai/sdk";
import { type Content, type GenerateContentResponse, GoogleGenAI, type Part } from "@google/genai";
import OpenAI from "openai";

/** A fetch that always gives this answer. */
function answerWith(body: string, contentType: string, status: number): typeof fetch {
  const answer = async (): Promise<Response> =>
    new Response(body, { status, headers: { "content-type": contentType } });
  return Object.assign(answer, { preconnect: (): void => undefined });
}

const ANTHROPIC_REQUEST = {
  model: "any",
  max_tokens: 64,
  messages: [{ role: "user" as const, content: "hello" }],
};

const OPENAI_REQUEST = { model: "any", messages: [{ role: "user" as const, content: "hello" }] };

function anthropic(body: string, contentType: string, status: number): Anthropic {
  const fetch = answerWith(body, contentType, status);
  return new Anthropic({ apiKey: "test", baseURL: "http://upstream.test", maxRetries: 0, fetch });
}

function openai(body: string, contentType: string, status: number): OpenAI {
  const fetch = answerWith(body, contentType, status);
  return new OpenAI({ apiKey: "test", baseURL: "http://upstream.test", maxRetries: 0, fetch });
}

/** A Messages answer as Anthropic's SDK gives it to its user. Rejects with the SDK's error where the status is one. */
export async function readMessage(body: string, status = 200): Promise<Anthropic.Message> {
  return anthropic(body, "application/json", status).messages.create(ANTHROPIC_REQUEST);
}

/** A Messages stream as Anthropic's SDK sums it. */
export async function readMessageStream(body: string): Promise<Anthropic.Message> {
  return anthropic(body, "text/event-stream", 200).messages.stream(ANTHROPIC_REQUEST).finalMessage();
}

/** A Chat Completions answer as OpenAI's SDK gives it to its user. */
export async function readCompletion(body: string, status = 200): Promise<OpenAI.ChatCompletion> {
  return openai(body, "application/json", status).chat.completions.create(OPENAI_REQUEST);
}

/** A Chat Completions stream as OpenAI's SDK sums it. */
export async function readCompletionStream(body: string): Promise<OpenAI.ChatCompletion> {
  return openai(body, "text/event-stream", 200).chat.completions.stream(OPENAI_REQUEST).finalChatCompletion();
}

/** The chunks of a Chat Completions stream, as OpenAI's SDK hands them out. */
export async function readCompletionChunks(body: string): Promise<OpenAI.ChatCompletionChunk[]> {
  const stream = await openai(body, "text/event-stream", 200).chat.completions.create({
    ...OPENAI_REQUEST,
    stream: true,
  });
  return Array.fromAsync(stream);
}

const RESPONSES_REQUEST = { model: "any", input: "hello" };

/** A response as OpenAI's SDK gives it to its user. */
export async function readResponse(body: string, status = 200): Promise<OpenAI.Responses.Response> {
  return openai(body, "application/json", status).responses.create(RESPONSES_REQUEST);
}

/** A Responses stream as OpenAI's SDK sums it. */
export async function readResponseStream(body: string): Promise<OpenAI.Responses.Response> {
  return openai(body, "text/event-stream", 200).responses.stream(RESPONSES_REQUEST).finalResponse();
}

/** The events of a Responses stream, as OpenAI's SDK hands them out. */
export async function readResponseEvents(body: string): Promise<OpenAI.Responses.ResponseStreamEvent[]> {
  const stream = await openai(body, "text/event-stream", 200).responses.create({ ...RESPONSES_REQUEST, stream: true });
  return Array.fromAsync(stream);
}

const GEMINI_REQUEST = { model: "any", contents: "hello" };

function gemini(body: string, contentType: string, status: number): GoogleGenAI {
  const fetch = answerWith(body, contentType, status);
  return new GoogleGenAI({ apiKey: "test", httpOptions: { baseUrl: "http://upstream.test", fetch } });
}

/** A generateContent answer as Google's SDK gives it to its user. Rejects with the SDK's error where the status is one. */
export async function readGenerated(body: string, status = 200): Promise<GenerateContentResponse> {
  return gemini(body, "application/json", status).models.generateContent(GEMINI_REQUEST);
}

/** The chunks of a streamGenerateContent stream, as Google's SDK hands them out. */
export async function readGeneratedChunks(body: string): Promise<GenerateContentResponse[]> {
  return Array.fromAsync(await gemini(body, "text/event-stream", 200).models.generateContentStream(GEMINI_REQUEST));
}

/** The sum of a stream, which Google's SDK leaves to its user: parts of one kind joined, everything else as the last chunk has it. */
export async function readGeneratedStream(body: string): Promise<object> {
  const chunks = await readGeneratedChunks(body);
  const parts: Part[] = [];
  for (const part of chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? [])) {
    const last = parts.at(-1);
    const isSealed = last?.thoughtSignature !== undefined || part.thoughtSignature !== undefined;
    if (last?.text === undefined || part.text === undefined || last.thought !== part.thought || isSealed) {
      parts.push({ ...part });
    } else last.text += part.text;
  }
  const usages = chunks.map(({ usageMetadata }) => usageMetadata ?? {});
  const { candidates = [], modelVersion, responseId, promptFeedback } = chunks.at(-1) ?? {};
  const content: Content = { role: "model", parts };
  return {
    modelVersion,
    responseId,
    promptFeedback,
    usageMetadata: Object.assign({}, ...usages),
    candidates: [{ ...candidates[0], index: 0, content }],
  };
}
