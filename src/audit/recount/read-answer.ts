// Reads answers, whole or gathered from a stream, as text that a model wrote. Knows no tokenizer.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import type { HeardPart } from "../../ledger/index.ts";
import {
  type Reading,
  addCall,
  addText,
  isGiven,
  listOf,
  noteHidden,
  noteInexact,
  objectOf,
  objectsOf,
  startReading,
  textOfThought,
} from "./reading.ts";

export interface AnswerReading extends Reading {
  /** Thoughts that were shown: whole, or in a summary, which nobody can tell. */
  thoughts: string[];
  /** Alternatives: each may end in a mark that counts. */
  choices: number;
}

function startAnswer(): AnswerReading {
  return { ...startReading(), thoughts: [], choices: 0 };
}

/** What was gathered of a stream, whatever its format. */
export function readHeard(parts: readonly HeardPart[]): AnswerReading {
  const into = startAnswer();
  into.choices = Math.max(1, new Set(parts.map(({ choice }) => choice)).size);
  for (const { kind, name, texts } of parts) {
    const text = texts.join("");
    if (kind === "tool-call") addCall(into, name, text);
    else if (kind === "reasoning") into.thoughts.push(text);
    else if (kind === "media") noteHidden(into, "media");
    else addText(into, text);
  }
  return into;
}

const BY_FORMAT: Readonly<Record<string, (into: AnswerReading, body: JsonObject) => void>> = {
  "anthropic-messages": (into, body) => readBlocks(into, body["content"]),
  "bedrock-converse": (into, body) => readBlocks(into, objectOf(objectOf(body["output"])["message"])["content"]),
  "cohere-chat": (into, body) => readMessage(into, objectOf(body["message"])),
  gemini: readCandidates,
  "openai-chat": readChoices,
  "openai-completions": readCompletions,
  "openai-responses": readOutput,
};

/** Null where the format is none that is known here. */
export function readAnswer(format: string, body: JsonObject): AnswerReading | null {
  const read = BY_FORMAT[format];
  if (read === undefined) return null;
  const into = startAnswer();
  read(into, body);
  into.choices = Math.max(1, into.choices);
  return into;
}

function readChoices(into: AnswerReading, body: JsonObject): void {
  for (const choice of objectsOf(body["choices"])) {
    into.choices++;
    readMessage(into, objectOf(choice["message"]));
  }
}

function readCompletions(into: AnswerReading, body: JsonObject): void {
  for (const choice of objectsOf(body["choices"])) {
    into.choices++;
    addText(into, choice["text"]);
  }
}

function readMessage(into: AnswerReading, message: JsonObject): void {
  readBlocks(into, message["content"]);
  addText(into, message["refusal"]);
  for (const field of ["reasoning_content", "reasoning", "tool_plan"]) addThought(into, message[field]);
  for (const call of objectsOf(message["tool_calls"])) {
    const made = objectOf(call["function"] ?? call["custom"]);
    addCall(into, made["name"], made["arguments"] ?? made["input"]);
  }
  if (isJsonObject(message["function_call"])) {
    addCall(into, message["function_call"]["name"], message["function_call"]["arguments"]);
  }
  if (isGiven(message["audio"])) noteHidden(into, "audio");
  if (listOf(message["images"]).length > 0) noteHidden(into, "images");
}

function readOutput(into: AnswerReading, body: JsonObject): void {
  for (const item of objectsOf(body["output"])) {
    switch (item["type"]) {
      case "message":
        readBlocks(into, item["content"]);
        break;
      case "function_call":
      case "custom_tool_call":
        addCall(into, item["name"], item["arguments"] ?? item["input"]);
        break;
      case "reasoning":
        readThoughts(into, item);
        break;
      default:
        noteHidden(into, typeof item["type"] === "string" ? item["type"] : "item");
    }
  }
}

/** The text itself where it is shown, else what is shown of it. */
function readThoughts(into: AnswerReading, item: JsonObject): void {
  const shown = objectsOf(item["content"]);
  for (const part of shown.length > 0 ? shown : objectsOf(item["summary"])) addThought(into, part["text"]);
  noteInexact(into, "reasoning");
}

function readCandidates(into: AnswerReading, body: JsonObject): void {
  for (const candidate of objectsOf(body["candidates"])) {
    into.choices++;
    readBlocks(into, objectOf(candidate["content"])["parts"]);
  }
}

/** A string, or blocks of any of the formats. */
function readBlocks(into: AnswerReading, content: Json | undefined): void {
  if (typeof content === "string") return addText(into, content);
  for (const block of objectsOf(content)) readBlock(into, block);
}

function readBlock(into: AnswerReading, block: JsonObject): void {
  const call = block["functionCall"] ?? block["toolUse"] ?? (block["type"] === "tool_use" ? block : undefined);
  if (isJsonObject(call)) return addCall(into, call["name"], call["input"] ?? call["args"]);
  if (block["thought"] === true) return addThought(into, block["text"]);
  if (isJsonObject(block["reasoningContent"])) {
    return addThought(into, objectOf(block["reasoningContent"]["reasoningText"])["text"] ?? "");
  }
  if (block["type"] === "thinking") return addThought(into, textOfThought(block["thinking"]));
  if (block["type"] === "redacted_thinking") return addThought(into, "");
  if (block["type"] === "refusal") return addText(into, block["refusal"]);
  if (typeof block["text"] === "string") return addText(into, block["text"]);
  noteHidden(into, typeof block["type"] === "string" ? block["type"] : (Object.keys(block)[0] ?? "block"));
}

function addThought(into: AnswerReading, text: Json | undefined): void {
  if (typeof text !== "string") return;
  into.thoughts.push(text);
  noteInexact(into, "reasoning");
}
