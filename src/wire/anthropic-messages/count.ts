// Anthropic's count of a request's tokens: https://platform.claude.com/docs/en/api/messages-count-tokens
// Costs nothing and answers nothing, so it is forwarded or estimated, never translated. Knows no provider.

import { type JsonObject, NO_USAGE } from "../../ir/index.ts";
import { pickFields } from "../json-read.ts";
import type { ForwardWire } from "../type.ts";
import { anthropicMessages } from "./index.ts";
import { encodeLimitHeaders } from "./limit-header.ts";

export const anthropicCount: ForwardWire = {
  id: "anthropic-count",
  operation: "count",
  endpoint: "messages.count_tokens",
  paths: ["/v1/messages/count_tokens", "/anthropic/v1/messages/count_tokens"],
  query: ["beta"],
  peek: (body) => ({ model: anthropicMessages.peek(unwrap(body)).model, stream: false }),
  forward: anthropicMessages.forward,
  error: anthropicMessages.error,
  limitHeaders: encodeLimitHeaders,
  meter: () => ({ usage: NO_USAGE, model: null, report: null }),
  count: {
    wire: anthropicMessages,
    unwrap,
    encode: (tokens) => ({ input_tokens: tokens }),
    ask: (request, model) => ({ model, ...pickFields(request, COUNTED) }),
    read: ({ input_tokens: tokens }) => (typeof tokens === "number" ? tokens : null),
  },
};

/** All that the count depends on; any other field is refused. */
const COUNTED = ["messages", "model", "output_config", "system", "thinking", "tool_choice", "tools"];

/** What is to be counted is a request without an output limit; what else is to be done with it does not change the count. */
function unwrap(body: JsonObject): JsonObject {
  const { compaction: _compaction, thread: _thread, ...rest } = body;
  return { max_tokens: 1, ...rest };
}
