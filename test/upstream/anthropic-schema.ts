// The body of a Messages request, closed: what Anthropic's server takes, and nothing beside it.
// https://docs.anthropic.com/en/api/messages

import * as z from "zod";

const cache_control = z.strictObject({ type: z.literal("ephemeral"), ttl: z.enum(["5m", "1h"]).optional() }).nullish();
const filled = z.string().min(1, "text content blocks must be non-empty");
const citations = z
  .union([z.strictObject({ enabled: z.boolean().optional() }), z.array(z.looseObject({ type: z.string() }))])
  .nullish();
const text = z.strictObject({ type: z.literal("text"), text: filled, cache_control, citations });
const base64 = (types: readonly [string, ...string[]]) =>
  z.strictObject({ type: z.literal("base64"), media_type: z.enum(types), data: z.base64() });
const url = z.strictObject({ type: z.literal("url"), url: z.string().regex(/^https?:/u) });
const file = z.strictObject({ type: z.literal("file"), file_id: z.string() });
const image = z.strictObject({
  type: z.literal("image"),
  source: z.union([base64(["image/jpeg", "image/png", "image/gif", "image/webp"]), url, file]),
  cache_control,
});
const document = z.strictObject({
  type: z.literal("document"),
  source: z.union([
    base64(["application/pdf"]),
    z.strictObject({ type: z.literal("text"), media_type: z.literal("text/plain"), data: z.string() }),
    url,
    file,
  ]),
  title: z.string().nullish(),
  context: z.string().nullish(),
  citations,
  cache_control,
});
const id = z.string().regex(/^[a-zA-Z0-9_-]+$/u);
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/u);
const block = z.discriminatedUnion("type", [
  text,
  image,
  document,
  z.strictObject({ type: z.literal("thinking"), thinking: z.string(), signature: z.string() }),
  z.strictObject({ type: z.literal("redacted_thinking"), data: z.string() }),
  z.strictObject({
    type: z.literal("tool_use"),
    id,
    name: toolName,
    input: z.record(z.string(), z.unknown()),
    cache_control,
    caller: z.unknown().optional(),
  }),
  z.strictObject({
    type: z.literal("tool_result"),
    tool_use_id: id,
    content: z.union([z.string(), z.array(z.discriminatedUnion("type", [text, image, document]))]).optional(),
    is_error: z.boolean().optional(),
    cache_control,
  }),
]);
export type Block = z.output<typeof block>;

const output_config = z.strictObject({
  effort: z.enum(["low", "medium", "high", "xhigh", "max"]).nullish(),
  format: z.strictObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) }).nullish(),
  task_budget: z.unknown().optional(),
});
const content = z.union([z.string(), z.array(block)]);
const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.enum(["user", "assistant"]), content }),
  // Between turns, where it may change what holds from there on.
  z.strictObject({ role: z.literal("system"), content, output_config: output_config.optional() }),
]);

const inputSchema = z
  .looseObject({ type: z.literal("object") })
  .refine((schema) => !["oneOf", "allOf", "anyOf"].some((key) => key in schema), {
    error: "input_schema does not support oneOf, allOf, or anyOf at the top level",
  });
const tool = z.strictObject({
  type: z.literal("custom").nullish(),
  name: toolName,
  description: z.string().optional(),
  input_schema: inputSchema,
  cache_control,
  strict: z.boolean().optional(),
  defer_loading: z.boolean().optional(),
  eager_input_streaming: z.boolean().nullish(),
  input_examples: z.array(z.unknown()).optional(),
  allowed_callers: z.array(z.string()).optional(),
});
const parallel = { disable_parallel_tool_use: z.boolean().optional() };

export const COUNT = z.strictObject({
  model: z.string().min(1),
  messages: z.array(message).min(1, "at least one message is required"),
  cache_control,
  context_management: z.unknown().optional(),
  output_config: output_config.optional(),
  system: z.union([z.string(), z.array(text)]).optional(),
  thinking: z
    .discriminatedUnion("type", [
      z.strictObject({
        type: z.literal("enabled"),
        budget_tokens: z.int().min(1024),
        display: z.string().nullish(),
        block_binding: z.unknown().optional(),
      }),
      z.strictObject({
        type: z.literal("adaptive"),
        display: z.enum(["summarized", "omitted"]).nullish(),
        block_binding: z.unknown().optional(),
      }),
      z.strictObject({ type: z.literal("disabled") }),
    ])
    .optional(),
  tool_choice: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("auto"), ...parallel }),
      z.strictObject({ type: z.literal("any"), ...parallel }),
      z.strictObject({ type: z.literal("tool"), name: z.string(), ...parallel }),
      z.strictObject({ type: z.literal("none") }),
    ])
    .optional(),
  tools: z.array(tool).optional(),
});

const sampling = {
  temperature: z.number().min(0).max(1).optional(),
  top_k: z.int().min(0).optional(),
  top_p: z.number().min(0).max(1).optional(),
};

/** The version of 2026-10-21 takes no sampling parameters. https://platform.claude.com/docs/en/api/migration-2026-10-21 */
export const MESSAGES_OF_2026 = COUNT.extend({
  max_tokens: z.int().min(1),
  metadata: z.strictObject({ user_id: z.string().max(256).nullish() }).optional(),
  service_tier: z.enum(["auto", "standard_only"]).optional(),
  stop_sequences: z.array(z.string().regex(/\S/u, "each stop sequence must contain non-whitespace")).optional(),
  stream: z.boolean().optional(),
});
export const MESSAGES = MESSAGES_OF_2026.extend(sampling);

export type CountRequest = z.output<typeof COUNT>;
export type MessagesRequest = z.output<typeof MESSAGES>;
