// A Responses request → the canonical one: its parameters. Items are in item.ts, tools in tool.ts; the way back is request-encode.ts.
// Knows no client and no provider.

import {
  type Json,
  type JsonObject,
  type Reasoning,
  type ReasoningEffort,
  type Request,
  type ResponseFormat,
  invalidRequest,
} from "../../ir/index.ts";
import type { Sources } from "../field-name.ts";
import type { Peek } from "../type.ts";
import {
  readBoolean,
  readInteger,
  readNumber,
  readObject,
  readObjects,
  readStream,
  readString,
  requireModel,
  requireString,
  wrongType,
  wrongValue,
} from "../openai-check.ts";
import { ID } from "./body.ts";
import { decodeInput } from "./item.ts";
import { decodeTool, decodeTools } from "./tool.ts";
import { objectsOf, omit } from "../json-read.ts";

/** Fields that the canonical request holds; a null in one of them means "not given" and stays among the own fields. */
const KNOWN = [
  "model",
  "input",
  "instructions",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "max_output_tokens",
  "temperature",
  "top_p",
  "top_logprobs",
  "text",
  "reasoning",
  "include",
  "user",
  "safety_identifier",
  "prompt_cache_key",
  "service_tier",
  "metadata",
  "stream",
  "stream_options",
];

/** What only the server that keeps it can look up: leaving it out would change the question. */
const KEPT_ELSEWHERE = ["previous_response_id", "conversation", "prompt"];

/** What of `include` is said by the canonical request, or is always done. */
export const INCLUDES = { logprobs: "message.output_text.logprobs", sealed: "reasoning.encrypted_content" } as const;

/**
 * A body that `peekRequest` has accepted, as a canonical request. Throws an invalid_request that names the field where a type is wrong, and
 * where it points to what another server keeps. The request always carries this wire's entry in `extra`, be it empty: that is how
 * `encodeRequest` knows its own.
 */
export function decodeRequest(body: JsonObject, _peek?: Peek, sources?: Sources): Request {
  for (const name of KEPT_ELSEWHERE) {
    if ((body[name] ?? null) !== null) {
      throw invalidRequest(`'${name}' is kept at another provider than this model's. Send what it stands for.`, name);
    }
  }
  const own = omit(
    body,
    KNOWN.filter((name) => body[name] !== null || name === "include"),
  );
  const request: Request = {
    model: requireModel(body),
    messages: [],
    tools: [],
    stream: readStream(body),
    extra: { [ID]: own },
  };
  decodeTools(body, request, { own, sources });
  decodeLateTools(body, request, sources);
  request.messages = decodeInput(body, request.tools, sources);
  decodeSampling(body, request, own);
  decodeText(body, request, own);
  decodeReasoning(body, request, own);
  decodeOrigin(body, request, own);
  return request;
}

/** Tools that came in the course of the conversation are as good as those at its start. */
function decodeLateTools(body: JsonObject, request: Request, sources: Sources | undefined): void {
  const items = Array.isArray(body["input"]) ? readObjects(body, "input") : [];
  const known = new Set(request.tools.map(({ name }) => name));
  for (const [index, item] of items.entries()) {
    if (item["type"] !== "additional_tools" && item["type"] !== "tool_search_output") continue;
    for (const [position, tool] of objectsOf(item["tools"]).entries()) {
      const decoded = decodeTool(tool, { path: `input[${index}].tools[${position}]`, taken: new Set(), sources }) ?? [];
      const added = decoded.filter(({ name }) => !known.has(name));
      for (const tool of added) {
        request.tools.push(tool);
        known.add(tool.name);
      }
    }
  }
}

function decodeSampling(body: JsonObject, request: Request, own: JsonObject): void {
  const values = {
    maxOutputTokens: readInteger(body, "max_output_tokens", 1),
    temperature: readNumber(body, "temperature"),
    topP: readNumber(body, "top_p"),
    topLogprobs: readInteger(body, "top_logprobs", 0),
  };
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) request[name as keyof typeof values] = value;
  }
  const include = body["include"] ?? [];
  if (!Array.isArray(include)) throw wrongType("include", "an array of strings", include);
  if (include.includes(INCLUDES.logprobs)) request.logprobs = true;
  const rest = include.filter((name) => name !== INCLUDES.logprobs && name !== INCLUDES.sealed);
  if (rest.length > 0) own["include"] = rest;
}

