// The body of a Converse request, closed: what Bedrock takes, and nothing beside it.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html

import * as z from "zod";

const cachePoint = z.strictObject({
  cachePoint: z.strictObject({ type: z.literal("default"), ttl: z.enum(["5m", "1h"]).optional() }),
});
const text = z.strictObject({
  text: z
    .string()
    .regex(/\S/u, "The text field in the ContentBlock object is blank. Add text to the text field, and try again."),
});
const s3 = z.strictObject({ s3Location: z.strictObject({ uri: z.string(), bucketOwner: z.string().optional() }) });
const bytes = z.strictObject({ bytes: z.base64().min(1) });
const image = z.strictObject({
  image: z.strictObject({ format: z.enum(["png", "jpeg", "gif", "webp"]), source: z.union([bytes, s3]) }),
});
const document = z.strictObject({
  document: z.strictObject({
    format: z.enum(["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"]),
    name: z.string().regex(/^(?!.* {2})[A-Za-z0-9 ()[\]-]{1,200}$/u),
    source: z.union([bytes, s3, z.strictObject({ text: z.string() })]),
    context: z.string().optional(),
    citations: z.strictObject({ enabled: z.boolean() }).optional(),
  }),
});
const id = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/u);
const name = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/u);
const toolUse = z.strictObject({
  toolUse: z.strictObject({ toolUseId: id, name, input: z.record(z.string(), z.unknown()) }),
});
const toolResult = z.strictObject({
  toolResult: z.strictObject({
    toolUseId: id,
    content: z.array(z.union([text, z.strictObject({ json: z.record(z.string(), z.unknown()) }), image, document])),
    status: z.enum(["success", "error"]).optional(),
  }),
});
const reasoning = z.strictObject({
  reasoningContent: z.union([
    z.strictObject({ reasoningText: z.strictObject({ text: z.string(), signature: z.string().optional() }) }),
    z.strictObject({ redactedContent: z.base64() }),
  ]),
});
const block = z.union([text, image, document, toolUse, toolResult, reasoning, cachePoint]);
export type Block = z.output<typeof block>;

const message = z.strictObject({
  role: z.enum(["user", "assistant"]),
  content: z
    .array(block)
    .min(
      1,
      "The content field in the Message object is empty. Add a ContentBlock object to the content field and try again.",
    ),
});
export type Message = z.output<typeof message>;

const tool = z.union([
  z.strictObject({
    toolSpec: z.strictObject({
      name,
      description: z.string().min(1).optional(),
      inputSchema: z.strictObject({ json: z.looseObject({ type: z.literal("object") }) }),
      strict: z.boolean().optional(),
    }),
  }),
  cachePoint,
]);

export const REQUEST = z.strictObject({
  messages: z.array(message).min(1),
  system: z.array(z.union([text, cachePoint])).optional(),
  inferenceConfig: z
    .strictObject({
      maxTokens: z.int().min(1).optional(),
      temperature: z.number().min(0).max(1).optional(),
      topP: z.number().min(0).max(1).optional(),
      stopSequences: z.array(z.string().min(1)).max(2500).optional(),
    })
    .optional(),
  toolConfig: z
    .strictObject({
      tools: z.array(tool).min(1),
      toolChoice: z
        .union([
          z.strictObject({ auto: z.strictObject({}) }),
          z.strictObject({ any: z.strictObject({}) }),
          z.strictObject({ tool: z.strictObject({ name }) }),
        ])
        .optional(),
    })
    .optional(),
  additionalModelRequestFields: z.record(z.string(), z.unknown()).optional(),
  additionalModelResponseFieldPaths: z.array(z.string()).max(10).optional(),
  requestMetadata: z.record(z.string().max(256), z.string().max(256)).optional(),
  performanceConfig: z.strictObject({ latency: z.enum(["standard", "optimized"]) }).optional(),
  serviceTier: z.strictObject({ type: z.enum(["priority", "default", "flex", "reserved"]) }).optional(),
  outputConfig: z.unknown().optional(),
  promptVariables: z.unknown().optional(),
  guardrailConfig: z.unknown().optional(),
});

export type ConverseRequest = z.output<typeof REQUEST>;
