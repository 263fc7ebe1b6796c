// generateContent as strict as Google's own: names that it does not know, its dialect of schemas, calls and responses in equal numbers, and
// thought signatures that must come back. https://ai.google.dev/gemini-api/docs/thought-signatures

import { type Content, type GeminiRequest, type Part, REQUEST } from "./gemini-schema.ts";
import { UPSTREAM_KEY } from "./openai.ts";
import { REASONING, type ScriptedTurn, USAGE, cutPieces, takeTurn } from "./script.ts";
import { check, makeStrict, type Received, Refusal, type StrictUpstream, streamFrames } from "./strict.ts";

export const THOUGHT_SIGNATURE = Buffer.from(`strict signature ${"\u00ff\u00fe?>".repeat(30)}`).toString("base64");
/** Values that stand for a signature where there was none to keep. */
const EXCUSES = ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"];

export function makeStrictGemini(): StrictUpstream {
  return makeStrict({ answer, printRefusal });
}

const STATUSES: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
};

function printRefusal({ status, message }: Refusal): Response {
  return Response.json(
    { error: { code: status, message, status: STATUSES[status] ?? "INVALID_ARGUMENT" } },
    { status },
  );
}

function answer({ method, url, headers, body }: Received): Response {
  if ((headers.get("x-goog-api-key") ?? url.searchParams.get("key")) !== UPSTREAM_KEY) {
    throw new Refusal("API key not valid. Please pass a valid API key.");
  }
  for (const name of url.searchParams.keys()) {
    if (["alt", "key", "pageSize", "pageToken"].includes(name)) continue;
    throw new Refusal(`Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter.`);
  }
  if (method === "GET" && /^\/v1(?:beta)?\/models$/u.test(url.pathname)) return Response.json({ models: [] });
  const [, model = "", verb] = /^\/v1(?:beta)?\/models\/([^/:]+):(\w+)$/u.exec(url.pathname) ?? [];
  if (method !== "POST" || (verb !== "generateContent" && verb !== "streamGenerateContent" && verb !== "countTokens")) {
    throw new Refusal(`models/${model} is not found for API version v1beta`, { status: 404 });
  }
  const request = check(REQUEST, verb === "countTokens" ? unwrap(body, model) : body, say);
  checkConfig(request, model);
  const contents = joinPieces(request.contents);
  checkTurns(contents);
  checkSignatures(contents, model);
  if (verb === "countTokens") return Response.json({ totalTokens: USAGE.input });
  const turn = takeTurn(readConversation(request));
  const chunks = listChunks(request, turn, model);
  if (verb === "generateContent") return Response.json(chunks.at(-1)?.whole);
  if (url.searchParams.get("alt") !== "sse") return Response.json(chunks.map(({ piece }) => piece));
  return streamFrames(
    chunks.map(({ piece }) => ({ data: JSON.stringify(piece) })),
    "\r\n",
  );
}

/** An answer may come back as the pieces in which it was streamed. */
function joinPieces(contents: readonly Content[]): Content[] {
  const joined: Content[] = [];
  for (const content of contents) {
    const last = joined.at(-1);
    if (last?.role === "model" && content.role === "model") last.parts = [...last.parts, ...content.parts];
    else joined.push({ ...content });
  }
  return joined;
}

/** Counting takes the contents alone, or a whole request that names the model once more. */
function unwrap(body: unknown, model: string): unknown {
  if (typeof body !== "object" || body === null || !("generateContentRequest" in body)) return body;
  const { generateContentRequest: inner } = body;
  if (typeof inner !== "object" || inner === null || !("model" in inner) || inner.model !== `models/${model}`) {
    throw new Refusal("generateContentRequest.model: must be the model that is asked");
  }
  return { ...inner, model: undefined };
}

function say(path: string, { kind, text }: { kind: "unknown" | "wrong"; text: string }): string {
  const last = path.lastIndexOf(".");
  const place = last === -1 ? "" : ` at '${path.slice(0, last)}'`;
  if (kind === "unknown")
    return `Invalid JSON payload received. Unknown name "${path.slice(last + 1)}"${place}: Cannot find field.`;
  return `* GenerateContentRequest.${path}: ${text}`;
}

