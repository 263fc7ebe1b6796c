// Messages as strict as Anthropic's own: the version header, a limit, calls and results side by side, thinking that must come back signed.
// https://docs.anthropic.com/en/api/messages

import {
  type Block,
  COUNT,
  type CountRequest,
  MESSAGES,
  MESSAGES_OF_2026,
  type MessagesRequest,
} from "./anthropic-schema.ts";
import { UPSTREAM_KEY } from "./openai.ts";
import { check, makeStrict, type Received, Refusal, streamFrames, type StrictUpstream } from "./strict.ts";
import { REASONING, type ScriptedTurn, USAGE, cutPieces, takeTurn } from "./script.ts";

/** Longer than a line, with all that base64 has. */
const SIGNATURE = `EqQB/strict+${"aB3/".repeat(40)}==`;

const VERSIONS = ["2023-06-01", "2026-10-21"];

export function makeStrictMessages(): StrictUpstream {
  return makeStrict({ answer, printRefusal });
}

const TYPES: Readonly<Record<number, string>> = { 401: "authentication_error", 404: "not_found_error" };

function printRefusal({ status, message, code }: Refusal): Response {
  const details = code === null ? {} : { details: { error_code: code, unsupported: [] } };
  const error = { type: TYPES[status] ?? "invalid_request_error", message, ...details };
  return Response.json({ type: "error", error, request_id: "req_strict" }, { status });
}

function answer({ method, url, headers, body }: Received): Response {
  const key = headers.get("x-api-key") ?? headers.get("authorization")?.replace(/^Bearer /u, "");
  if (key !== UPSTREAM_KEY) throw new Refusal("invalid x-api-key", { status: 401 });
  const version = headers.get("anthropic-version");
  if (version === null) throw new Refusal("anthropic-version: header is required");
  if (!VERSIONS.includes(version)) throw new Refusal(`anthropic-version: "${version}" is not a valid version`);
  if (method === "GET" && url.pathname === "/v1/models") {
    return Response.json({ data: [], has_more: false, first_id: null, last_id: null });
  }
  const isCount = url.pathname === "/v1/messages/count_tokens";
  if (method !== "POST" || (!isCount && url.pathname !== "/v1/messages"))
    throw new Refusal("Not found", { status: 404 });
  const query = [...url.searchParams].filter(([key, value]) => key !== "beta" || value !== "true");
  if (query.length > 0) throw new Refusal(`Unexpected query: ${url.search}`);
  if (isCount) {
    const counted = check(COUNT, body, say);
    checkMessages(counted);
    return Response.json({ input_tokens: USAGE.input });
  }
  if (typeof body === "object" && body !== null && "thread" in body) {
    // Whoever asked for a thread sends the whole conversation then.
    const code = "thread_unsupported_request";
    throw new Refusal("thread: message threads are not available here", { code, isNegotiation: true });
  }
  const request = check(version === "2023-06-01" ? MESSAGES : MESSAGES_OF_2026, body, say);
  checkParameters(request);
  checkMarks(body);
  checkMessages(request);
  const turn = takeTurn(readConversation(request));
  return request.stream === true ? printStream(request, turn) : Response.json(printWhole(request, turn));
}

function say(path: string, { kind, text }: { kind: "unknown" | "wrong"; text: string }): string {
  const dotted = path.replaceAll(/\[(\d+)\]/gu, ".$1");
  if (kind === "unknown") return `${dotted}: Extra inputs are not permitted`;
  return `${dotted}: ${text.includes("received undefined") ? "Field required" : text}`;
}

/** Models of the generation that takes effort, and no budget and no sampling. */
const isNewer = (model: string): boolean => /^claude-(?:opus|sonnet|haiku)-5/u.test(model);

function isThinking({ thinking }: CountRequest): boolean {
  return thinking !== undefined && thinking.type !== "disabled";
}

