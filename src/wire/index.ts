// The table of wire formats, and the room's types. A new format is one line here.

import { anthropicMessages } from "./anthropic-messages/index.ts";
import { openaiChat } from "./openai-chat/index.ts";
import { openaiEmbeddings } from "./openai-embeddings/index.ts";
import type { Wire, WireId } from "./type.ts";

export const WIRES = {
  "anthropic-messages": anthropicMessages,
  "openai-chat": openaiChat,
  "openai-embeddings": openaiEmbeddings,
} as const satisfies Record<WireId, Wire>;

/** The format of answers on addresses that belong to none. */
export const DEFAULT_WIRE: Wire = openaiChat;

export type * from "./type.ts";
