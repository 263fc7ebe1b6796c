// The formats that the bench speaks. A new one: one file, one line here.

import { anthropicMessages } from "./anthropic-messages.ts";
import { gemini } from "./gemini.ts";
import { openaiAgent } from "./openai-agent.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiEmbeddings } from "./openai-embeddings.ts";
import { openaiResponses } from "./openai-responses.ts";
import type { Dialect } from "./type.ts";

export const DIALECTS = {
  "anthropic-messages": anthropicMessages,
  gemini,
  "openai-agent": openaiAgent,
  "openai-chat": openaiChat,
  "openai-embeddings": openaiEmbeddings,
  "openai-responses": openaiResponses,
} as const satisfies Record<string, Dialect>;

export type DialectId = keyof typeof DIALECTS;

/** By the path of a request, as a provider tells them apart; null where it is none of theirs. */
export function findDialect(path: string): Dialect | null {
  if (path.endsWith("/chat/completions")) return openaiChat;
  if (path.endsWith("/messages")) return anthropicMessages;
  if (path.endsWith("/responses")) return openaiResponses;
  if (path.endsWith("/embeddings")) return openaiEmbeddings;
  return /:(?:stream)?generateContent$/iu.test(path) ? gemini : null;
}