function checkParameters(request: MessagesRequest): void {
  const { thinking, tool_choice: choice, tools = [], model } = request;
  if (thinking?.type === "enabled" && isNewer(model)) {
    throw new Refusal(
      '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    );
  }
  if (thinking?.type === "enabled" && thinking.budget_tokens >= request.max_tokens) {
    throw new Refusal("`max_tokens` must be greater than `thinking.budget_tokens`.");
  }
  if (thinking?.type === "adaptive" && !isNewer(model))
    throw new Refusal("adaptive thinking is not supported on this model");
  if (isNewer(model)) {
    for (const field of ["temperature", "top_p", "top_k"] as const) {
      if (request[field] !== undefined && request[field] !== 1)
        throw new Refusal(`\`${field}\` is deprecated for this model.`);
    }
  }
  if (isThinking(request)) {
    if ((request.temperature ?? 1) !== 1)
      throw new Refusal("`temperature` may only be set to 1 when thinking is enabled.");
    if (request.top_k !== undefined) throw new Refusal("`top_k` must be unset when thinking is enabled.");
    if (choice?.type === "any" || choice?.type === "tool") {
      throw new Refusal("Thinking may not be enabled when tool_choice forces tool use.");
    }
  }
  if (request.temperature !== undefined && request.top_p !== undefined) {
    throw new Refusal("`temperature` and `top_p` cannot both be specified for this model. Please use only one.");
  }
  if (choice !== undefined && choice.type !== "none" && tools.length === 0) {
    throw new Refusal("tool_choice may only be specified while providing tools.");
  }
  if (choice?.type === "tool" && !tools.some(({ name }) => name === choice.name)) {
    throw new Refusal(`Tool '${choice.name}' not found in provided tools`);
  }
  if (new Set(tools.map(({ name }) => name)).size < tools.length)
    throw new Refusal("tools: Tool names must be unique.");
}

function checkMarks(body: unknown): void {
  const marks = JSON.stringify(body).split('"cache_control":{').length - 1;
  if (marks > 4) throw new Refusal(`A maximum of 4 blocks with cache_control may be provided. Found ${marks}.`);
}

const listBlocks = (content: string | Block[]): Block[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : content;

function checkMessages(request: CountRequest): void {
  // A system message between turns belongs to no turn.
  const turns: { role: string; blocks: Block[] }[] = [];
  for (const { role, content } of request.messages) {
    if (role === "system") continue;
    const last = turns.at(-1);
    if (last?.role === role) last.blocks.push(...listBlocks(content));
    else turns.push({ role, blocks: [...listBlocks(content)] });
  }
  if (turns[0]?.role !== "user") throw new Refusal('messages: first message must use the "user" role');
  if (turns.at(-1)?.role !== "user") {
    throw new Refusal(
      "This model does not support assistant message prefill. The conversation must end with a user message.",
    );
  }
  for (const [index, { role, blocks }] of turns.entries()) {
    if (blocks.length === 0)
      throw new Refusal(
        `messages.${index}: all messages must have non-empty content except for the optional final assistant message`,
      );
    for (const [at, block] of blocks.entries()) checkBlock(block, { role, place: `messages.${index}.content.${at}` });
    const before = index === 0 ? [] : (turns[index - 1]?.blocks ?? []);
    checkPairs(before, blocks, index);
  }
  checkThinking(request, turns);
}

function checkBlock(block: Block, { role, place }: { role: string; place: string }): void {
  const isAssistants = ["thinking", "redacted_thinking", "tool_use"].includes(block.type);
  const isUsers = ["tool_result", "image", "document"].includes(block.type);
  if ((isAssistants && role !== "assistant") || (isUsers && role !== "user")) {
    throw new Refusal(`${place}: \`${block.type}\` blocks can not be in \`${role}\` messages`);
  }
  if (block.type === "text" && block.text.trim() === "") {
    throw new Refusal(`${place}: text content blocks must contain non-whitespace text`);
  }
  if (block.type === "thinking" && block.signature !== SIGNATURE) {
    throw new Refusal(`${place}: Invalid \`signature\` in \`thinking\` block`);
  }
  if (block.type === "thinking" && block.thinking !== REASONING) {
    throw new Refusal(
      `${place}: \`thinking\` or \`redacted_thinking\` blocks in the latest assistant message cannot be modified.`,
    );
  }
  if (block.type === "redacted_thinking")
    throw new Refusal(`${place}: Invalid \`data\` in \`redacted_thinking\` block`);
}

function checkPairs(before: readonly Block[], blocks: readonly Block[], index: number): void {
  const calls = before.flatMap((block) => (block.type === "tool_use" ? [block.id] : []));
  const head = blocks.slice(0, blocks.findLastIndex(({ type }) => type === "tool_result") + 1);
  const results = head.flatMap((block) => (block.type === "tool_result" ? [block.tool_use_id] : []));
  const stray = results.find((id) => !calls.includes(id));
  if (stray !== undefined) {
    throw new Refusal(
      `messages.${index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`,
    );
  }
  const missing = calls.filter((id) => !results.includes(id));
  if (missing.length > 0 || (calls.length > 0 && head.length > results.length)) {
    throw new Refusal(
      `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${(missing.length > 0 ? missing : calls).join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
    );
  }
  if (new Set(results).size < results.length)
    throw new Refusal("each tool_use must have a single result. Found multiple `tool_result` blocks");
  if (new Set(calls).size < calls.length) throw new Refusal("`tool_use` ids must be unique");
}

/**
 * With a budget for thinking, a turn that calls tools goes on from the thinking that led to the calls.
 * https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking: an adaptive one need not.
 */
function checkThinking(request: CountRequest, turns: readonly { role: string; blocks: Block[] }[]): void {
  const isOpen = turns.at(-1)?.blocks.some(({ type }) => type === "tool_result") ?? false;
  if (request.thinking?.type !== "enabled" || !isOpen) return;
  const [first] = turns.at(-2)?.blocks ?? [];
  if (first?.type === "thinking" || first?.type === "redacted_thinking") return;
  throw new Refusal(
    `messages.${turns.length - 2}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first?.type ?? "nothing"}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks).`,
  );
}

function readConversation(request: MessagesRequest) {
  const { messages, tools = [], tool_choice: choice, output_config: output } = request;
  const answered = messages.findLastIndex(({ role }) => role === "assistant");
  const fresh = messages.slice(answered + 1).filter(({ role }) => role === "user");
  const blocks = messages.flatMap(({ content }) => listBlocks(content));
  const isForced = choice?.type === "any" || choice?.type === "tool";
  return {
    asked: fresh.flatMap(({ content }) => joinTexts(listBlocks(content))),
    results: fresh.flatMap(({ content }) =>
      listBlocks(content).flatMap((block) =>
        block.type === "tool_result" ? [joinTexts(listBlocks(block.content ?? "")).join("\n")] : [],
      ),
    ),
    tools: choice?.type === "none" ? [] : tools.map(({ name }) => name),
    spoken: blocks.filter(({ type }) => type === "tool_use").length,
    json: (output?.format ?? null) !== null,
    forced: choice?.type === "tool" ? choice.name : isForced,
  };
}

function joinTexts(blocks: readonly Block[]): string[] {
  const texts = blocks.flatMap((block) => (block.type === "text" ? [block.text] : []));
  return texts.length === 0 ? [] : [texts.join("\n")];
}

const printId = (number: number): string => `toolu_01Strict${String(number).padStart(16, "0")}`;

const printHead = ({ model }: MessagesRequest) => ({ id: "msg_01Strict", type: "message", role: "assistant", model });

const INPUT_USAGE = {
  input_tokens: USAGE.input - USAGE.cached,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: USAGE.cached,
};

function printWhole(request: MessagesRequest, { text, calls }: ScriptedTurn): object {
  return {
    ...printHead(request),
    content: [
      ...(isThinking(request) ? [{ type: "thinking", thinking: REASONING, signature: SIGNATURE }] : []),
      ...(text === "" ? [] : [{ type: "text", text }]),
      ...calls.map((call) => ({
        type: "tool_use",
        id: printId(call.number),
        name: call.name,
        input: JSON.parse(call.arguments) as unknown,
      })),
    ],
    stop_reason: calls.length > 0 ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { ...INPUT_USAGE, output_tokens: USAGE.output, service_tier: "standard" },
  };
}

function printStream(request: MessagesRequest, { text, calls }: ScriptedTurn): Response {
  const frames: { event: string; data: string }[] = [];
  const send = (type: string, fields: object): void =>
    void frames.push({ event: type, data: JSON.stringify({ type, ...fields }) });
  let index = 0;
  const sendBlock = (block: object, deltas: readonly object[]): void => {
    send("content_block_start", { index, content_block: block });
    for (const delta of deltas) send("content_block_delta", { index, delta });
    send("content_block_stop", { index });
    index++;
  };
  const message = { ...printHead(request), content: [], stop_reason: null, stop_sequence: null };
  send("message_start", { message: { ...message, usage: { ...INPUT_USAGE, output_tokens: 1 } } });
  if (isThinking(request)) {
    sendBlock({ type: "thinking", thinking: "", signature: "" }, [
      ...cutPieces(REASONING).map((thinking) => ({ type: "thinking_delta", thinking })),
      { type: "signature_delta", signature: SIGNATURE },
    ]);
  }
  send("ping", {});
  if (text !== "") {
    sendBlock(
      { type: "text", text: "" },
      cutPieces(text).map((piece) => ({ type: "text_delta", text: piece })),
    );
  }
  for (const call of calls) {
    const pieces = ["", ...(call.arguments === "{}" ? [] : cutPieces(call.arguments))];
    sendBlock(
      { type: "tool_use", id: printId(call.number), name: call.name, input: {} },
      pieces.map((piece) => ({ type: "input_json_delta", partial_json: piece })),
    );
  }
  const delta = { stop_reason: calls.length > 0 ? "tool_use" : "end_turn", stop_sequence: null };
  send("message_delta", { delta, usage: { ...INPUT_USAGE, output_tokens: USAGE.output } });
  send("message_stop", {});
  return streamFrames(frames);
}
