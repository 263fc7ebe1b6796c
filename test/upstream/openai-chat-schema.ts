// The body of a Chat Completions request, closed: what OpenAI's server takes, and nothing beside it.
// https://platform.openai.com/docs/api-reference/chat/create

import * as z from "zod";
import { toolName } from "./openai.ts";

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const plainContent = z.union([z.string(), z.array(textPart).min(1)]);
const userPart = z.discriminatedUnion("type", [
  textPart,
  z.strictObject({
    type: z.literal("image_url"),
    image_url: z.strictObject({
      url: z.string().min(1),
      detail: z.enum(["auto", "low", "high", "original"]).optional(),
    }),
  }),
  z.strictObject({
    type: z.literal("input_audio"),
    input_audio: z.strictObject({ data: z.string(), format: z.enum(["wav", "mp3"]) }),
  }),
  z.strictObject({
    type: z.literal("file"),
    file: z.strictObject({
      file_data: z.string().optional(),
      file_id: z.string().optional(),
      filename: z.string().optional(),
    }),
  }),
]);
const callId = z.string().min(1).max(40);
const name = z.string().regex(/^[^\s<|\\/>]+$/u);
const toolCall = z.discriminatedUnion("type", [
  z.strictObject({
    id: callId,
    type: z.literal("function"),
    function: z.strictObject({ name: toolName, arguments: z.string() }),
  }),
  z.strictObject({
    id: callId,
    type: z.literal("custom"),
    custom: z.strictObject({ name: toolName, input: z.string() }),
  }),
]);
const instruction = { content: plainContent, name: name.optional() };
const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("system"), ...instruction }),
  z.strictObject({ role: z.literal("developer"), ...instruction }),
  z.strictObject({
    role: z.literal("user"),
    content: z.union([z.string(), z.array(userPart).min(1)]),
    name: name.optional(),
  }),
  z.strictObject({
    role: z.literal("assistant"),
    content: z
      .union([
        z.string(),
        z.array(z.union([textPart, z.strictObject({ type: z.literal("refusal"), refusal: z.string() })])).min(1),
      ])
      .nullish(),
    refusal: z.string().nullish(),
    name: name.optional(),
    audio: z.strictObject({ id: z.string() }).nullish(),
    tool_calls: z.array(toolCall).min(1).optional(),
    function_call: z.null().optional(),
    // What it sends itself it takes back.
    annotations: z.array(z.unknown()).optional(),
  }),
  z.strictObject({
    role: z.literal("tool"),
    content: plainContent,
    tool_call_id: z.string(),
    name: z.string().optional(),
  }),
]);

const tool = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("function"),
    function: z.strictObject({
      name: toolName,
      description: z.string().optional(),
      parameters: z.record(z.string(), z.unknown()).optional(),
      strict: z.boolean().nullish(),
    }),
  }),
  z.strictObject({
    type: z.literal("custom"),
    custom: z.strictObject({ name: toolName, description: z.string().optional(), format: z.unknown().optional() }),
  }),
]);
const named = z.union([
  z.strictObject({ type: z.literal("function"), function: z.strictObject({ name: toolName }) }),
  z.strictObject({ type: z.literal("custom"), custom: z.strictObject({ name: toolName }) }),
]);

export const REQUEST = z.strictObject({
  model: z.string(),
  messages: z.array(message).min(1),
  audio: z.unknown().optional(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  logprobs: z.boolean().nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  max_tokens: z.int().min(1).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  modalities: z.array(z.enum(["text", "audio"])).nullish(),
  n: z.int().min(1).max(128).nullish(),
  parallel_tool_calls: z.boolean().optional(),
  prediction: z.unknown().optional(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  prompt_cache_key: z.string().optional(),
  prompt_cache_retention: z.enum(["in-memory", "24h"]).nullish(),
  reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high", "xhigh"]).nullish(),
  response_format: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("text") }),
      z.strictObject({ type: z.literal("json_object") }),
      z.strictObject({
        type: z.literal("json_schema"),
        json_schema: z.strictObject({
          name: toolName,
          description: z.string().optional(),
          schema: z.record(z.string(), z.unknown()).optional(),
          strict: z.boolean().nullish(),
        }),
      }),
    ])
    .optional(),
  safety_identifier: z.string().max(64).optional(),
  seed: z.int().nullish(),
  service_tier: z.enum(["auto", "default", "flex", "scale", "priority"]).nullish(),
  stop: z.union([z.string(), z.array(z.string()).min(1).max(4)]).nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().optional(), include_obfuscation: z.boolean().optional() })
    .nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  tool_choice: z
    .union([
      z.enum(["none", "auto", "required"]),
      named,
      z.strictObject({
        type: z.literal("allowed_tools"),
        allowed_tools: z.strictObject({ mode: z.enum(["auto", "required"]), tools: z.array(named) }),
      }),
    ])
    .optional(),
  tools: z.array(tool).min(1).max(128).optional(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  user: z.string().optional(),
  verbosity: z.enum(["low", "medium", "high"]).nullish(),
  web_search_options: z.unknown().optional(),
});

export type ChatRequest = z.output<typeof REQUEST>;
