// Cohere's Chat API as strict as the real one: a closed body, results for every call, answers held to a form only where nothing stands beside.
// https://docs.cohere.com/reference/chat

import * as z from "zod";
import { UPSTREAM_KEY, toolName } from "./openai.ts";
import { REASONING, type ScriptedTurn, USAGE, cutPieces, takeTurn } from "./script.ts";
import { check, makeStrict, type Received, Refusal, type StrictUpstream, streamFrames } from "./strict.ts";

const text = z.strictObject({ type: z.literal("text"), text: z.string().min(1) });
const thinking = z.strictObject({ type: z.literal("thinking"), thinking: z.string().min(1) });
const detail = z.enum(["auto", "high", "low"]).optional();
const image = z.strictObject({ type: z.literal("image_url"), image_url: z.strictObject({ url: z.string(), detail }) });
const call = z.strictObject({
  id: z.string().min(1),
  type: z.literal("function"),
  function: z.strictObject({ name: toolName, arguments: z.string() }),
});
const data = z.record(z.string(), z.unknown());
const document = z.strictObject({
  type: z.literal("document"),
  document: z.strictObject({ id: z.string().optional(), data }),
});

const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("system"), content: z.union([z.string(), z.array(text).min(1)]) }),
  z.strictObject({ role: z.literal("user"), content: z.union([z.string(), z.array(z.union([text, image])).min(1)]) }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z.union([z.string(), z.array(z.union([text, thinking])).min(1)]).optional(),
    tool_calls: z.array(call).min(1).optional(),
    tool_plan: z.string().optional(),
    citations: z.array(z.unknown()).optional(),
  }),
  z.strictObject({
    role: z.literal("tool"),
    tool_call_id: z.string().min(1),
    content: z.union([z.string(), z.array(z.union([text, document])).min(1)]),
  }),
]);

export const COHERE_REQUEST = z.strictObject({
  model: z.string(),
  messages: z.array(message).min(1),
  stream: z.boolean().optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal("function"),
        function: z.strictObject({
          name: toolName,
          description: z.string().optional(),
          parameters: z.looseObject({ type: z.literal("object") }),
        }),
      }),
    )
    .min(1)
    .optional(),
  tool_choice: z.enum(["REQUIRED", "NONE"]).optional(),
  strict_tools: z.boolean().optional(),
  documents: z.array(z.union([z.string(), z.strictObject({ id: z.string().optional(), data })])).optional(),
  citation_options: z.strictObject({ mode: z.string() }).optional(),
  response_format: z.strictObject({ type: z.enum(["json_object", "text"]), json_schema: data.optional() }).optional(),
  safety_mode: z.enum(["CONTEXTUAL", "STRICT", "OFF"]).optional(),
  max_tokens: z.int().min(1).optional(),
  stop_sequences: z.array(z.string()).max(5).optional(),
  temperature: z.number().min(0).optional(),
  seed: z.int().optional(),
  frequency_penalty: z.number().min(0).max(1).optional(),
  presence_penalty: z.number().min(0).max(1).optional(),
  k: z.int().min(0).max(500).optional(),
  p: z.number().min(0.01).max(0.99).optional(),
  logprobs: z.boolean().optional(),
  thinking: z
    .strictObject({ type: z.enum(["enabled", "disabled"]), token_budget: z.int().min(1).optional() })
    .optional(),
  priority: z.int().optional(),
});
type CohereRequest = z.output<typeof COHERE_REQUEST>;
type Message = CohereRequest["messages"][number];

export function makeStrictCohere(): StrictUpstream {
  return makeStrict({
    answer,
    printRefusal: ({ status, message: said }) => Response.json({ id: "strict", message: said }, { status }),
  });
}

function answer({ method, url, headers, body }: Received): Response {
  if (headers.get("authorization") !== `Bearer ${UPSTREAM_KEY}`)
    throw new Refusal("invalid api token", { status: 401 });
  if (method === "GET" && url.pathname === "/v1/models") return Response.json({ models: [] });
  if (method !== "POST" || url.pathname !== "/v2/chat") throw new Refusal("not found", { status: 404 });
  const request = check(COHERE_REQUEST, body, (path, { kind, text: said }) =>
    kind === "unknown" ? `invalid request: unknown field "${path}"` : `invalid request: ${path}: ${said}`,
  );
  const [wrong] = judgeCohere(request);
  if (wrong !== undefined) throw new Refusal(wrong);
  const turn = takeTurn(readConversation(request));
  return request.stream === true ? printStream(request, turn) : Response.json(printWhole(request, turn));
}

