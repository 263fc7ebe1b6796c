// The body of a generateContent request, closed: what Google's server takes, and nothing beside it.
// https://ai.google.dev/api/generate-content

import * as z from "zod";

/** Google's own dialect of a schema: no `additionalProperties`, no `$ref`, no `const`, no list of types. https://ai.google.dev/api/caching#Schema */
const schema: z.ZodType = z.lazy(() =>
  z
    .strictObject({
      type: z.string().regex(/^(?:string|number|integer|boolean|array|object|null)$/iu),
      format: z.string().optional(),
      title: z.string().optional(),
      description: z.string().optional(),
      nullable: z.boolean().optional(),
      enum: z.array(z.string().min(1)).optional(),
      maxItems: z.union([z.int(), z.string()]).optional(),
      minItems: z.union([z.int(), z.string()]).optional(),
      properties: z.record(z.string(), schema).optional(),
      required: z.array(z.string()).optional(),
      minProperties: z.union([z.int(), z.string()]).optional(),
      maxProperties: z.union([z.int(), z.string()]).optional(),
      minLength: z.union([z.int(), z.string()]).optional(),
      maxLength: z.union([z.int(), z.string()]).optional(),
      pattern: z.string().optional(),
      example: z.unknown().optional(),
      anyOf: z.array(schema).optional(),
      propertyOrdering: z.array(z.string()).optional(),
      default: z.unknown().optional(),
      items: schema.optional(),
      minimum: z.number().optional(),
      maximum: z.number().optional(),
    })
    .partial({ type: true })
    .superRefine((value, context) => {
      const type = value.type?.toLowerCase();
      const say = (message: string): void => context.addIssue({ code: "custom", message });
      if (type === undefined && value.anyOf === undefined) say("schema type should be specified");
      if (type === "object" && Object.keys(value.properties ?? {}).length === 0) {
        say("properties: should be non-empty for OBJECT type");
      }
      if (type === "array" && value.items === undefined) say("items: missing field.");
      if (value.enum !== undefined && type !== "string") say("enum: only allowed for STRING type");
      if (type === "string" && value.format !== undefined && !["enum", "date-time"].includes(value.format)) {
        say("format: only 'enum' and 'date-time' are supported for STRING type");
      }
      const stray = (value.required ?? []).find((name) => !Object.hasOwn(value.properties ?? {}, name));
      if (stray !== undefined) say(`required[0]: property is not defined: ${stray}`);
    }),
);

const struct = z.record(z.string(), z.unknown());
const blob = z.strictObject({ mimeType: z.string().min(1), data: z.base64(), displayName: z.string().optional() });
const fileData = z.strictObject({ mimeType: z.string().optional(), fileUri: z.string().min(1) });
const name = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/u);
const DATA = [
  "text",
  "inlineData",
  "functionCall",
  "functionResponse",
  "fileData",
  "executableCode",
  "codeExecutionResult",
] as const;

const part = z
  .strictObject({
    thought: z.boolean().optional(),
    thoughtSignature: z
      .string()
      .regex(/^[A-Za-z0-9+/_-]+={0,2}$/u, "Base64 decoding failed")
      .optional(),
    partMetadata: struct.optional(),
    mediaResolution: z.unknown().optional(),
    videoMetadata: z.unknown().optional(),
    text: z.string().optional(),
    inlineData: blob.optional(),
    functionCall: z.strictObject({ id: z.string().optional(), name, args: struct.optional() }).optional(),
    functionResponse: z
      .strictObject({
        id: z.string().optional(),
        name,
        response: struct,
        parts: z.array(z.strictObject({ inlineData: blob.optional(), fileData: fileData.optional() })).optional(),
      })
      .optional(),
    fileData: fileData.optional(),
    executableCode: z.unknown().optional(),
    codeExecutionResult: z.unknown().optional(),
  })
  .refine((value) => DATA.filter((field) => value[field] !== undefined).length === 1, {
    error: "required oneof field 'data' must have one initialized field",
  });
export type Part = z.output<typeof part>;

const parts = z.array(part).min(1, "contents.parts must not be empty.");
const content = z.strictObject({ role: z.enum(["user", "model"]).optional(), parts });
export type Content = z.output<typeof content>;

const generationConfig = z.strictObject({
  stopSequences: z.array(z.string()).max(5).optional(),
  responseMimeType: z.enum(["text/plain", "application/json", "text/x.enum"]).optional(),
  responseSchema: schema.optional(),
  responseJsonSchema: struct.optional(),
  responseModalities: z.array(z.string()).optional(),
  candidateCount: z.int().min(1).max(8).optional(),
  maxOutputTokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.number().optional(),
  seed: z.int32().optional(),
  presencePenalty: z.number().optional(),
  frequencyPenalty: z.number().optional(),
  responseLogprobs: z.boolean().optional(),
  logprobs: z.int().min(0).max(20).optional(),
  speechConfig: z.unknown().optional(),
  imageConfig: z.unknown().optional(),
  mediaResolution: z.string().optional(),
  thinkingConfig: z
    .strictObject({
      includeThoughts: z.boolean().optional(),
      thinkingBudget: z.int().min(-1).max(32_768).optional(),
      thinkingLevel: z
        .string()
        .regex(/^(?:minimal|low|medium|high|thinking_level_unspecified)$/iu)
        .optional(),
    })
    .optional(),
});

const declaration = z.strictObject({
  name,
  description: z.string().optional(),
  behavior: z.string().optional(),
  parameters: schema.optional(),
  parametersJsonSchema: struct.optional(),
  response: schema.optional(),
  responseJsonSchema: struct.optional(),
});

export const REQUEST = z.strictObject({
  contents: z.array(content).min(1, "contents is not specified"),
  tools: z
    .array(
      z.strictObject({
        functionDeclarations: z.array(declaration).optional(),
        googleSearch: z.unknown().optional(),
        codeExecution: z.unknown().optional(),
        urlContext: z.unknown().optional(),
      }),
    )
    .optional(),
  toolConfig: z
    .strictObject({
      functionCallingConfig: z
        .strictObject({
          mode: z.enum(["AUTO", "ANY", "NONE", "VALIDATED"]).optional(),
          allowedFunctionNames: z.array(z.string()).optional(),
        })
        .optional(),
      includeServerSideToolInvocations: z.boolean().optional(),
    })
    .optional(),
  safetySettings: z.array(z.strictObject({ category: z.string(), threshold: z.string() })).optional(),
  systemInstruction: z.strictObject({ role: z.string().optional(), parts }).optional(),
  generationConfig: generationConfig.optional(),
  cachedContent: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  serviceTier: z.string().optional(),
  store: z.boolean().optional(),
});

export type GeminiRequest = z.output<typeof REQUEST>;
