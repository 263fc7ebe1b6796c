// A scripted turn as OpenAI's Responses prints it: whole, and as all of its events in their order.

import type { ResponsesRequest } from "./openai-responses-schema.ts";
import { REASONING, type ScriptedTurn, USAGE, cutPieces } from "./script.ts";
import { streamFrames } from "./strict.ts";

/** Opaque, and good for nobody else. */
export const SEALED_REASONING = `gAAAAABstrict${"x-_9".repeat(50)}==`;

type Item = Record<string, unknown> & { type: string; id: string };

export interface PrintedResponse extends Record<string, unknown> {
  id: string;
  output: Item[];
}

export function printResponse(
  request: ResponsesRequest,
  { text, calls }: ScriptedTurn,
  { id, isReasoner }: { id: string; isReasoner: boolean },
): PrintedResponse {
  const sealed = request.include?.includes("reasoning.encrypted_content") === true;
  const summary = (request.reasoning?.summary ?? null) === null ? [] : [{ type: "summary_text", text: REASONING }];
  const reasoning: Item = {
    id: `rs_${id}`,
    type: "reasoning",
    summary,
    ...(sealed ? { encrypted_content: SEALED_REASONING } : {}),
  };
  const message: Item = {
    id: `msg_${id}`,
    type: "message",
    status: "completed",
    role: "assistant",
    content: [{ type: "output_text", annotations: [], logprobs: [], text }],
  };
  const spoken = calls.map((call): Item => ({
    id: `fc_${id}_${call.number}`,
    type: "function_call",
    status: "completed",
    arguments: call.arguments,
    call_id: `call_Strict${String(call.number).padStart(18, "0")}`,
    name: call.name,
  }));
  return {
    id,
    object: "response",
    created_at: 1_760_000_000,
    status: "completed",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    model: `${request.model}-2026-01-01`,
    output: [...(isReasoner ? [reasoning] : []), ...(text === "" ? [] : [message]), ...spoken],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: request.reasoning?.summary ?? null },
    service_tier: "default",
    store: request.store ?? true,
    temperature: 1,
    text: request.text ?? { format: { type: "text" } },
    tool_choice: request.tool_choice ?? "auto",
    tools: request.tools ?? [],
    top_p: 1,
    truncation: "disabled",
    usage: {
      input_tokens: USAGE.input,
      input_tokens_details: { cached_tokens: USAGE.cached },
      output_tokens: USAGE.output,
      output_tokens_details: { reasoning_tokens: isReasoner ? USAGE.reasoning : 0 },
      total_tokens: USAGE.input + USAGE.output,
    },
    user: null,
    metadata: request.metadata ?? {},
  };
}

export function printResponseStream(response: PrintedResponse): Response {
  const frames: { event: string; data: string }[] = [];
  const send = (type: string, fields: object): void =>
    void frames.push({ event: type, data: JSON.stringify({ type, sequence_number: frames.length, ...fields }) });
  const begun = { ...response, status: "in_progress", output: [], usage: null };
  send("response.created", { response: begun });
  send("response.in_progress", { response: begun });
  for (const [output_index, item] of response.output.entries()) sendItem(send, item, output_index);
  send("response.completed", { response });
  return streamFrames(frames);
}

type Send = (type: string, fields: object) => void;

function sendItem(send: Send, item: Item, output_index: number): void {
  const place = { item_id: item.id, output_index };
  if (item.type === "reasoning") {
    const summary = item["summary"] as { text: string }[];
    send("response.output_item.added", { output_index, item: { ...item, summary: [] } });
    for (const [summary_index, { text }] of summary.entries()) {
      const at = { ...place, summary_index };
      send("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } });
      for (const delta of cutPieces(text)) send("response.reasoning_summary_text.delta", { ...at, delta });
      send("response.reasoning_summary_text.done", { ...at, text });
      send("response.reasoning_summary_part.done", { ...at, part: { type: "summary_text", text } });
    }
  } else if (item.type === "message") {
    const [part] = item["content"] as { text: string }[];
    const at = { ...place, content_index: 0 };
    send("response.output_item.added", { output_index, item: { ...item, status: "in_progress", content: [] } });
    send("response.content_part.added", { ...at, part: { ...part, text: "" } });
    for (const delta of cutPieces(part?.text ?? "")) send("response.output_text.delta", { ...at, delta, logprobs: [] });
    send("response.output_text.done", { ...at, text: part?.text, logprobs: [] });
    send("response.content_part.done", { ...at, part });
  } else {
    send("response.output_item.added", { output_index, item: { ...item, status: "in_progress", arguments: "" } });
    for (const delta of cutPieces(String(item["arguments"]))) {
      send("response.function_call_arguments.delta", { ...place, delta });
    }
    send("response.function_call_arguments.done", { ...place, arguments: item["arguments"] });
  }
  send("response.output_item.done", { output_index, item });
}
