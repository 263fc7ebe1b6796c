// Reads requests in the formats whose way of counting is published, close enough to count them exactly where that is possible.
// Knows no tokenizer.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import {
  type Reading,
  addCall,
  addEarlier,
  addForm,
  addText,
  addTool,
  isGiven,
  listOf,
  noteHidden,
  noteInexact,
  objectOf,
  objectsOf,
  startReading,
  textOfThought,
} from "./reading.ts";

export function readChatRequest(body: JsonObject): Reading {
  const reading = startReading();
  for (const message of objectsOf(body["messages"])) readMessage(reading, message);
  for (const tool of objectsOf(body["tools"])) readTool(reading, tool);
  for (const tool of listOf(body["functions"])) addTool(reading, tool);
  readForm(reading, objectOf(body["response_format"]));
  const isOnline = typeof body["model"] === "string" && body["model"].endsWith(":online");
  if (isOnline || SEARCHES.some((field) => isGiven(body[field]))) noteHidden(reading, "web_search");
  if (isGiven(body["prediction"])) readPrediction(reading, objectOf(body["prediction"])["content"]);
  return reading;
}

/** A string, or pieces of text. */
function readPrediction(into: Reading, content: Json | undefined): void {
  noteInexact(into, "prediction");
  const texts = [content, ...objectsOf(content).map(({ text }) => text)];
  for (const text of texts) if (typeof text === "string") into.predicted.push(text);
}

/**
 * Whatever else is said there, the provider looks something up and has the model read it; OpenRouter also where a model's name ends so:
 * https://openrouter.ai/docs/features/web-search
 */
const SEARCHES = ["enable_search", "plugins", "search_parameters", "web_search_options"];

/** A function of the client's; any other is the provider's own, and brings what nobody sees here. */
function readTool(into: Reading, tool: JsonObject): void {
  const { type = "function" } = tool;
  if (type === "function" || type === "custom") addTool(into, tool);
  else noteHidden(into, typeof type === "string" ? type : "tool");
}

function readMessage(into: Reading, message: JsonObject): void {
  into.messages++;
  readContent(into, message["content"]);
  if (isGiven(message["name"])) {
    into.names++;
    addText(into, message["name"]);
  }
  if (message["role"] === "tool" || message["role"] === "function") noteInexact(into, "tool_results");
  for (const call of objectsOf(message["tool_calls"])) {
    const made = objectOf(call["function"] ?? call["custom"]);
    addCall(into, made["name"], made["arguments"] ?? made["input"]);
  }
  if (isJsonObject(message["function_call"])) {
    addCall(into, message["function_call"]["name"], message["function_call"]["arguments"]);
  }
  readThoughts(into, message);
  if (isGiven(message["refusal"])) noteInexact(into, "refusal");
  // What a turn was spoken in before is read again, and not as text.
  if (isGiven(message["audio"])) noteHidden(into, "audio");
}

/** As compatible providers have them: the same text in one field or the other, or in pieces. */
function readThoughts(into: Reading, message: JsonObject): void {
  for (const field of ["reasoning_content", "reasoning", "reasoning_details"]) {
    if (!isGiven(message[field])) continue;
    noteInexact(into, field);
    addEarlier(into, message[field], null);
    for (const piece of objectsOf(message[field])) {
      addEarlier(into, piece["text"] ?? piece["summary"], piece["signature"]);
      addEarlier(into, null, piece["data"]);
    }
  }
}

/** A string, or a list of parts in either format. */
function readContent(into: Reading, content: Json | undefined): void {
  if (typeof content === "string") return addText(into, content);
  let texts = 0;
  for (const part of objectsOf(content)) {
    switch (part["type"]) {
      case "text":
      case "input_text":
      case "output_text":
        texts++;
        addText(into, part["text"]);
        break;
      case "refusal":
        noteInexact(into, "refusal");
        addText(into, part["refusal"]);
        break;
      case "thinking":
        noteInexact(into, "thinking");
        addEarlier(into, textOfThought(part["thinking"]), part["signature"]);
        break;
      case "image_url":
      case "input_image":
        noteInexact(into, "images");
        into.images++;
        break;
      default:
        noteHidden(into, typeof part["type"] === "string" ? part["type"] : "content");
    }
  }
  // Whether pieces are joined before they are counted is not told.
  if (texts > 1) noteInexact(into, "content_parts");
}

function readForm(into: Reading, form: JsonObject): void {
  if (form["type"] === "json_schema") addForm(into, form);
}

export function readResponsesRequest(body: JsonObject): Reading {
  const reading = startReading();
  const { input } = body;
  if (isGiven(body["instructions"])) {
    reading.messages++;
    noteInexact(reading, "instructions");
    addText(reading, body["instructions"]);
  }
  if (typeof input === "string") {
    reading.messages++;
    addText(reading, input);
  }
  for (const item of objectsOf(input)) readItem(reading, item);
  for (const tool of objectsOf(body["tools"])) readTool(reading, tool);
  readForm(reading, objectOf(objectOf(body["text"])["format"]));
  for (const field of ["previous_response_id", "conversation", "prompt"]) {
    if (isGiven(body[field])) noteHidden(reading, field);
  }
  return reading;
}

function readItem(into: Reading, item: JsonObject): void {
  const type = item["type"] ?? "message";
  switch (type) {
    case "message":
      into.messages++;
      return readContent(into, item["content"]);
    case "function_call":
    case "custom_tool_call":
      into.messages++;
      return addCall(into, item["name"], item["arguments"] ?? item["input"]);
    case "function_call_output":
    case "custom_tool_call_output":
      into.messages++;
      noteInexact(into, "tool_results");
      return readContent(into, item["output"]);
    default:
      // Thoughts come back encrypted, and items that are only named are kept by the provider.
      return noteHidden(into, typeof type === "string" ? type : "item");
  }
}

/** Texts, or tokens as numbers; one of them or several. */
export function readEmbeddingsRequest(body: JsonObject): Reading {
  const reading = startReading();
  const { input } = body;
  if (Array.isArray(input)) for (const item of input) readVectorInput(reading, item);
  else readVectorInput(reading, input);
  return reading;
}

function readVectorInput(into: Reading, item: Json | undefined): void {
  if (typeof item === "string") addText(into, item);
  else if (typeof item === "number") into.numbers++;
  else if (Array.isArray(item)) into.numbers += item.length;
  else noteHidden(into, "input");
}

/** One text or several, each gone on from. */
export function readCompletionsRequest(body: JsonObject): Reading {
  const reading = startReading();
  const { prompt } = body;
  if (Array.isArray(prompt)) for (const item of prompt) readVectorInput(reading, item);
  else readVectorInput(reading, prompt);
  if (isGiven(body["suffix"])) {
    noteInexact(reading, "suffix");
    addText(reading, body["suffix"]);
  }
  // What is written and thrown away is paid for, and a prompt that comes back is not.
  for (const field of ["best_of", "echo"]) if (isGiven(body[field])) noteHidden(reading, field);
  return reading;
}
