// Bedrock as strict as the real one, Converse and Claude's own format both: signed requests, turns that alternate, results for every call, reasoning that comes back signed, and
// streams in Amazon's binary framing. https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html

import { type Block, type ConverseRequest, type Message, REQUEST } from "./bedrock-schema.ts";
import { makeStrictMessages } from "./anthropic-messages.ts";
import { encodeMessage } from "./event-stream.ts";
import { UPSTREAM_KEY } from "./openai.ts";
import { REASONING, type ScriptedTurn, USAGE, cutPieces, takeTurn } from "./script.ts";
import { findBadSignature } from "./sigv4.ts";
import { check, makeStrict, type Received, Refusal, type StrictUpstream } from "./strict.ts";

const SIGNATURE = `ErUBstrict/bedrock+${"Zz9/".repeat(30)}=`;

export function makeStrictBedrock(): StrictUpstream {
  return makeStrict({ answer, printRefusal });
}

const TYPES: Readonly<Record<number, string>> = { 403: "AccessDeniedException", 404: "ResourceNotFoundException" };

function printRefusal({ status, message }: Refusal): Response {
  const type = TYPES[status] ?? "ValidationException";
  return Response.json(
    { message },
    { status, headers: { "x-amzn-errortype": `${type}:http://internal.amazon.com/coral/` } },
  );
}

function answer({ method, url, headers, body, text }: Received): Response | Promise<Response> {
  const isBearer = headers.get("authorization") === `Bearer ${UPSTREAM_KEY}`;
  const wrong = isBearer ? null : findBadSignature({ method, url, headers, text }, UPSTREAM_KEY);
  if (wrong !== null) throw new Refusal(wrong, { status: 403 });
  if (method === "GET" && url.pathname === "/foundation-models") return Response.json({ modelSummaries: [] });
  if (method === "GET" && url.pathname === "/inference-profiles") {
    return Response.json({ inferenceProfileSummaries: [] });
  }
  const pattern = /^\/model\/([^/]+)\/(converse|converse-stream|invoke|invoke-with-response-stream)$/u;
  const [, encoded = "", verb] = pattern.exec(url.pathname) ?? [];
  const model = decodeURIComponent(encoded);
  if (method !== "POST" || verb === undefined)
    throw new Refusal(`${method} ${url.pathname} is no operation`, { status: 404 });
  if (verb.startsWith("invoke")) return invokeClaude(model, body, verb !== "invoke");
  const request = check(REQUEST, body, (path, { kind, text: said }) =>
    kind === "unknown"
      ? `The model returned the following errors: ${path}: Extra inputs are not permitted`
      : `${path}: ${said}`,
  );
  checkTurns(request);
  checkThinking(request, model);
  const turn = takeTurn(readConversation(request));
  return verb === "converse" ? Response.json(printWhole(request, turn)) : printStream(request, turn);
}

const claude = makeStrictMessages();

/** Anthropic's own format, with the version in the body, the model in the address, and the events packed in frames. */
async function invokeClaude(id: string, body: unknown, stream: boolean): Promise<Response> {
  if (typeof body !== "object" || body === null) throw new Refusal("Malformed input request");
  const { anthropic_version: version, anthropic_beta: betas, ...rest } = Object.fromEntries(Object.entries(body));
  if (version !== "bedrock-2023-05-31") throw new Refusal("anthropic_version: Field required");
  for (const field of ["model", "stream"]) {
    if (field in rest) throw new Refusal(`${field}: Extra inputs are not permitted`);
  }
  if (betas !== undefined && !Array.isArray(betas)) throw new Refusal("anthropic_beta: Input should be a valid list");
  const stray = (Array.isArray(betas) ? betas : []).find((beta) => !BETAS.includes(String(beta)));
  if (stray !== undefined) throw new Refusal(`invalid beta flag: ${String(stray)}`);
  const model = /anthropic\.(claude-[a-z0-9-]*?)(?:-v\d.*)?$/u.exec(id)?.[1] ?? "";
  const response = await claude.fetch(
    new Request("http://strict.test/v1/messages", {
      method: "POST",
      headers: { "x-api-key": UPSTREAM_KEY, "anthropic-version": "2023-06-01", "content-type": "application/json" },
      body: JSON.stringify({ model, stream, ...rest }),
    }),
  );
  const answered = await response.text();
  if (!response.ok) throw new Refusal(readMessage(answered), { status: response.status });
  if (!stream) return new Response(answered, { headers: { "content-type": "application/json" } });
  const events = [...answered.matchAll(/^data: (.*)$/gmu)].map(([, data = ""]) => data);
  return streamMessages(
    events.map((data) => encodeMessage(EVENT("chunk"), { bytes: Buffer.from(data).toString("base64"), p: "abcdef" })),
  );
}

