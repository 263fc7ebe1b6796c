// The body of a Responses request, closed: what OpenAI's server takes, and nothing beside it.
// https://platform.openai.com/docs/api-reference/responses/create

import * as z from "zod";
import { toolName } from "./openai.ts";

const status = z.enum(["in_progress", "completed", "incomplete"]).nullish();
const itemId = (prefix: string) =>
  z
    .string()
    .max(64)
    .refine((id) => id.startsWith(prefix), { error: `Expected an ID that begins with '${prefix}'` })
    .nullish();
const callId = z.string().min(1).max(64);

const inputPart = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("input_text"), text: z.string() }),
  z.strictObject({
    type: z.literal("input_image"),
    image_url: z.string().nullish(),
    file_id: z.string().nullish(),
    detail: z.enum(["low", "high", "auto", "original"]).nullish(),
  }),
  z.strictObject({
    type: z.literal("input_file"),
    file_id: z.string().nullish(),
    file_data: z.string().optional(),
    file_url: z.string().optional(),
    filename: z.string().optional(),
    detail: z.string().optional(),
  }),
]);
const outputPart = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("output_text"),
    text: z.string(),
    annotations: z.array(z.unknown()).optional(),
    logprobs: z.array(z.unknown()).optional(),
  }),
  z.strictObject({ type: z.literal("refusal"), refusal: z.string() }),
]);
const message = { type: z.literal("message").optional(), id: itemId("msg"), status, phase: z.string().nullish() };
const heard = { ...message, content: z.union([z.string(), z.array(inputPart)]) };
const said = z.discriminatedUnion("role", [
  z.strictObject({ ...heard, role: z.literal(["user", "system", "developer"]) }),
  z.strictObject({ ...message, role: z.literal("assistant"), content: z.union([z.string(), z.array(outputPart)]) }),
]);
const result = z.union([z.string(), z.array(inputPart)]);

const item = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("function_call"),
    id: itemId("fc"),
    call_id: callId,
    name: toolName,
    namespace: z.string().optional(),
    arguments: z.string(),
    status,
  }),
  z.strictObject({
    type: z.literal("function_call_output"),
    id: itemId("fc"),
    call_id: callId,
    output: result,
    status,
  }),
  z.strictObject({
    type: z.literal("custom_tool_call"),
    id: itemId("ctc"),
    call_id: callId,
    name: toolName,
    namespace: z.string().optional(),
    input: z.string(),
    status,
  }),
  z.strictObject({
    type: z.literal("custom_tool_call_output"),
    id: itemId("ctc"),
    call_id: callId,
    output: result,
    status,
  }),
  z.strictObject({
    type: z.literal("reasoning"),
    id: itemId("rs"),
    summary: z.array(z.strictObject({ type: z.literal("summary_text"), text: z.string() })),
    content: z.array(z.strictObject({ type: z.literal("reasoning_text"), text: z.string() })).nullish(),
    encrypted_content: z.string().nullish(),
    status,
  }),
  z.strictObject({ type: z.literal("item_reference"), id: z.string() }),
]);
const entry = z.union([said, item]);
export type Entry = z.output<typeof entry>;

const tool = z.union([
  z.strictObject({
    type: z.literal("function"),
    name: toolName,
    description: z.string().nullish(),
    parameters: z.record(z.string(), z.unknown()).nullable(),
    strict: z.boolean().nullish(),
    defer_loading: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal("custom"),
    name: toolName,
    description: z.string().optional(),
    format: z.unknown().optional(),
  }),
  z.looseObject({
    type: z.enum([
      "apply_patch",
      "code_interpreter",
      "file_search",
      "image_generation",
      "local_shell",
      "mcp",
      "namespace",
      "shell",
      "tool_search",
      "web_search",
      "web_search_preview",
    ]),
  }),
]);
const named = z.strictObject({ type: z.enum(["function", "custom"]), name: z.string() });

export const REQUEST = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(entry).min(1)]),
  background: z.boolean().nullish(),
  // Not documented; its own command line sends it.
  client_metadata: z.record(z.string(), z.string()).optional(),
  include: z
    .array(
      z.enum([
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
        "message.input_image.image_url",
        "code_interpreter_call.outputs",
        "reasoning.encrypted_content",
        "message.output_text.logprobs",
      ]),
    )
    .nullish(),
  instructions: z.string().nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  max_tool_calls: z.int().min(1).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  previous_response_id: z.string().nullish(),
  prompt_cache_key: z.string().max(64).nullish(),
  prompt_cache_retention: z.enum(["in-memory", "24h"]).nullish(),
  reasoning: z
    .strictObject({
      effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh"]).nullish(),
      summary: z.enum(["auto", "concise", "detailed"]).nullish(),
      context: z.string().nullish(),
    })
    .nullish(),
  safety_identifier: z.string().max(64).nullish(),
  service_tier: z.enum(["auto", "default", "flex", "scale", "priority"]).nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_obfuscation: z.boolean().optional() }).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  text: z
    .strictObject({
      format: z
        .discriminatedUnion("type", [
          z.strictObject({ type: z.literal("text") }),
          z.strictObject({ type: z.literal("json_object") }),
          z.strictObject({
            type: z.literal("json_schema"),
            name: toolName,
            description: z.string().optional(),
            schema: z.record(z.string(), z.unknown()),
            strict: z.boolean().nullish(),
          }),
        ])
        .optional(),
      verbosity: z.enum(["low", "medium", "high"]).nullish(),
    })
    .nullish(),
  tool_choice: z
    .union([
      z.enum(["none", "auto", "required"]),
      named,
      z.strictObject({ type: z.literal("allowed_tools"), mode: z.enum(["auto", "required"]), tools: z.array(named) }),
    ])
    .optional(),
  tools: z.array(tool).max(128).optional(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  user: z.string().nullish(),
});

export type ResponsesRequest = z.output<typeof REQUEST>;
