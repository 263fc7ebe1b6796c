// The deltas of one choice → events: which part each belongs to, when a part opens and when it is complete. Knows no chunk around them.

import {
  type Event,
  type Extra,
  type FinishReason,
  type Json,
  type JsonObject,
  type PartDeltaEvent,
  isJsonObject,
} from "../../ir/index.ts";
import { decodeFinish, decodeImage, keepFinish } from "./answer.ts";
import { asExtra, ownFields } from "./body.ts";
import { decodeAnnotations, decodeSources } from "./citation.ts";
import { decodeThinking } from "./content.ts";
import { decodeLogprobs, omitContent } from "./logprob.ts";
import { REASONING_FIELDS, decodeDetail, findReasoningText, isCallSeal } from "./reasoning.ts";
import { type ChoiceState, type OpenPart, closeOpen, startPart, tellSeal } from "./stream-state.ts";
import { closeTools, readTool } from "./stream-tool.ts";
import { objectOf, objectsOf, textOf } from "../json-read.ts";

const READ: ReadonlySet<string> = new Set([
  "role",
  "content",
  "refusal",
  "tool_calls",
  "function_call",
  "images",
  "annotations",
  ...REASONING_FIELDS,
]);
const READ_BESIDE: ReadonlySet<string> = new Set(["index", "delta", "message", "finish_reason", "logprobs", "usage"]);

/** One chunk's choice. Some servers give the reason for the end too early, or on every chunk: the last one counts. */
export function readChoice(choice: ChoiceState, item: JsonObject, events: Event[]): void {
  // Some servers put the whole message into the stream, MiniMax behind its deltas.
  const delta = objectOf(item["delta"] ?? (choice.hasDelta ? null : item["message"]));
  if (isJsonObject(item["delta"])) choice.hasDelta = true;
  readReasoning(choice, delta, events);
  readContent(choice, delta["content"], events);
  readAnnotations(choice, delta["annotations"], events);
  readLogprobs(choice, item["logprobs"], events);
  appendText(choice, "refusal", textOf(delta["refusal"]), events);
  for (const image of objectsOf(delta["images"])) {
    closeOpen(choice, events);
    startPart(choice, { media: decodeImage(image) }, events);
    events.push({ type: "part-end", choice: choice.index, part: choice.nextPart - 1 });
  }
  for (const call of objectsOf(delta["tool_calls"])) readTool(choice, call, events);
  if (isJsonObject(delta["function_call"])) {
    readTool(choice, { index: -1, function: delta["function_call"], function_call: true }, events);
  }
  keepRest(choice.message, delta, READ);
  keepRest(choice.own, item, READ_BESIDE);
  const word = item["finish_reason"];
  if (typeof word === "string" && word !== "") choice.reason = word;
}

/** Closes what is open and ends the choice, once nothing more of it can come. */
export function endChoice(choice: ChoiceState, events: Event[]): void {
  keepAnnotations(choice, choice.annotations);
  const citations = choice.open?.kind === "text" && !choice.isCited ? decodeSources(choice.beside) : [];
  if (choice.open !== null && citations.length > 0) {
    events.push({ type: "part-delta", choice: choice.index, part: choice.open.part, text: "", citations });
  }
  closeOpen(choice, events);
  closeTools(choice, events, true);
  // A seal whose call never came.
  for (const seal of choice.waitingSeals.values()) tellSeal(choice, seal, events);
  const { reason } = choice;
  const hasCalls = choice.tools.length > 0;
  const finish = reason === null ? inferFinish(hasCalls) : decodeFinish(reason, hasCalls);
  const own = { ...choice.own, ...keepFinish(reason ?? undefined) };
  if (Object.keys(choice.message).length > 0) own["message"] = choice.message;
  events.push({ type: "choice-end", choice: choice.index, finish, ...asExtra(own) });
}

/** Why a choice ended that did not say so. */
function inferFinish(hasCalls: boolean): FinishReason {
  return hasCalls ? "tool-calls" : "other";
}

function appendText(choice: ChoiceState, kind: "text" | "refusal", text: string, events: Event[]): void {
  if (text === "") return;
  const part = ensureOpen(choice, kind, events, {}).part;
  if (kind === "text") choice.textLength += text.length;
  events.push({ type: "part-delta", choice: choice.index, part, text });
}

function ensureOpen(choice: ChoiceState, kind: OpenPart["kind"], events: Event[], own: JsonObject): OpenPart {
  if (choice.open?.kind === kind && !choice.open.isSealed) return choice.open;
  closeOpen(choice, events);
  closeTools(choice, events, false);
  const opened = startPart(choice, kind === "thinking" ? "reasoning" : kind, events, asExtra(own));
  choice.open = { part: opened, kind, isSealed: false, base: choice.textLength };
  return choice.open;
}

function readContent(choice: ChoiceState, content: Json | undefined, events: Event[]): void {
  if (typeof content === "string") {
    appendText(choice, "text", content, events);
    return;
  }
  for (const piece of objectsOf(content)) {
    if (piece["type"] !== "thinking") {
      appendText(choice, "text", textOf(piece["text"]), events);
      continue;
    }
    const { text } = decodeThinking(piece);
    if (text === "") continue;
    const part = ensureOpen(choice, "thinking", events, { field: "thinking" }).part;
    events.push({ type: "part-delta", choice: choice.index, part, text });
  }
}