/** What Cohere would refuse beyond the form of the fields, in sentences. */
export function judgeCohere(request: CohereRequest): string[] {
  const wrong: string[] = [];
  const { messages, tools = [], documents = [], response_format: format } = request;
  if (format?.type === "json_object" && tools.length + documents.length > 0) {
    wrong.push("invalid request: response_format is not supported with tools or documents");
  }
  if (request.tool_choice !== undefined && tools.length === 0) wrong.push("invalid request: tool_choice without tools");
  const isWhole = tools.every(
    ({ function: { parameters } }) => ((parameters["required"] as unknown[]) ?? []).length > 0,
  );
  if (request.strict_tools === true && !isWhole) wrong.push("invalid tools: each needs a required parameter");
  const calls = messages.flatMap(callsOf);
  const results = messages.flatMap((item) => (item.role === "tool" ? [item.tool_call_id] : []));
  if (results.some((id) => !calls.some((made) => made.id === id)))
    wrong.push("invalid request: a result without a call");
  if (
    messages.some((item) => item.role === "assistant" && item.content === undefined && item.tool_calls === undefined)
  ) {
    wrong.push("invalid request: an assistant message must have content or tool calls");
  }
  return wrong;
}

const callsOf = (item: Message) => (item.role === "assistant" ? (item.tool_calls ?? []) : []);

const textsOf = ({ content = "" }: Message): string[] => {
  if (typeof content === "string") return content === "" ? [] : [content];
  const texts = content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  return texts.length === 0 ? [] : [texts.join("\n")];
};

function readConversation({ messages, tools = [], tool_choice: choice, response_format: format }: CohereRequest) {
  const fresh = messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
  return {
    asked: fresh.filter(({ role }) => role === "user").flatMap(textsOf),
    results: fresh.filter(({ role }) => role === "tool").map((item) => textsOf(item).join("\n")),
    tools: choice === "NONE" ? [] : tools.map((tool) => tool.function.name),
    spoken: messages.flatMap(callsOf).length,
    forced: choice === "REQUIRED",
    json: format?.type === "json_object",
  };
}

const printId = (number: number): string => `look_up_Strict${String(number).padStart(6, "0")}`;

const PRINTED_USAGE = {
  billed_units: { input_tokens: USAGE.input, output_tokens: USAGE.output },
  tokens: { input_tokens: USAGE.input + 500, output_tokens: USAGE.output + 9 },
  cached_tokens: USAGE.input + 400,
};

const finishOf = ({ calls }: ScriptedTurn): string => (calls.length > 0 ? "TOOL_CALL" : "COMPLETE");
const thinks = ({ thinking: config, model }: CohereRequest): boolean =>
  model.includes("reasoning") && config?.type === "enabled";

function printWhole(request: CohereRequest, turn: ScriptedTurn): object {
  const content = [
    ...(thinks(request) ? [{ type: "thinking", thinking: REASONING }] : []),
    ...(turn.text === "" ? [] : [{ type: "text", text: turn.text }]),
  ];
  const calls = turn.calls.map((made) => ({
    id: printId(made.number),
    type: "function",
    function: { name: made.name, arguments: made.arguments },
  }));
  return {
    id: "strict-1",
    message: {
      role: "assistant",
      ...(content.length === 0 ? {} : { content }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
    finish_reason: finishOf(turn),
    usage: PRINTED_USAGE,
  };
}

function printStream(request: CohereRequest, turn: ScriptedTurn): Response {
  const frames: { event: string; data: string }[] = [];
  const send = (type: string, fields: object): void =>
    void frames.push({ event: type, data: JSON.stringify({ type, ...fields }) });
  const role = { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] };
  send("message-start", { id: "strict-1", delta: { message: role } });
  let index = 0;
  const sendContent = (type: "text" | "thinking", said: string): void => {
    send("content-start", { index, delta: { message: { content: { type, [type]: "" } } } });
    for (const piece of cutPieces(said))
      send("content-delta", { index, delta: { message: { content: { [type]: piece } } } });
    send("content-end", { index });
    index++;
  };
  if (thinks(request)) sendContent("thinking", REASONING);
  if (turn.text !== "") sendContent("text", turn.text);
  for (const [at, made] of turn.calls.entries()) {
    const start = { id: printId(made.number), type: "function", function: { name: made.name, arguments: "" } };
    send("tool-call-start", { index: at, delta: { message: { tool_calls: start } } });
    for (const piece of cutPieces(made.arguments)) {
      send("tool-call-delta", { index: at, delta: { message: { tool_calls: { function: { arguments: piece } } } } });
    }
    send("tool-call-end", { index: at });
  }
  send("message-end", { delta: { finish_reason: finishOf(turn), usage: PRINTED_USAGE } });
  return streamFrames(frames);
}