const BETAS = [
  "compact-2026-01-12",
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  "context-1m-2025-08-07",
  "context-management-2025-06-27",
  "effort-2025-11-24",
  "fine-grained-tool-streaming-2025-05-14",
  "interleaved-thinking-2025-05-14",
  "mid-conversation-output-config-2026-07-01",
  "mid-conversation-tool-changes-2026-07-01",
  "output-128k-2025-02-19",
  "thinking-binding-controls-2026-08-01",
  "thinking-display-updates-2026-08-18",
  "token-efficient-tools-2025-02-19",
  "tool-examples-2025-10-29",
  "tool-search-tool-2025-10-19",
];

function readMessage(text: string): string {
  const body: { error: { message: string } } = JSON.parse(text);
  return body.error.message;
}

const EVENT = (type: string) => ({
  ":event-type": type,
  ":content-type": "application/json",
  ":message-type": "event",
});

const callsOf = (message: Message | undefined) =>
  (message?.content ?? []).flatMap((block) => ("toolUse" in block ? [block.toolUse] : []));
const resultsOf = (message: Message) =>
  message.content.flatMap((block) => ("toolResult" in block ? [block.toolResult] : []));

function checkTurns({ messages, toolConfig }: ConverseRequest): void {
  if (messages[0]?.role !== "user") {
    throw new Refusal(
      "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
    );
  }
  if (messages.at(-1)?.role !== "user")
    throw new Refusal(
      "This model does not support assistant message prefill. The conversation must end with a user message.",
    );
  for (const [index, message] of messages.entries()) {
    if (index > 0 && messages[index - 1]?.role === message.role) {
      throw new Refusal(
        "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
      );
    }
    const calls = callsOf(messages[index - 1]).map(({ toolUseId }) => toolUseId);
    const results = resultsOf(message).map(({ toolUseId }) => toolUseId);
    const usesTools = callsOf(message).length + results.length > 0;
    if (usesTools && toolConfig === undefined) {
      throw new Refusal("The toolConfig field must be defined when using toolUse and toolResult content blocks.");
    }
    if (message.role === "user" ? callsOf(message).length > 0 : results.length > 0) {
      throw new Refusal(`messages.${index}: tool blocks of the other role`);
    }
    if (results.length > calls.length) {
      throw new Refusal(
        `The number of toolResult blocks at messages.${index}.content exceeds the number of toolUse blocks of previous turn.`,
      );
    }
    const missing = calls.filter((id) => !results.includes(id));
    if (missing.length > 0)
      throw new Refusal(
        `Expected toolResult blocks at messages.${index}.content for the following Ids: ${missing.join(", ")}`,
      );
    if (new Set(calls).size < calls.length)
      throw new Refusal(`The toolUse blocks at messages.${index - 1}.content contain duplicate Ids`);
    for (const block of message.content) checkReasoning(block, message.role);
  }
}

function checkReasoning(block: Block, role: string): void {
  if (!("reasoningContent" in block)) return;
  const { reasoningContent: content } = block;
  const isOurs =
    "reasoningText" in content &&
    content.reasoningText.signature === SIGNATURE &&
    content.reasoningText.text === REASONING;
  if (role !== "assistant" || !isOurs)
    throw new Refusal("The model returned the following errors: Invalid `signature` in `thinking` block");
}

function isThinking({ additionalModelRequestFields: fields }: ConverseRequest): boolean {
  const thinking = fields?.["thinking"];
  return typeof thinking === "object" && thinking !== null && "type" in thinking && thinking.type !== "disabled";
}

const MODEL_FIELDS = ["anthropic_beta", "output_config", "thinking", "tool_choice", "tools", "top_k"];

