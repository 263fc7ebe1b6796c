// Pieces of tool calls → events: which call a piece belongs to, however sloppily the server numbers them. Knows no text and no reasoning.

import type { Event, JsonObject } from "../../ir/index.ts";
import { readArguments } from "./answer.ts";
import { asExtra } from "./body.ts";
import { makeSeal, readCallSignature, withoutCallId } from "./reasoning.ts";
import { type ChoiceState, type ToolState, closeOpen, startPart, tellSeal } from "./stream-state.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

/** Far beyond what any model calls at once: each is looked for among all. */
const MAX_CALLS = 4_096;
/** Longer arguments are complete when the turn ends. */
const MAX_CHECKED_LENGTH = 256 * 1024;

/** Whether more was called than is read. */
export function callsTooMany({ tools }: Pick<ChoiceState, "tools">): boolean {
  return tools.length > MAX_CALLS;
}

/** One entry of `delta.tool_calls`. */
export function readTool(choice: ChoiceState, call: JsonObject, events: Event[]): void {
  if (callsTooMany(choice)) return;
  const target = objectOf(call["function"] ?? call["custom"]);
  const piece = {
    index: typeof call["index"] === "number" ? call["index"] : null,
    id: textOf(call["id"]),
    name: textOf(target["name"]),
    text: readArguments(target["arguments"] ?? target["input"]),
  };
  let tool = findTool(choice.tools, piece);
  if (tool === undefined) {
    const { signature, own } = readCallSignature(omit(call, ["index", "id", "type", "function", "custom"]));
    const isCustom = call["type"] === "custom" || (call["function"] === undefined && call["custom"] !== undefined);
    tool = { ...piece, part: null, text: "", isClosed: false, isCustom, signature, own };
    choice.tools.push(tool);
  }
  tool.id ||= piece.id;
  tool.name ||= piece.name;
  tool.text += piece.text;
  if (tool.part === null) {
    if (tool.name !== "") openTool(choice, tool, events);
  } else if (piece.text !== "") {
    events.push({ type: "part-delta", choice: choice.index, part: tool.part, text: piece.text });
  }
}

/**
 * The call that a piece continues; undefined where it begins one. A number may be missing (then the id or the order tells), or the same for
 * every call of the turn (then another id, or another name after complete arguments, begins a new one).
 */
function findTool(
  tools: ToolState[],
  piece: { index: number | null; id: string; name: string; text: string },
): ToolState | undefined {
  const known = piece.index === null ? tools : tools.filter((tool) => tool.index === piece.index);
  if (piece.id !== "") {
    const same = known.findLast((tool) => tool.id === piece.id);
    const last = known.at(-1);
    // An id that comes late belongs to the call that waits for it; some servers make up another one for every piece.
    const isMore = piece.name === "" && (last?.id === "" || piece.index !== null);
    return same ?? (isMore ? last : undefined);
  }
  const last = known.at(-1);
  const beginsAnew = piece.name !== "" && piece.text !== "" && last !== undefined && isComplete(last.text);
  return beginsAnew ? undefined : last;
}

function openTool(choice: ChoiceState, tool: ToolState, events: Event[]): void {
  closeOpen(choice, events);
  closeTools(choice, events, false);
  const id = tool.id || `call_${choice.tools.indexOf(tool)}_${choice.answerId}`;
  tellCallSeal(choice, tool, events);
  const toolCall = { id, name: tool.name, ...(tool.isCustom ? { custom: true as const } : {}) };
  tool.part = startPart(choice, { toolCall }, events, asExtra(tool.own));
  if (tool.text !== "") events.push({ type: "part-delta", choice: choice.index, part: tool.part, text: tool.text });
}

/** What was sealed for this call, by its id or on the call itself, directly before it; once, however often it was said. */
function tellCallSeal(choice: ChoiceState, { id, signature }: ToolState, events: Event[]): void {
  const waiting = choice.waitingSeals.get(id);
  choice.waitingSeals.delete(id);
  if (waiting !== undefined) tellSeal(choice, withoutCallId(waiting, id), events);
  else if (signature !== null && !choice.seals.has(signature)) tellSeal(choice, makeSeal(signature, false), events);
}

/**
 * Ends calls. As long as the choice goes on, only those whose arguments are complete: servers may write parallel calls in turns, and a call
 * that is closed cannot take what comes late.
 */
export function closeTools(choice: ChoiceState, events: Event[], isEnd: boolean): void {
  for (const tool of choice.tools) {
    if (tool.isClosed || (!isEnd && (tool.part === null || tool.isCustom || !isComplete(tool.text)))) continue;
    // A call that never got a name is told as it is, so that nothing is lost.
    if (tool.part === null) {
      tool.isClosed = true;
      openTool(choice, tool, events);
    }
    tool.isClosed = true;
    if (tool.part !== null) events.push({ type: "part-end", choice: choice.index, part: tool.part });
  }
}

function isComplete(text: string): boolean {
  if (text.length > MAX_CHECKED_LENGTH || !text.trimEnd().endsWith("}")) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