const VERBOSITIES = ["low", "medium", "high"] as const;

function decodeText(body: JsonObject, request: Request, own: JsonObject): void {
  const text = readObject(body, "text");
  if (text === undefined) return;
  const verbosity = readWord(text["verbosity"], VERBOSITIES, "text.verbosity");
  if (verbosity !== undefined) request.verbosity = verbosity;
  const format = readObject(text, "format", "text.format");
  const decoded = format === undefined ? undefined : decodeFormat(format);
  if (decoded !== undefined) request.responseFormat = decoded;
  const rest = omit(text, ["verbosity", "format"]);
  const known = decoded?.type === "json-schema" ? ["type", "name", "description", "schema", "strict"] : ["type"];
  const formatRest = omit(format ?? {}, decoded === undefined ? [] : known);
  if (Object.keys(formatRest).length > 0) rest["format"] = formatRest;
  if (Object.keys(rest).length > 0) own["text"] = rest;
}

/** Undefined for a format that only this wire's servers know (a grammar, say). */
function decodeFormat(format: JsonObject): ResponseFormat | undefined {
  const type = requireString(format, "type", "text.format.type");
  if (type === "text") return { type: "text" };
  if (type === "json_object") return { type: "json" };
  if (type !== "json_schema") return undefined;
  return {
    type: "json-schema",
    name: requireString(format, "name", "text.format.name"),
    description: readString(format, "description", "text.format.description") ?? null,
    schema: readObject(format, "schema", "text.format.schema") ?? {},
    strict: readBoolean(format, "strict", "text.format.strict") ?? null,
  };
}

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const satisfies ReasoningEffort[];
const SUMMARIES = ["auto", "concise", "detailed"] as const;

function decodeReasoning(body: JsonObject, request: Request, own: JsonObject): void {
  const wish = readObject(body, "reasoning");
  if (wish === undefined) return;
  const effort = readWord(wish["effort"], EFFORTS, "reasoning.effort");
  const summary = readWord(wish["summary"] ?? wish["generate_summary"], SUMMARIES, "reasoning.summary");
  const reasoning: Reasoning = {
    ...(effort === undefined ? {} : { effort }),
    ...(summary === undefined ? {} : { summary }),
  };
  if (Object.keys(reasoning).length > 0) request.reasoning = reasoning;
  const rest = omit(wish, ["effort", "summary", "generate_summary"]);
  if (Object.keys(rest).length > 0) own["reasoning"] = rest;
}

function readWord<Word extends string>(
  value: Json | undefined,
  words: readonly Word[],
  path: string,
): Word | undefined {
  if (value === undefined || value === null) return undefined;
  const word = words.find((known) => known === value);
  if (word === undefined) throw wrongValue(path, value, words);
  return word;
}

function decodeOrigin(body: JsonObject, request: Request, own: JsonObject): void {
  const parallel = readBoolean(body, "parallel_tool_calls");
  if (parallel !== undefined) request.parallelToolCalls = parallel;
  const names = {
    user: "user",
    safetyIdentifier: "safety_identifier",
    promptCacheKey: "prompt_cache_key",
    serviceTier: "service_tier",
  } as const;
  for (const name of ["user", "safetyIdentifier", "promptCacheKey", "serviceTier"] as const) {
    const value = readString(body, names[name]);
    if (value !== undefined) request[name] = value;
  }
  const metadata = readObject(body, "metadata");
  if (metadata !== undefined) request.metadata = metadata;
  // Padding against listeners on the line: wished away is what it is here, and what else is asked stays.
  const options = omit(readObject(body, "stream_options") ?? {}, []);
  if (options["include_obfuscation"] === false) delete options["include_obfuscation"];
  if (Object.keys(options).length > 0) own["stream_options"] = options;
}