function checkThinking(request: ConverseRequest, model: string): void {
  const { inferenceConfig: config = {}, toolConfig, messages, additionalModelRequestFields: fields = {} } = request;
  const stray = Object.keys(fields).find((name) => !model.includes("anthropic.") || !MODEL_FIELDS.includes(name));
  if (stray !== undefined)
    throw new Refusal(`The model returned the following errors: ${stray}: Extra inputs are not permitted`);
  if (config.temperature !== undefined && config.topP !== undefined && model.includes("anthropic.")) {
    throw new Refusal(
      "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    );
  }
  if (!isThinking(request)) return;
  const { thinking } = fields;
  const budget =
    typeof thinking === "object" && thinking !== null && "budget_tokens" in thinking
      ? Number(thinking.budget_tokens)
      : null;
  if (budget !== null && (budget < 1024 || budget >= (config.maxTokens ?? 0))) {
    throw new Refusal(
      "The model returned the following errors: `max_tokens` must be greater than `thinking.budget_tokens`.",
    );
  }
  if ((config.temperature ?? 1) !== 1)
    throw new Refusal("`temperature` may only be set to 1 when thinking is enabled.");
  if (toolConfig?.toolChoice !== undefined && !("auto" in toolConfig.toolChoice)) {
    throw new Refusal("Thinking may not be enabled when tool_choice forces tool use.");
  }
  const last = messages.at(-1);
  const [first] = messages.at(-2)?.content ?? [];
  if (
    budget !== null &&
    last !== undefined &&
    resultsOf(last).length > 0 &&
    (first === undefined || !("reasoningContent" in first))
  ) {
    throw new Refusal(
      "The model returned the following errors: Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
    );
  }
}

function readConversation({ messages, toolConfig, system }: ConverseRequest) {
  const fresh = messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
  const choice = toolConfig?.toolChoice ?? { auto: {} };
  return {
    asked: fresh.flatMap(({ content }) => joinTexts(content)),
    results: fresh
      .flatMap(resultsOf)
      .map(({ content }) =>
        content
          .map((part) => ("text" in part ? part.text : JSON.stringify("json" in part ? part.json : "")))
          .join("\n"),
      ),
    tools: (toolConfig?.tools ?? []).flatMap((tool) => ("toolSpec" in tool ? [tool.toolSpec.name] : [])),
    spoken: messages.flatMap(callsOf).length,
    forced: "tool" in choice ? choice.tool.name : "any" in choice,
    json: JSON.stringify(system ?? []).includes("JSON schema"),
  };
}

function joinTexts(content: readonly Block[]): string[] {
  const texts = content.flatMap((block) => ("text" in block ? [block.text] : []));
  return texts.length === 0 ? [] : [texts.join("\n")];
}

const printId = (number: number): string => `tooluse_Strict${String(number).padStart(8, "0")}`;

const PRINTED_USAGE = {
  inputTokens: USAGE.input - USAGE.cached,
  outputTokens: USAGE.output,
  totalTokens: USAGE.input + USAGE.output,
  cacheReadInputTokens: USAGE.cached,
  cacheWriteInputTokens: 0,
};

function printWhole(request: ConverseRequest, { text, calls }: ScriptedTurn): object {
  const content = [
    ...(isThinking(request)
      ? [{ reasoningContent: { reasoningText: { text: REASONING, signature: SIGNATURE } } }]
      : []),
    ...(text === "" ? [] : [{ text }]),
    ...calls.map((call) => ({
      toolUse: { toolUseId: printId(call.number), name: call.name, input: JSON.parse(call.arguments) as unknown },
    })),
  ];
  return {
    output: { message: { role: "assistant", content } },
    stopReason: calls.length > 0 ? "tool_use" : "end_turn",
    usage: PRINTED_USAGE,
    metrics: { latencyMs: 12 },
  };
}

function printStream(request: ConverseRequest, { text, calls }: ScriptedTurn): Response {
  const messages: Uint8Array[] = [];
  const send = (type: string, payload: object): void => {
    // The padding hides lengths from listeners.
    messages.push(encodeMessage(EVENT(type), { ...payload, p: "abcdefghijk" }));
  };
  let contentBlockIndex = 0;
  const sendBlock = (start: object | null, deltas: readonly object[]): void => {
    if (start !== null) send("contentBlockStart", { contentBlockIndex, start });
    for (const delta of deltas) send("contentBlockDelta", { contentBlockIndex, delta });
    send("contentBlockStop", { contentBlockIndex });
    contentBlockIndex++;
  };
  send("messageStart", { role: "assistant" });
  if (isThinking(request)) {
    const pieces = cutPieces(REASONING).map((piece) => ({ reasoningContent: { text: piece } }));
    sendBlock(null, [...pieces, { reasoningContent: { signature: SIGNATURE } }]);
  }
  if (text !== "")
    sendBlock(
      null,
      cutPieces(text).map((piece) => ({ text: piece })),
    );
  for (const call of calls) {
    const start = { toolUse: { toolUseId: printId(call.number), name: call.name } };
    const pieces = call.arguments === "{}" ? [] : cutPieces(call.arguments);
    sendBlock(
      start,
      pieces.map((input) => ({ toolUse: { input } })),
    );
  }
  send("messageStop", { stopReason: calls.length > 0 ? "tool_use" : "end_turn" });
  send("metadata", { usage: PRINTED_USAGE, metrics: { latencyMs: 12 } });
  return streamMessages(messages);
}

function streamMessages(messages: readonly Uint8Array[]): Response {
  const bytes = new Blob(messages.map((message) => Buffer.from(message)));
  return new Response(bytes.stream(), { headers: { "content-type": "application/vnd.amazon.eventstream" } });
}
