// Reads requests in formats whose way of counting is not published: all text that a model is given, wherever it stands. The count of it is
// an estimate anyway, so that one reader does for all. Knows no tokenizer.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import {
  type Reading,
  addCall,
  addEarlier,
  addForm,
  addText,
  addTool,
  addValue,
  isGiven,
  listOf,
  noteHidden,
  noteInexact,
  objectOf,
  objectsOf,
  startReading,
  textOfThought,
} from "./reading.ts";

/** Where bodies hold what is asked. */
const CONVERSATION = ["messages", "contents"];
const ALONE = ["system", "systemInstruction", "system_instruction", "prompt", "query", "input", "texts", "content"];
/** What the provider has of its own, and reads along. */
const KEPT = ["cachedContent", "cached_content", "container", "mcp_servers", "connectors"];

export function readAnyRequest(body: JsonObject): Reading {
  const reading = startReading();
  noteInexact(reading, "format");
  for (const field of CONVERSATION) {
    for (const message of listTurns(body[field])) {
      reading.messages++;
      walk(reading, message["content"] ?? message["parts"] ?? null);
      for (const call of objectsOf(message["tool_calls"])) {
        const made = objectOf(call["function"]);
        addCall(reading, made["name"], made["arguments"]);
      }
    }
  }
  for (const field of ALONE) {
    if (!isGiven(body[field])) continue;
    reading.messages++;
    walk(reading, body[field] ?? null);
  }
  for (const document of listOf(body["documents"])) reading.texts.push(JSON.stringify(document));
  for (const tool of [...objectsOf(body["tools"]), ...objectsOf(objectOf(body["toolConfig"])["tools"])]) {
    readTool(reading, tool);
  }
  readForms(reading, body);
  for (const field of KEPT) if (isGiven(body[field])) noteHidden(reading, field);
  return reading;
}

/** Where formats say what an answer is to look like. */
function readForms(into: Reading, body: JsonObject): void {
  const settings = objectOf(body["generationConfig"] ?? body["generation_config"]);
  const places = [
    ...["responseSchema", "responseJsonSchema", "response_schema", "response_json_schema"].map(
      (name) => settings[name],
    ),
    objectOf(objectOf(body["output_config"])["format"] ?? body["output_format"])["schema"],
    objectOf(body["response_format"])["schema"] ?? objectOf(body["response_format"])["json_schema"],
    objectOf(objectOf(objectOf(objectOf(body["outputConfig"])["textFormat"])["structure"])["jsonSchema"])["schema"],
  ];
  for (const form of places) if (form !== undefined && isGiven(form)) addForm(into, form);
}

/** Some take a single turn for a list of it. */
function listTurns(value: Json | undefined): JsonObject[] {
  return isJsonObject(value) ? [value] : objectsOf(value);
}

/** A tool of the client's describes its parameters; any other is the provider's own, and brings what nobody sees here. */
function readTool(into: Reading, tool: JsonObject): void {
  const declared = tool["functionDeclarations"] ?? tool["function_declarations"];
  if (declared !== undefined) {
    for (const each of listOf(declared)) addTool(into, each);
    return;
  }
  if (["input_schema", "function", "parameters", "toolSpec"].some((field) => isGiven(tool[field]))) {
    return addTool(into, tool);
  }
  if (isGiven(tool["cachePoint"])) return;
  const [name = "tool"] = Object.keys(tool);
  noteHidden(into, typeof tool["type"] === "string" ? tool["type"] : name);
}

/** Fields that name or mark something; their text is not read by the model. */
const MARKS = new Set([
  "cacheControl",
  "cachePoint",
  "cache_control",
  "format",
  "id",
  "media_type",
  "mimeType",
  "role",
  "signature",
  "status",
  "thoughtSignature",
  "thought_signature",
  "toolUseId",
  "tool_call_id",
  "tool_use_id",
  "type",
]);

function walk(into: Reading, value: Json): void {
  if (typeof value === "string") return addText(into, value);
  if (Array.isArray(value)) {
    for (const item of value) walk(into, item);
    return;
  }
  if (!isJsonObject(value) || isThought(into, value) || isMedia(into, value) || isCall(into, value)) return;
  const told = objectOf(value["functionResponse"] ?? value["function_response"])["response"] ?? value["json"];
  if (told !== undefined) addValue(into, told);
  for (const [field, inner] of Object.entries(value)) if (!MARKS.has(field)) walk(into, inner);
}

function isMedia(into: Reading, part: JsonObject): boolean {
  const inline = part["inlineData"] ?? part["inline_data"] ?? part["fileData"] ?? part["file_data"];
  if (isJsonObject(inline)) {
    const type = inline["mimeType"] ?? inline["mime_type"];
    addMedia(into, typeof type === "string" && type.startsWith("image/") ? "image" : "media");
    return true;
  }
  if (part["type"] === "image" || part["type"] === "image_url" || isJsonObject(part["image"])) {
    addMedia(into, "image");
    return true;
  }
  for (const kind of ["audio", "document", "file", "video"]) {
    const source = objectOf(part["source"])["type"];
    if (part["type"] === kind && (source === "text" || source === "content")) return false;
    if (part["type"] !== kind && !isJsonObject(part[kind])) continue;
    addMedia(into, kind);
    return true;
  }
  return false;
}

function addMedia(into: Reading, kind: string): void {
  if (kind !== "image") return noteHidden(into, kind);
  noteInexact(into, "images");
  into.images++;
}

function isCall(into: Reading, part: JsonObject): boolean {
  const call = part["functionCall"] ?? part["toolUse"] ?? (part["type"] === "tool_use" ? part : undefined);
  if (!isJsonObject(call)) return false;
  addCall(into, call["name"], call["input"] ?? call["args"]);
  return true;
}

/** Of earlier thoughts some are read again and some are not. */
function isThought(into: Reading, part: JsonObject): boolean {
  const isIt =
    part["thought"] === true ||
    part["type"] === "thinking" ||
    part["type"] === "redacted_thinking" ||
    isJsonObject(part["reasoningContent"]);
  // Thoughts that only the provider can read are read again by the model.
  if (isGiven(part["thoughtSignature"]) || isGiven(part["thought_signature"])) noteHidden(into, "thought_signature");
  if (!isIt) return false;
  noteInexact(into, "thoughts");
  const told = isJsonObject(part["reasoningContent"]) ? part["reasoningContent"] : part;
  const { text, signature } = objectOf(told["reasoningText"]);
  addEarlier(into, textOfThought(told["thinking"]) ?? told["text"] ?? text, told["signature"] ?? signature);
  addEarlier(into, null, told["data"] ?? told["redactedContent"]);
  return true;
}
