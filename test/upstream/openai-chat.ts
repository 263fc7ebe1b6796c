// Chat Completions as strict as OpenAI's own: unknown fields, empty tools, results without calls, parameters that a reasoning model refuses.
// https://platform.openai.com/docs/api-reference/chat

import { type ChatRequest, REQUEST } from "./openai-chat-schema.ts";
import {
  findLaxSchema,
  isOpenModel,
  isReasoner,
  printOpenaiRefusal,
  reasons,
  requireBearer,
  sayOpenai,
} from "./openai.ts";
import {
  check,
  type Dialect,
  makeStrict,
  type Received,
  Refusal,
  streamFrames,
  type StrictUpstream,
} from "./strict.ts";
import { type ScriptedTurn, USAGE, cutPieces, takeTurn } from "./script.ts";

export const CHAT_DIALECT: Dialect = { answer, printRefusal: printOpenaiRefusal };

export function makeStrictChat(): StrictUpstream {
  return makeStrict(CHAT_DIALECT);
}

function answer({ method, url, headers, body }: Received): Response {
  requireBearer(headers);
  if (method === "GET" && url.pathname === "/v1/models") return Response.json({ object: "list", data: [] });
  if (method !== "POST" || url.pathname !== "/v1/chat/completions") {
    throw new Refusal(`Invalid URL (${method} ${url.pathname})`, { status: 404 });
  }
  const request = check(REQUEST, body, sayOpenai);
  checkModel(request);
  checkCompany(request);
  checkOrder(request);
  const turn = takeTurn(readConversation(request));
  return request.stream === true ? printStream(request, turn) : Response.json(printWhole(request, turn));
}

function checkModel(request: ChatRequest): void {
  if (needsResponses(request)) {
    throw new Refusal(
      `Function tools with reasoning_effort are not supported for ${request.model} in /v1/chat/completions. Please use /v1/responses instead.`,
      { param: "reasoning_effort" },
    );
  }
  const refuse = (param: string): never => {
    throw new Refusal(`Unsupported parameter: '${param}' is not supported with this model.`, {
      param,
      code: "unsupported_parameter",
    });
  };
  const effort = request.reasoning_effort ?? null;
  if (isOpenModel(request.model)) return;
  if (!isReasoner(request.model)) {
    if (effort !== null) throw new Refusal("Unrecognized request argument supplied: reasoning_effort");
    return;
  }
  if ((request.max_tokens ?? null) !== null) refuse("max_tokens");
  if (!reasons(request.model, effort)) return;
  for (const field of ["logprobs", "top_logprobs", "logit_bias", "stop"] as const) {
    if ((request[field] ?? false) !== false) refuse(field);
  }
  for (const [field, usual] of [
    ["temperature", 1],
    ["top_p", 1],
    ["presence_penalty", 0],
    ["frequency_penalty", 0],
  ] as const) {
    if ((request[field] ?? usual) !== usual) {
      throw new Refusal(
        `Unsupported value: '${field}' does not support ${request[field]} with this model. Only the default (${usual}) value is supported.`,
        { param: field, code: "unsupported_value" },
      );
    }
  }
}

/** Since 5.4 a model that reasons is given tools by the newer format alone. https://developers.openai.com/api/docs/guides/latest-model */
function needsResponses({ model, tools, reasoning_effort: effort }: ChatRequest): boolean {
  return /^gpt-5\.[4-9]/u.test(model) && tools !== undefined && (effort ?? "none") !== "none";
}

/** Fields that are taken only beside others. */
function checkCompany(request: ChatRequest): void {
  if ((request.stream_options ?? null) !== null && request.stream !== true) {
    throw new Refusal("The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: "stream_options",
    });
  }
  for (const field of ["tool_choice", "parallel_tool_calls"] as const) {
    if (request[field] !== undefined && request.tools === undefined) {
      throw new Refusal(`Invalid value for '${field}': '${field}' is only allowed when 'tools' are specified.`, {
        param: field,
      });
    }
  }
  if ((request.top_logprobs ?? null) !== null && request.logprobs !== true) {
    throw new Refusal("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", {
      param: "top_logprobs",
    });
  }
  if ((request.metadata ?? null) !== null && request.store !== true) {
    throw new Refusal("The 'metadata' parameter is only allowed when 'store' is enabled.", { param: "metadata" });
  }
  if ((request.max_tokens ?? null) !== null && (request.max_completion_tokens ?? null) !== null) {
    throw new Refusal("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.");
  }
  const format = request.response_format;
  if (format?.type === "json_object" && !/json/iu.test(JSON.stringify(request.messages))) {
    throw new Refusal(
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
      { param: "messages" },
    );
  }
  const lax =
    format?.type === "json_schema" && format.json_schema.strict === true
      ? findLaxSchema(format.json_schema.schema ?? {})
      : null;
  if (lax !== null) throw new Refusal(`Invalid schema for response_format: ${lax}`, { param: "response_format" });
  for (const [index, entry] of (request.tools ?? []).entries()) {
    if (entry.type !== "function" || entry.function.strict !== true) continue;
    const loose = findLaxSchema(entry.function.parameters ?? {});
    if (loose !== null)
      throw new Refusal(`Invalid schema for function '${entry.function.name}': ${loose}`, {
        param: `tools[${index}].function.parameters`,
      });
  }
  const names = (request.tools ?? []).map((entry) =>
    entry.type === "function" ? entry.function.name : entry.custom.name,
  );
  const { tool_choice: choice } = request;
  if (typeof choice === "object" && choice.type === "function" && !names.includes(choice.function.name)) {
    throw new Refusal(`Tool choice '${choice.function.name}' not found in 'tools' parameter.`, {
      param: "tool_choice",
    });
  }
}