/** Citations belong to the text that is open, or else to the first; behind it they are told at the end, as they came. */
function readAnnotations(choice: ChoiceState, value: Json | undefined, events: Event[]): void {
  if (Array.isArray(value)) choice.annotations.push(...value);
  const open = choice.open?.kind === "text" ? choice.open : null;
  if (choice.annotations.length === 0 || (open === null && choice.textLength === 0)) return;
  const told = choice.annotations.splice(0);
  const { citations, rest } = decodeAnnotations(told, open?.base ?? 0);
  keepAnnotations(choice, open === null ? told : rest);
  if (open === null || citations.length === 0) return;
  choice.isCited = true;
  events.push({ type: "part-delta", choice: choice.index, part: open.part, text: "", citations });
}

function keepAnnotations(choice: ChoiceState, annotations: readonly Json[]): void {
  const before = choice.message["annotations"];
  if (annotations.length === 0) return;
  choice.message["annotations"] = [...(Array.isArray(before) ? before : []), ...annotations];
}

/** Probabilities come token by token; those of no text are told at the end. */
function readLogprobs(choice: ChoiceState, value: Json | undefined, events: Event[]): void {
  if (value === undefined || value === null) return;
  const logprobs = decodeLogprobs(value);
  if (choice.open?.kind !== "text") {
    joinLogprobs(choice.own, value);
    return;
  }
  joinLogprobs(choice.own, omitContent(value));
  if (logprobs.length === 0) return;
  events.push({ type: "part-delta", choice: choice.index, part: choice.open.part, text: "", logprobs });
}

function readReasoning(choice: ChoiceState, delta: JsonObject, events: Event[]): void {
  const shown = findReasoningText(delta);
  if (shown === null && delta["reasoning_details"] === undefined) return;
  const details = objectsOf(delta["reasoning_details"]);
  if (shown === null && details.length === 0) return;
  if (shown !== null) choice.reasoningFrom ??= "field";
  else if (details.some((detail) => decodeDetail(detail).text !== "")) choice.reasoningFrom ??= "details";
  const own: JsonObject = {};
  if (shown?.field === "reasoning") own["field"] = "reasoning";
  if (shown === null && choice.reasoningFrom !== "field") own["field"] = "reasoning_details";
  if (shown !== null && choice.reasoningFrom === "field") {
    const kept = decodeDetail(details[0] ?? {}).extra;
    const open = ensureOpen(choice, "reasoning", events, details.length > 0 ? mergeOwn(own, kept) : own);
    events.push({ type: "part-delta", choice: choice.index, part: open.part, text: shown.text });
  }
  for (const detail of details) readDetail(choice, detail, own, events);
}

/** One detail: more text where it is read from here, a signature for the text that is open, or a sealed part. */
function readDetail(choice: ChoiceState, detail: JsonObject, own: JsonObject, events: Event[]): void {
  const decoded = decodeDetail(detail);
  const { text, signature, encrypted, origin, extra } = decoded;
  const callId = objectOf(ownFields(extra)["detail"])["id"];
  if (isCallSeal(decoded) && typeof callId === "string") {
    choice.waitingSeals.set(callId, { ...decoded, ...asExtra(mergeOwn(own, extra)) });
    return;
  }
  const shownText = choice.reasoningFrom === "details" ? text : "";
  const before = choice.open?.kind === "reasoning" ? choice.open : null;
  const isSame = before !== null && before.detail === detail["index"];
  if (encrypted !== undefined && before !== null && !(isSame && detail["index"] !== undefined)) before.isSealed = true;
  if (shownText === "" && signature === undefined && encrypted === undefined) {
    if (before !== null) before.detail = detail["index"];
    return;
  }
  // A signature may come after its text in a detail of its own, and then closes that text.
  const open =
    before !== null && isSame && signature === undefined && shownText === ""
      ? before
      : ensureOpen(choice, "reasoning", events, mergeOwn(own, extra));
  open.detail = detail["index"];
  const event: PartDeltaEvent = { type: "part-delta", choice: choice.index, part: open.part, text: shownText };
  if (signature !== undefined) event.signature = signature;
  if (encrypted !== undefined) {
    event.encrypted = encrypted;
    choice.seals.add(encrypted);
  }
  if (origin !== undefined) event.origin = origin;
  if (signature !== undefined || encrypted !== undefined) open.isSealed = true;
  events.push(event);
}

function mergeOwn(own: JsonObject, extra: Extra | undefined): JsonObject {
  const fields = Object.values(extra ?? {})[0];
  return fields === undefined ? own : { ...own, ...fields };
}

/** The last value of each further field that says something. */
function keepRest(target: JsonObject, source: JsonObject, read: ReadonlySet<string>): void {
  for (const name in source) {
    if (read.has(name)) continue;
    const value = source[name] ?? null;
    if (value !== null) target[name] = value;
  }
}

/** One list for the text, one for the refusal. */
function joinLogprobs(own: JsonObject, value: Json | undefined): void {
  if (!isJsonObject(value)) return;
  const joined = objectOf(own["logprobs"]);
  for (const [name, list] of Object.entries(value)) {
    const before = joined[name];
    if (Array.isArray(list) && Array.isArray(before)) before.push(...list);
    else joined[name] = Array.isArray(list) ? [...list] : (before ?? list);
  }
  own["logprobs"] = joined;
}