const isThird = (model: string): boolean => model.startsWith("gemini-3");

function checkConfig({ generationConfig: config = {}, tools = [], toolConfig }: GeminiRequest, model: string): void {
  const { thinkingConfig: thinking = {} } = config;
  if (thinking.thinkingBudget !== undefined && thinking.thinkingLevel !== undefined) {
    throw new Refusal("You can only set only one of thinking budget and thinking level.");
  }
  if (thinking.thinkingLevel !== undefined && !isThird(model))
    throw new Refusal("Thinking level is not supported for this model.");
  if (config.responseSchema !== undefined && config.responseJsonSchema !== undefined) {
    throw new Refusal("Only one of response_schema and response_json_schema can be set");
  }
  const wantsSchema = config.responseSchema !== undefined || config.responseJsonSchema !== undefined;
  if (wantsSchema && !["application/json", "text/x.enum"].includes(config.responseMimeType ?? "")) {
    throw new Refusal(
      "response_schema can only be set when response_mime_type is 'application/json' or 'text/x.enum'.",
    );
  }
  if (config.logprobs !== undefined && config.responseLogprobs !== true) {
    throw new Refusal("Logprobs can only be set when response_logprobs is true.");
  }
  const declared = tools.flatMap(({ functionDeclarations: list = [] }) => list);
  const names = declared.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new Refusal("Duplicate function declaration found");
  const both = declared.find((one) => one.parameters !== undefined && one.parametersJsonSchema !== undefined);
  if (both !== undefined) throw new Refusal("parameters and parameters_json_schema are mutually exclusive");
  if (names.length > 0 && config.responseMimeType === "application/json" && !isThird(model)) {
    throw new Refusal("Function calling with a response mime type: 'application/json' is unsupported");
  }
  const { mode, allowedFunctionNames: allowed = [] } = toolConfig?.functionCallingConfig ?? {};
  if (allowed.length > 0 && mode !== "ANY" && mode !== "VALIDATED") {
    throw new Refusal("Allowed function names should only be set when function calling mode is ANY or VALIDATED.");
  }
  if (mode !== undefined && mode !== "NONE" && mode !== "AUTO" && names.length === 0) {
    throw new Refusal("Function calling config is set without function_declarations.");
  }
  const stray = allowed.find((name) => !names.includes(name));
  if (stray !== undefined) throw new Refusal(`Allowed function name ${stray} is not declared.`);
}

const callsOf = (content: Content | undefined): NonNullable<Part["functionCall"]>[] =>
  (content?.parts ?? []).flatMap((part) => part.functionCall ?? []);
const responsesOf = (content: Content | undefined): NonNullable<Part["functionResponse"]>[] =>
  (content?.parts ?? []).flatMap((part) => part.functionResponse ?? []);

function checkTurns(contents: readonly Content[]): void {
  if (contents.length > 1 && contents.some(({ role }) => role === undefined)) {
    throw new Refusal("Please use a valid role: user, model.");
  }
  if (contents.at(-1)?.role === "model")
    throw new Refusal("Please ensure that multiturn requests end with a user role.");
  for (const [index, content] of contents.entries()) {
    const calls = callsOf(contents[index - 1]);
    const responses = responsesOf(content);
    if (callsOf(content).length > 0 && (content.role !== "model" || contents[index - 1]?.role !== "user")) {
      throw new Refusal(
        "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
      );
    }
    if (responses.length > 0 && (content.role !== "user" || calls.length === 0)) {
      throw new Refusal("Please ensure that function response turn comes immediately after a function call turn.");
    }
    if (responses.length !== calls.length) {
      throw new Refusal(
        "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
      );
    }
    for (const [at, { id, name }] of responses.entries()) {
      const call = id === undefined ? calls[at] : (calls.find((one) => one.id === id) ?? calls[at]);
      const isSame = call?.name === name && (id === undefined || call.id === undefined || call.id === id);
      if (!isSame) throw new Refusal(`Function response ${name} does not answer any function call of the turn before.`);
    }
  }
}

