// Reasoning as OpenAI's imitators spell it on a message (`reasoning_content`, `reasoning`, `reasoning_details`) ↔ canonical parts. OpenAI
// itself shows none. Knows no message beyond these fields.

import { type Json, type JsonObject, type ReasoningPart, isJsonObject } from "../../ir/index.ts";
import { type ReasoningDetail, asExtra, objectOf, objectsOf, omit, ownFields, textOf } from "./body.ts";

/** The message's fields that `decodeReasoning` reads. */
export const REASONING_FIELDS = ["reasoning_content", "reasoning", "reasoning_details"] as const;

/** The plain text field of a message or delta: DeepSeek's and vLLM's name, or OpenRouter's and Groq's. */
export function findReasoningText(
  source: JsonObject,
): { field: "reasoning_content" | "reasoning"; text: string } | null {
  for (const field of ["reasoning_content", "reasoning"] as const) {
    const text = source[field];
    if (typeof text === "string" && text !== "") return { field, text };
  }
  return null;
}

/**
 * The reasoning of a message. The part's own entry keeps the spelling, always for a request (`isRequest`): what a client sends back must
 * reach such a server as it came, and OpenAI not at all. In an answer `reasoning_content` needs no mark, it is what we write.
 */
export function decodeReasoning(message: JsonObject, isRequest: boolean): ReasoningPart[] {
  const shown = findReasoningText(message);
  const parts = joinDetails(objectsOf(message["reasoning_details"]));
  if (parts.length === 0 && shown === null) return [];
  const text = shown?.text ?? "";
  const isTextMissing = text !== "" && parts.every((part) => part.text === "");
  const [only, ...more] = parts;
  if (isTextMissing && only?.signature !== undefined && more.length === 0) only.text = text;
  else if (isTextMissing) parts.unshift({ type: "reasoning", text });
  const field = shown?.field ?? "reasoning_details";
  if (field === "reasoning_content" && !isRequest) return parts;
  return parts.map((part) => ({ ...part, ...asExtra({ ...ownFields(part.extra), field }) }));
}

/** A sealed entry with the index of the text before it belongs to the same part. */
function joinDetails(details: JsonObject[]): ReasoningPart[] {
  const parts: ReasoningPart[] = [];
  let lastIndex: Json | undefined;
  for (const detail of details) {
    const last = parts.at(-1);
    const sealed = detail["type"] === "reasoning.encrypted" ? textOf(detail["data"]) : undefined;
    if (sealed !== undefined && last !== undefined && last.encrypted === undefined && detail["index"] === lastIndex) {
      if (lastIndex !== undefined) {
        last.encrypted = sealed;
        continue;
      }
    }
    lastIndex = detail["index"];
    parts.push(decodeDetail(detail));
  }
  return parts;
}

/** One entry as a part; what only this entry says stays in its own `detail`. */
export function decodeDetail(detail: JsonObject): ReasoningPart {
  const part: ReasoningPart = { type: "reasoning", text: textOf(detail["text"]) };
  const rest = omit(detail, ["type", "text", "data", "signature", "index"]);
  const signature = textOf(detail["signature"]);
  if (signature !== "") part.signature = signature;
  if (detail["type"] === "reasoning.encrypted") part.encrypted = textOf(detail["data"]);
  else if (detail["type"] !== "reasoning.text") {
    part.text = textOf(detail["summary"]) || part.text;
    rest["type"] = detail["type"] ?? "reasoning.text";
  }
  return { ...part, ...asExtra(Object.keys(rest).length === 0 ? {} : { detail: rest }) };
}

/** The fields of a message for its reasoning parts: plain text, and details where something is signed or sealed. */
export function encodeReasoning(parts: readonly ReasoningPart[]): JsonObject {
  const fields: JsonObject = {};
  const own = ownFields(parts[0]?.extra);
  const field = textOf(own["field"]) || "reasoning_content";
  const text = parts.map((part) => part.text).join("");
  if (text !== "" && field !== "reasoning_details") fields[field] = text;
  const needsDetails = (part: ReasoningPart): boolean =>
    part.signature !== undefined || part.encrypted !== undefined || isJsonObject(ownFields(part.extra)["detail"]);
  if (field === "reasoning_details" || parts.some(needsDetails)) {
    fields["reasoning_details"] = parts.flatMap((part, index) => encodeDetails(part, index));
  }
  return fields;
}

/** One part as entries of `reasoning_details`; two where it is shown and sealed at once. */
export function encodeDetails(part: ReasoningPart, index: number): JsonObject[] {
  const { text, signature, encrypted } = part;
  const rest = objectOf(ownFields(part.extra)["detail"]);
  const details: JsonObject[] = [];
  if (typeof rest["type"] === "string") return [{ ...rest, summary: text, index }];
  if (text !== "" || signature !== undefined || encrypted === undefined) {
    const detail: ReasoningDetail = { type: "reasoning.text", text, ...(signature === undefined ? {} : { signature }) };
    details.push({ ...detail, ...rest, index });
  }
  if (encrypted !== undefined) {
    const detail: ReasoningDetail = { type: "reasoning.encrypted", data: encrypted };
    details.push({ ...detail, ...rest, index });
  }
  return details;
}
