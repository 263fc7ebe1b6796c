// OpenAI's Responses. https://platform.openai.com/docs/api-reference/responses

import { BLANK_STAMP } from "../http/stamp.ts";
import { type Dialect, countTokens, frame, makeText } from "./type.ts";

const ID = "resp_0000000000000000000000000000000000000000000000";
const ITEM = "msg_00000000000000000000000000000000000000000000000";

export const openaiResponses: Dialect = {
  path: () => "/v1/responses",
  base: "/v1",
  headers: (key) => ({ authorization: `Bearer ${key}` }),
  request: ({ model, bytes, stream }) => ({
    model,
    instructions: "You are a careful assistant.",
    input: makeText(Math.max(1, bytes - 150)),
    store: false,
    ...(stream ? { stream: true } : {}),
  }),
  answer: (model, bytes) => describe(model, "completed", makeText(bytes), countTokens(bytes)),
  frames(model, pieces) {
    const text = BLANK_STAMP.repeat(pieces);
    const place = { item_id: ITEM, output_index: 0, content_index: 0 };
    let number = 0;
    const event = (type: string, fields: object): string => frame({ type, sequence_number: number++, ...fields }, type);
    const begun = { response: describe(model, "in_progress", null, null) };
    const blank = { type: "output_text", text: "", annotations: [] };
    const start = [
      event("response.created", begun),
      event("response.in_progress", begun),
      event("response.output_item.added", { output_index: 0, item: describeItem("in_progress", null) }),
      event("response.content_part.added", { ...place, part: blank }),
    ].join("");
    const piece = event("response.output_text.delta", { ...place, delta: BLANK_STAMP, logprobs: [] });
    const end = [
      event("response.output_text.done", { ...place, text, logprobs: [] }),
      event("response.content_part.done", { ...place, part: { ...blank, text } }),
      event("response.output_item.done", { output_index: 0, item: describeItem("completed", text) }),
      event("response.completed", { response: describe(model, "completed", text, pieces) }),
    ].join("");
    // Only what is streamed piece by piece bears times: the whole text would be counted again.
    return { start, piece, end: end.replaceAll(BLANK_STAMP, "word ") };
  },
};

function describeItem(status: string, text: string | null): object {
  const content = text === null ? [] : [{ type: "output_text", text, annotations: [], logprobs: [] }];
  return { id: ITEM, type: "message", status, role: "assistant", content };
}

function describe(model: string, status: string, text: string | null, output: number | null): object {
  return {
    id: ID,
    object: "response",
    created_at: 1_760_000_000,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: null,
    model,
    output: text === null ? [] : [describeItem(status, text)],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    truncation: "disabled",
    usage: output === null ? null : sayUsage(output),
    metadata: {},
  };
}

function sayUsage(output: number): object {
  return {
    input_tokens: 210,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 210 + output,
  };
}