function checkSignatures(contents: readonly Content[], model: string): void {
  const began = contents.findLastIndex((content) => content.role !== "model" && responsesOf(content).length === 0);
  for (const [index, { parts }] of contents.entries()) {
    const forged = parts.find(({ thoughtSignature: signature }) => {
      return signature !== undefined && signature !== THOUGHT_SIGNATURE && !EXCUSES.includes(signature);
    });
    if (forged !== undefined) throw new Refusal("Thought signature is not valid.");
    const first = parts.find((part) => part.functionCall !== undefined);
    if (!isThird(model) || index < began || first === undefined || first.thoughtSignature !== undefined) continue;
    throw new Refusal(
      `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. Additional data, function call \`${first.functionCall?.name}\`, position ${index}.`,
    );
  }
}

function readConversation({ contents, tools = [], toolConfig, generationConfig: config }: GeminiRequest) {
  const fresh = contents.slice(contents.findLastIndex(({ role }) => role === "model") + 1);
  const { mode, allowedFunctionNames: allowed } = toolConfig?.functionCallingConfig ?? {};
  const names = tools.flatMap(({ functionDeclarations: list = [] }) => list.map(({ name }) => name));
  return {
    asked: fresh.flatMap(({ parts }) => {
      const texts = parts.flatMap(({ text }) => (text === undefined ? [] : [text]));
      return texts.length === 0 ? [] : [texts.join("\n")];
    }),
    results: fresh.flatMap(responsesOf).map(({ response }) => {
      const [only, ...more] = Object.values(response);
      return typeof only === "string" && more.length === 0 ? only : JSON.stringify(response);
    }),
    tools: mode === "NONE" ? [] : names.filter((name) => allowed?.includes(name) ?? true),
    spoken: contents.flatMap(callsOf).length,
    json: config?.responseMimeType === "application/json",
    forced: mode === "ANY",
  };
}

interface Chunk {
  piece: object;
  /** Everything so far as one answer. */
  whole: object;
}

function listChunks(request: GeminiRequest, { text, calls }: ScriptedTurn, model: string): Chunk[] {
  const thinking = request.generationConfig?.thinkingConfig;
  const isThinking = thinking?.thinkingBudget !== 0;
  const thoughts = isThinking && thinking?.includeThoughts === true ? cutPieces(REASONING) : [];
  const signature = isThinking ? { thoughtSignature: THOUGHT_SIGNATURE } : {};
  const steps: Part[][] = [
    ...thoughts.map((piece) => [{ text: piece, thought: true }]),
    ...(text === "" ? [] : cutPieces(text).map((piece) => [{ text: piece }])),
    // Two calls at once come in one piece; only the first is signed.
    ...(calls.length === 0
      ? []
      : [calls.map((call, index) => printCall(call, { model, signature: index === 0 ? signature : {} }))]),
    ...(text === "" ? [] : [[{ text: "", ...signature }]]),
  ];
  const usage = {
    promptTokenCount: USAGE.input,
    cachedContentTokenCount: USAGE.cached,
    candidatesTokenCount: USAGE.output - (isThinking ? USAGE.reasoning : 0),
    ...(isThinking ? { thoughtsTokenCount: USAGE.reasoning } : {}),
    totalTokenCount: USAGE.input + USAGE.output,
    promptTokensDetails: [{ modality: "TEXT", tokenCount: USAGE.input }],
  };
  const print = (parts: Part[], isLast: boolean) => ({
    candidates: [{ content: { parts, role: "model" }, ...(isLast ? { finishReason: "STOP" } : {}), index: 0 }],
    usageMetadata: usage,
    modelVersion: model,
    responseId: "strict-response",
  });
  const whole = print(
    [
      ...(thoughts.length === 0 ? [] : [{ text: REASONING, thought: true }]),
      ...(text === "" ? [] : [{ text, ...signature }]),
      ...steps.flat().filter((part) => part.functionCall !== undefined),
    ],
    true,
  );
  return steps.map((parts, index) => ({ piece: print(parts, index === steps.length - 1), whole }));
}

function printCall(
  { name, arguments: written, number }: ScriptedTurn["calls"][number],
  { model, signature }: { model: string; signature: Partial<Part> },
): Part {
  const id = isThird(model) ? { id: `strict${number}` } : {};
  const args: Record<string, unknown> = JSON.parse(written);
  return { functionCall: { ...id, name, args }, ...signature };
}
