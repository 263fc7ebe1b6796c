// The order of a conversation: canonical messages as Converse's `system` and its strictly alternating turns. Knows blocks only as values.

import { type JsonObject, type Message, type Part, type Request, invalidRequest } from "../../ir/index.ts";
import { reportFields } from "../foreign.ts";
import type { ModelFacts } from "../type.ts";
import { type Turn } from "./body.ts";
import { encodeMark, markOf } from "./cache.ts";
import { type Place, encodePart } from "./content.ts";
import { createDocumentNames } from "./media.ts";
import { objectOf, textOf } from "../json-read.ts";

interface Conversation {
  system: JsonObject[];
  turns: Turn[];
}

/** Blocks that stay together: a part's, and the cache point behind them. */
type Unit = JsonObject[];

/**
 * Neighbours of one role become one turn, results of tools are the user's, instructions from later in the conversation are hoisted and
 * reported. Throws an invalid_request where there is nothing to answer or the assistant speaks first, which Converse refuses.
 */
export function encodeConversation(request: Request, facts: ModelFacts, dropped: string[]): Conversation {
  const nameDocument = createDocumentNames();
  const system: { index: number; unit: Unit }[] = [];
  const turns: { role: Turn["role"]; units: Unit[] }[] = [];
  for (const [index, message] of request.messages.entries()) {
    const units = encodeMessage(message, index, { dropped, facts, nameDocument });
    if (units.length === 0) continue;
    if (message.role === "system" || message.role === "developer") {
      if (turns.length > 0) dropped.push(`messages[${index}].role`);
      system.push(...units.map((unit) => ({ index, unit })));
      continue;
    }
    const role = message.role === "assistant" ? "assistant" : "user";
    const last = turns.at(-1);
    if (last?.role === role) last.units.push(...units);
    else turns.push({ role, units });
  }
  const lastIndex = system.at(-1)?.index;
  if (turns.length === 0 && lastIndex !== undefined) {
    // A conversation of instructions alone: the last one is what the model has to answer.
    const asked = system.filter(({ index }) => index === lastIndex);
    turns.push({ role: "user", units: asked.map(({ unit }) => unit) });
    system.splice(-asked.length);
    dropped.push(`messages[${lastIndex}].role`);
  }
  requireQuestion(turns[0]?.role);
  return {
    system: system.flatMap(({ unit }) => unit),
    turns: turns.map(({ role, units }, index) => {
      const content = (
        role === "user" ? placeFirst(units, "toolResult") : placeFirst(units, "reasoningContent")
      ).flat();
      if (role === "user") nameDocuments(content);
      else if (index === turns.length - 1) trimPrefill(content);
      return { role, content };
    }),
  };
}

function requireQuestion(role: Turn["role"] | undefined): void {
  if (role === undefined) throw invalidRequest("messages: at least one message with content is required", "messages");
  if (role === "user") return;
  throw invalidRequest(
    "messages: this model's conversations begin with the user; leave out what the assistant said before, or say it in the instructions",
    "messages",
  );
}

function encodeMessage(message: Message, index: number, rest: Omit<Place, "path">): Unit[] {
  const { dropped, facts } = rest;
  reportFields(message.extra, `messages[${index}]`, dropped);
  const isInstruction = message.role === "system" || message.role === "developer";
  let calls = 0;
  return message.parts.flatMap((part, position) => {
    const path = pathOf(part, message, { index, position, calls });
    if (part.type === "tool-call") calls += 1;
    if (part.type === "media" && (isInstruction || message.role === "assistant")) {
      // Images and documents are taken from users and tools only.
      dropped.push(path);
      return [];
    }
    const blocks = encodePart(part, { ...rest, path });
    return blocks.length === 0 ? [] : [[...blocks, ...encodeMark(markOf(part), facts, { place: "prompt", dropped })]];
  });
}

function pathOf(part: Part, message: Message, at: { index: number; position: number; calls: number }): string {
  const start = `messages[${at.index}]`;
  if (part.type === "tool-call") return `${start}.tool_calls[${at.calls}]`;
  if (part.type === "reasoning") return `${start}.reasoning_content`;
  if (part.type === "tool-result" && message.parts.length === 1) return start;
  return `${start}.content[${at.position}]`;
}

function placeFirst(units: Unit[], name: string): Unit[] {
  const isFirst = (unit: Unit): boolean => unit[0]?.[name] !== undefined;
  return [...units.filter(isFirst), ...units.filter((unit) => !isFirst(unit))];
}

/** A turn with a document must have text, too: the document's own name says nothing that the client has not said. */
function nameDocuments(content: JsonObject[]): void {
  const documents = content.filter((block) => block["document"] !== undefined);
  if (documents.length === 0 || content.some((block) => block["text"] !== undefined)) return;
  content.push({ text: documents.map((block) => textOf(objectOf(block["document"])["name"])).join(", ") });
}

/** A last turn of the assistant, which the answer continues, must not end in white space. */
function trimPrefill(content: JsonObject[]): void {
  const last = content.at(-1);
  if (last?.["text"] !== undefined) content[content.length - 1] = { text: textOf(last["text"]).trimEnd() };
}