/** Results follow their calls at once, and every call has one. */
function checkOrder({ messages }: ChatRequest): void {
  let open: string[] = [];
  for (const [index, entry] of messages.entries()) {
    if (entry.role === "tool") {
      if (!open.includes(entry.tool_call_id)) {
        throw new Refusal(
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
          { param: `messages[${index}].role` },
        );
      }
      open = open.filter((id) => id !== entry.tool_call_id);
      continue;
    }
    refuseOpen(open);
    if (entry.role !== "assistant") continue;
    if ((entry.content ?? null) === null && entry.tool_calls === undefined && (entry.refusal ?? null) === null) {
      throw new Refusal(`Invalid value for 'content': expected a string, got null.`, {
        param: `messages.[${index}].content`,
      });
    }
    open = (entry.tool_calls ?? []).map(({ id }) => id);
    if (new Set(open).size < open.length)
      throw new Refusal("Duplicate value for 'tool_call_id'", { param: `messages[${index}]` });
  }
  refuseOpen(open);
}

function refuseOpen(open: readonly string[]): void {
  if (open.length === 0) return;
  throw new Refusal(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${open.join(", ")}`,
    { param: "messages" },
  );
}

function readConversation({ messages, tools = [], tool_choice: choice, response_format: format }: ChatRequest) {
  const answered = messages.findLastIndex(({ role }) => role === "assistant");
  const fresh = messages.slice(answered + 1);
  const forced =
    typeof choice === "object" && choice.type === "function"
      ? choice.function.name
      : choice === "required"
        ? true
        : undefined;
  return {
    asked: fresh.flatMap((entry) => (entry.role === "user" ? [readText(entry.content)] : [])),
    results: fresh.flatMap((entry) => (entry.role === "tool" ? [readText(entry.content)] : [])),
    tools: choice === "none" ? [] : tools.flatMap((entry) => (entry.type === "function" ? [entry.function.name] : [])),
    spoken: messages.reduce(
      (sum, entry) => sum + (entry.role === "assistant" ? (entry.tool_calls?.length ?? 0) : 0),
      0,
    ),
    json: format?.type === "json_object" || format?.type === "json_schema",
    ...(forced === undefined ? {} : { forced }),
  };
}

function readText(content: string | readonly { type: string; text?: string }[]): string {
  if (typeof content === "string") return content;
  return content.flatMap(({ text }) => (text === undefined ? [] : [text])).join("\n");
}

const head = ({ model }: ChatRequest, object: string) => ({
  id: "chatcmpl-strict0001",
  object,
  created: 1_760_000_000,
  model: `${model}-2026-01-01`,
  service_tier: "default",
  system_fingerprint: "fp_strict",
});

const printUsage = ({ model, reasoning_effort: effort }: ChatRequest) => ({
  prompt_tokens: USAGE.input,
  completion_tokens: USAGE.output,
  total_tokens: USAGE.input + USAGE.output,
  prompt_tokens_details: { cached_tokens: USAGE.cached, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: reasons(model, effort ?? null) ? USAGE.reasoning : 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
});

const printId = (number: number): string => `call_Strict${String(number).padStart(18, "0")}`;

function printWhole(request: ChatRequest, { text, calls }: ScriptedTurn): object {
  const spoken = calls.map((call) => ({
    id: printId(call.number),
    type: "function",
    function: { name: call.name, arguments: call.arguments },
  }));
  const message = {
    role: "assistant",
    content: calls.length > 0 ? null : text,
    ...(calls.length > 0 ? { tool_calls: spoken } : {}),
    refusal: null,
    annotations: [],
  };
  const choice = { index: 0, message, logprobs: null, finish_reason: calls.length > 0 ? "tool_calls" : "stop" };
  return { ...head(request, "chat.completion"), choices: [choice], usage: printUsage(request) };
}

function printStream(request: ChatRequest, { text, calls }: ScriptedTurn): Response {
  const withUsage = request.stream_options?.include_usage === true;
  const base = { ...head(request, "chat.completion.chunk"), ...(withUsage ? { usage: null } : {}) };
  const chunk = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
  const chunks: object[] = [
    chunk({ role: "assistant", content: calls.length > 0 ? null : "", refusal: null }),
    ...cutPieces(text).map((piece) => chunk({ content: piece })),
    ...calls.flatMap((call, index) => {
      const start = { index, id: printId(call.number), type: "function", function: { name: call.name, arguments: "" } };
      const rest = cutPieces(call.arguments).map((piece) => ({ index, function: { arguments: piece } }));
      return [start, ...rest].map((delta) => chunk({ tool_calls: [delta] }));
    }),
    chunk({}, calls.length > 0 ? "tool_calls" : "stop"),
  ];
  if (withUsage) chunks.push({ ...base, choices: [], usage: printUsage(request) });
  return streamFrames([...chunks.map((data) => ({ data: JSON.stringify(data) })), { data: "[DONE]" }]);
}
