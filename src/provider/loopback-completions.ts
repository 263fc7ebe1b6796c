// The built-in model's answer to a text completion: an echo of each prompt. Knows nothing of the network.
// https://platform.openai.com/docs/api-reference/completions

import { type Json, type JsonObject, invalidRequest, isJsonObject } from "../ir/index.ts";

const MAX_CHOICES = 128;
const MAX_PIECES = 2_000;
const CREATED = 1_700_000_000;

export function completeText(body: JsonObject, echo: (prompt: string) => string): Response {
  const prompts = listPrompts(body["prompt"] ?? "");
  const each = typeof body["n"] === "number" && body["n"] > 1 ? Math.floor(body["n"]) : 1;
  if (prompts.length * each > MAX_CHOICES) {
    throw invalidRequest(`The loopback gives at most ${MAX_CHOICES} answers a request.`, "n");
  }
  const texts = prompts.flatMap((prompt) => Array.from({ length: each }, () => echo(prompt)));
  const [input, output] = [sumTokens(prompts), sumTokens(texts)];
  const usage: JsonObject = { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
  const head = { id: "cmpl-loopback", object: "text_completion", created: CREATED, model: body["model"] ?? "loopback" };
  const print = (text: string, index: number, finish: string | null): JsonObject => ({
    text,
    index,
    logprobs: null,
    finish_reason: finish,
  });
  if (body["stream"] !== true) {
    return Response.json({ ...head, choices: texts.map((text, index) => print(text, index, "stop")), usage });
  }
  const options = body["stream_options"];
  const withUsage = isJsonObject(options) && options["include_usage"] === true;
  const base = withUsage ? { ...head, usage: null } : head;
  const frames: JsonObject[] = texts.flatMap((text, index) => [
    ...cutWords(text).map((piece) => ({ ...base, choices: [print(piece, index, null)] })),
    { ...base, choices: [print("", index, "stop")] },
  ]);
  if (withUsage) frames.push({ ...head, choices: [], usage });
  const events = `${frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("")}data: [DONE]\n\n`;
  return new Response(events, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}

/** One text, one list of tokens, or several of either; tokens are shown as the numbers they are. */
function listPrompts(prompt: Json): string[] {
  if (typeof prompt === "string") return [prompt];
  if (!Array.isArray(prompt)) throw invalidRequest("The field 'prompt' must be a string or a list.", "prompt");
  if (prompt.length > 0 && prompt.every((item) => typeof item === "number")) return [prompt.join(" ")];
  return prompt.map((item) =>
    Array.isArray(item) ? item.map(Number).join(" ") : typeof item === "string" ? item : "",
  );
}

/** Four bytes a token, never 0. */
function sumTokens(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Math.max(1, Math.ceil(Buffer.byteLength(text) / 4)), 0);
}

/** Words with the white space before them, so that the pieces join to the very same text. */
function cutWords(text: string): string[] {
  const words = text.match(/\s*\S+|\s+$/gu) ?? [];
  const step = Math.max(1, Math.ceil(words.length / MAX_PIECES));
  return Array.from({ length: Math.ceil(words.length / step) }, (_, index) =>
    words.slice(index * step, (index + 1) * step).join(""),
  );
}
