// What the built-in model says next, from the conversation alone: an echo, the tool calls that the user spelt out, or the tools' results.
// `call:NAME {"json":"arguments"}` in a user message calls the tool NAME if it is declared; several such words are parallel calls.
// Knows how nothing is printed.

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";
import { makeSample } from "./loopback-sample.ts";

const PREFIX = "[loopback] ";
const REASONING = "The last message says what to answer.";
const DIRECTIVE = /(?<![\w-])call:([\w-]+)[ \t]*/gu;
const MAX_CALLS = 32;

export interface SpokenCall {
  id: string;
  name: string;
  /** JSON text, or any text for a tool that takes free text. */
  arguments: string;
  isCustom: boolean;
}

export interface Turn {
  /** Empty where there are calls. */
  text: string;
  calls: SpokenCall[];
  /** Null unless the request asks for reasoning. */
  reasoning: string | null;
  /** All that was read, for counting. */
  prompt: string;
}

interface DeclaredTool {
  name: string;
  isCustom: boolean;
  schema: JsonObject;
}

/** `body` is a Chat Completions request. */
export function takeTurn(body: JsonObject): Turn {
  const messages = listObjects(body["messages"]);
  const texts = messages.map((message) => readText(message["content"]));
  const answered = messages.findLastIndex((message) => message["role"] === "assistant");
  const isNew = (role: string, index: number): boolean => index > answered && messages[index]?.["role"] === role;
  const results = texts.filter((_, index) => isNew("tool", index) || isNew("function", index));
  const asked = texts.filter((_, index) => isNew("user", index));
  const last = messages.findLastIndex((message) => message["role"] === "user");
  const echo = results.length > 0 ? results.join("\n") : (texts.at(last) ?? "");
  const text = PREFIX + echo.trim();
  const calls = results.length > 0 ? [] : chooseCalls(body, { asked: asked.join("\n"), text });
  const spoken = messages.reduce((sum, message) => sum + listObjects(message["tool_calls"]).length, 0);
  return {
    text: calls.length > 0 ? "" : shapeText(body["response_format"], text),
    calls: calls.map((call, index) => ({ ...call, id: `call_loopback_${spoken + index + 1}` })),
    reasoning: wantsReasoning(body) ? REASONING : null,
    prompt: texts.join("\n"),
  };
}

function wantsReasoning(body: JsonObject): boolean {
  const effort = body["reasoning_effort"];
  return typeof effort === "string" && effort !== "none";
}

function listObjects(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function readText(content: Json | undefined): string {
  if (typeof content === "string") return content;
  const texts = listObjects(content).flatMap(({ text }) => (typeof text === "string" ? [text] : []));
  return texts.join("\n");
}

/** A client that demands JSON gets JSON: of its schema, with the text wherever a string goes. */
function shapeText(format: Json | undefined, text: string): string {
  if (!isJsonObject(format)) return text;
  if (format["type"] === "json_object") return JSON.stringify({ text });
  if (format["type"] !== "json_schema" || !isJsonObject(format["json_schema"])) return text;
  const schema = format["json_schema"]["schema"];
  return JSON.stringify(makeSample(isJsonObject(schema) ? schema : {}, text));
}

type UnnamedCall = Omit<SpokenCall, "id">;

function chooseCalls(body: JsonObject, { asked, text }: { asked: string; text: string }): UnnamedCall[] {
  const choice = readChoice(body["tool_choice"]);
  const tools = listObjects(body["tools"])
    .flatMap(readTool)
    .filter(({ name }) => choice.names?.includes(name) ?? true);
  if (choice.mode === "none") return [];
  const calls = readDirectives(asked, tools).slice(0, body["parallel_tool_calls"] === false ? 1 : MAX_CALLS);
  const [first] = tools;
  if (calls.length > 0 || choice.mode !== "required" || first === undefined) return calls;
  const written = first.isCustom ? text : JSON.stringify(makeSample(first.schema, text));
  return [{ name: first.name, arguments: written, isCustom: first.isCustom }];
}

function readTool(tool: JsonObject): DeclaredTool[] {
  const isCustom = tool["type"] === "custom";
  const definition = tool[isCustom ? "custom" : "function"];
  if (!isJsonObject(definition) || typeof definition["name"] !== "string") return [];
  const schema = definition["parameters"];
  return [{ name: definition["name"], isCustom, schema: isJsonObject(schema) ? schema : {} }];
}

interface Choice {
  mode: "auto" | "none" | "required";
  /** The only tools that may be called; null for all. */
  names: string[] | null;
}

function readChoice(value: Json | undefined): Choice {
  if (value === "none" || value === "required") return { mode: value, names: null };
  if (!isJsonObject(value)) return { mode: "auto", names: null };
  const allowed = value["allowed_tools"];
  if (isJsonObject(allowed)) {
    return {
      mode: allowed["mode"] === "required" ? "required" : "auto",
      names: listObjects(allowed["tools"]).flatMap(readNamed),
    };
  }
  return { mode: "required", names: readNamed(value) };
}

function readNamed(value: JsonObject): string[] {
  const target = value["function"] ?? value["custom"];
  return isJsonObject(target) && typeof target["name"] === "string" ? [target["name"]] : [];
}

function readDirectives(text: string, tools: readonly DeclaredTool[]): UnnamedCall[] {
  return [...text.matchAll(DIRECTIVE)].flatMap((match) => {
    const [whole, name = ""] = match;
    const tool = tools.find((declared) => declared.name === name);
    if (tool === undefined) return [];
    const rest = text.slice(match.index + whole.length);
    const written = tool.isCustom ? (rest.split("\n", 1)[0] ?? "") : (cutObject(rest) ?? "{}");
    return [{ name, arguments: written, isCustom: tool.isCustom }];
  });
}

/** The JSON object with which the text begins, as it is written; null where there is none. */
function cutObject(written: string): string | null {
  if (!written.startsWith("{")) return null;
  // Some command lines hand on what was typed in quotes, with the quotes in it escaped.
  const text = written.startsWith('{\\"') ? written.replaceAll(/\\(["\\])/gu, "$1") : written;
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/gsu)) {
    if (token === "{") depth++;
    if (token === "}") depth--;
    if (depth > 0) continue;
    const object = text.slice(0, index + 1);
    return isJson(object) ? object : null;
  }
  return null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
