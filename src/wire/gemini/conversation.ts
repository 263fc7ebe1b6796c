// The order of a conversation: `systemInstruction` and `contents` → canonical messages. Knows parts only as values.

import {
  type JsonObject,
  type MediaPart,
  type Message,
  type Part,
  type TextPart,
  type ToolResultPart,
  isJsonObject,
} from "../../ir/index.ts";
import type { Sources } from "../field-name.ts";
import { asExtra, listObjects, unifyNames } from "./body.ts";
import { decodeMedia } from "./media.ts";
import { type OpenCalls, openCalls } from "./open-calls.ts";
import { decodePart, keepPart, unifyPart } from "./part.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

/** The fields of a body as canonical messages. Results of tools become messages of their own, with the role `tool`. */
export function decodeConversation(body: JsonObject, sources?: Sources): Message[] {
  const messages: Message[] = [];
  const system = decodeInstruction(body["systemInstruction"]);
  if (system.length > 0) messages.push({ role: "system", parts: system });
  if (messages[0] !== undefined) sources?.set(messages[0], "systemInstruction");
  const open = openCalls();
  for (const [index, content] of listObjects(body["contents"]).entries()) {
    const decoded = decodeContent(content, index, { open, sources });
    for (const message of decoded) sources?.set(message, `contents[${index}]`);
    const [first] = decoded;
    const last = messages.at(-1);
    // Google's SDKs keep a streamed turn as a content for each of its chunks.
    if (last?.role === "assistant" && first?.role === "assistant" && first.extra === undefined) {
      joinPieces(first.parts, sources, last.parts);
    } else messages.push(...decoded);
  }
  return messages;
}

/** A content, its parts, or the text alone. */
function decodeInstruction(value: JsonObject[string] | undefined): Part[] {
  if (typeof value === "string") return value === "" ? [] : [{ type: "text", text: value }];
  const items = isJsonObject(value) ? (value["parts"] ?? value) : value;
  const list = Array.isArray(items) ? items : isJsonObject(items) ? [items] : [];
  return list.flatMap((item): Part[] => {
    if (typeof item === "string") return [{ type: "text", text: item }];
    return isJsonObject(item) && Object.keys(item).length > 0 ? decodePart(unifyPart(item), () => "") : [];
  });
}

function decodeContent(
  content: JsonObject,
  index: number,
  { open, sources }: { open: OpenCalls; sources: Sources | undefined },
): Message[] {
  const extra = asExtra(omit(content, ["role", "parts"]));
  const parts = listObjects(content["parts"]).map(unifyPart);
  let calls = 0;
  const nameCall = (): string => `call_${index}_${calls++}`;
  const note = (decoded: Part[], position: number): Part[] => {
    const place = `contents[${index}].parts[${position}]`;
    for (const part of decoded) {
      sources?.set(part, place);
      if (part.type !== "tool-result") continue;
      for (const [at, item] of part.content.entries()) {
        sources?.set(item, `${place}.functionResponse.${at === 0 ? "response" : `parts[${at - 1}]`}`);
      }
    }
    return decoded;
  };
  if (textOf(content["role"]).toLowerCase() === "model") {
    const decoded = parts.flatMap((part, position) =>
      note(isResult(part) ? [keepPart(part)] : decodePart(part, nameCall), position),
    );
    for (const part of decoded) if (part.type === "tool-call") open.add({ id: part.id, name: part.name });
    return [{ role: "assistant", parts: joinPieces(decoded, sources), ...extra }];
  }
  const decoded = parts.flatMap((part, position) =>
    note(isResult(part) ? [decodeResult(part, open, nameCall)] : decodePart(part, nameCall), position),
  );
  const [first, ...rest] = splitResults(decoded);
  return first === undefined ? [{ role: "user", parts: [], ...extra }] : [{ ...first, ...extra }, ...rest];
}

/** Behind those that are `joined`. Clients send back what a stream brought piece by piece: texts and thoughts as one each; only a thought's last piece is signed. */
function joinPieces(parts: readonly Part[], sources: Sources | undefined, joined: Part[] = []): Part[] {
  for (const part of parts) {
    const last = joined.at(-1);
    const whole = last === undefined ? null : joinPiece(last, part);
    const place = last === undefined ? undefined : sources?.get(last);
    if (whole === null) joined.push(part);
    else joined[joined.length - 1] = whole;
    if (whole !== null && place !== undefined) sources?.set(whole, place);
  }
  return joined;
}

/** Null where the second does not go on with the first. */
function joinPiece(first: Part, second: Part): Part | null {
  if (first.extra !== undefined || second.extra !== undefined) return null;
  if (first.type === "text" && second.type === "text") return { type: "text", text: first.text + second.text };
  if (first.type !== "reasoning" || second.type !== "reasoning") return null;
  const isSealed = first.signature !== undefined || first.encrypted !== undefined || second.encrypted !== undefined;
  return isSealed ? null : { ...first, ...second, text: first.text + second.text };
}

function isResult(part: JsonObject): boolean {
  return isJsonObject(part["functionResponse"]);
}

/** Runs of tool results and runs of anything else, in their order. */
function splitResults(parts: Part[]): Message[] {
  const messages: Message[] = [];
  for (const part of parts) {
    const role = part.type === "tool-result" ? "tool" : "user";
    const last = messages.at(-1);
    if (last?.role === role) last.parts.push(part);
    else messages.push({ role, parts: [part] });
  }
  return messages;
}

const RESPONSE_NAMES = ["willContinue"] as const;

function decodeResult(part: JsonObject, open: OpenCalls, nameCall: () => string): ToolResultPart {
  const target = unifyNames(objectOf(part["functionResponse"]), RESPONSE_NAMES);
  const id = textOf(target["id"]);
  const call = open.take(id, target["name"]);
  const own = omit(part, ["functionResponse"]);
  const rest = omit(target, ["id", "name", "response", "parts"]);
  if (Object.keys(rest).length > 0) own["functionResponse"] = rest;
  if (id === "") own["id"] = false;
  // A result whose call is not in the conversation has its name from nowhere else.
  if (call === null) own["name"] = textOf(target["name"]);
  const { text, isError, isWhole } = readResponse(objectOf(target["response"]));
  if (isWhole) own["response"] = false;
  return {
    type: "tool-result",
    callId: call?.id ?? (id === "" ? nameCall() : id),
    content: [{ type: "text", text }, ...objectsOf(target["parts"]).map(decodeResultPart)],
    isError,
    ...asExtra(own),
  };
}

/** What the tool said: the text of `output` or `error`, else the whole object as JSON. */
function readResponse(response: JsonObject): { text: string; isError: boolean; isWhole: boolean } {
  const [field, ...more] = Object.keys(response);
  const isError = "error" in response;
  if (more.length === 0 && (field === "output" || field === "error")) {
    const value = response[field];
    if (typeof value === "string") return { text: value, isError, isWhole: false };
  }
  return { text: JSON.stringify(response), isError, isWhole: true };
}

function decodeResultPart(value: JsonObject): TextPart | MediaPart {
  const part = unifyPart(value);
  return decodeMedia(part, omit(part, ["inlineData", "fileData"])) ?? keepPart(part);
}
