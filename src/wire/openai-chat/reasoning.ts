// Reasoning as OpenAI's imitators spell it on a message (`reasoning_content`, `reasoning`, `reasoning_details`, and the signature that
// Google's imitation puts on a call) ↔ canonical parts. OpenAI itself shows none. Knows no message beyond these fields.
// Source: https://openrouter.ai/docs/use-cases/reasoning-tokens

import {
  type AnswerPart,
  type Json,
  type JsonObject,
  type Part,
  type ReasoningPart,
  isJsonObject,
} from "../../ir/index.ts";
import type { WireId } from "../type.ts";
import { ID, type ReasoningDetail, asExtra, ownFields } from "./body.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

/** The message's fields that `decodeReasoning` reads. */
export const REASONING_FIELDS = ["reasoning_content", "reasoning", "reasoning_details"] as const;

/** The formats whose opaque values travel in details, and their names there. */
const DETAIL_FORMATS: ReadonlyMap<string, WireId> = new Map<string, WireId>([
  ["amazon-bedrock-v1", "bedrock-converse"],
  ["anthropic-claude-v1", "anthropic-messages"],
  ["google-gemini-v1", "gemini"],
  ["openai-responses-v1", "openai-responses"],
]);

/** The format whose signatures may stand on a call instead. */
const CALL_ORIGIN = "gemini" satisfies WireId;

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
        const origin = last.origin ?? originOf(detail);
        if (origin !== undefined) last.origin = origin;
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
  const isKnown = DETAIL_FORMATS.has(textOf(detail["format"]));
  const read = ["type", "text", "data", "signature", "index", ...(isKnown ? ["format"] : [])];
  const rest = omit(detail, read);
  const signature = textOf(detail["signature"]);
  if (signature !== "") part.signature = signature;
  if (detail["type"] === "reasoning.encrypted") part.encrypted = textOf(detail["data"]);
  else if (detail["type"] !== "reasoning.text") {
    part.text = textOf(detail["summary"]) || part.text;
    rest["type"] = detail["type"] ?? "reasoning.text";
  }
  const origin = originOf(detail);
  if (origin !== undefined) part.origin = origin;
  return { ...part, ...asExtra(Object.keys(rest).length === 0 ? {} : { detail: rest }) };
}

/** Whose opaque value an entry holds; this format's own where only its server knows. */
function originOf({ format }: JsonObject): WireId | undefined {
  const name = textOf(format);
  return name === "" ? undefined : (DETAIL_FORMATS.get(name) ?? ID);
}

/**
 * Calls with the sealed reasoning that belongs to each directly before it: entries that name the call's id, and signatures that stand on the
 * call itself. `rest` is the reasoning that belongs to no call.
 */
export function placeSeals<P extends Part>(
  reasoning: ReasoningPart[],
  calls: readonly { part: P; signature: string | null }[],
  isRequest: boolean,
): { rest: ReasoningPart[]; calls: (P | ReasoningPart)[] } {
  const placed = new Set<ReasoningPart>();
  const joined = calls.flatMap(({ part, signature }): (P | ReasoningPart)[] => {
    const id = part.type === "tool-call" ? part.id : "";
    const seal = reasoning.find((candidate) => !placed.has(candidate) && belongsTo(candidate, id, signature));
    if (seal !== undefined) {
      placed.add(seal);
      return [withoutCallId(seal, id), part];
    }
    return signature === null ? [part] : [makeSeal(signature, isRequest), part];
  });
  return { rest: reasoning.filter((part) => !placed.has(part)), calls: joined };
}

function belongsTo(part: ReasoningPart, callId: string, signature: string | null): boolean {
  if (part.text !== "" || part.encrypted === undefined || part.origin !== CALL_ORIGIN) return false;
  const id = objectOf(ownFields(part.extra)["detail"])["id"];
  return id === undefined ? part.encrypted === signature : id === callId;
}

/** Its place says what the id said. */
export function withoutCallId(part: ReasoningPart, callId: string): ReasoningPart {
  const { extra, ...rest } = part;
  const own = ownFields(extra);
  const detail = objectOf(own["detail"]);
  if (detail["id"] !== callId) return part;
  const detailRest = omit(detail, ["id"]);
  const kept = Object.keys(detailRest).length === 0 ? {} : { detail: detailRest };
  return { ...rest, ...asExtra({ ...omit(own, ["detail"]), ...kept }) };
}

/** The signature of a call as the reasoning before it. */
export function makeSeal(signature: string, isRequest: boolean): ReasoningPart {
  const field = isRequest ? "call" : "reasoning_details";
  return { type: "reasoning", text: "", encrypted: signature, origin: CALL_ORIGIN, ...asExtra({ field }) };
}

/** The signature on a call, and what else stood beside it. */
export function readCallSignature(own: JsonObject): { signature: string | null; own: JsonObject } {
  const content = objectOf(own["extra_content"]);
  const vendor = objectOf(content["google"]);
  const signature = textOf(vendor["thought_signature"]);
  if (signature === "") return { signature: null, own };
  const vendorRest = omit(vendor, ["thought_signature"]);
  const contentRest = omit(content, ["google"]);
  if (Object.keys(vendorRest).length > 0) contentRest["google"] = vendorRest;
  const rest = omit(own, ["extra_content"]);
  if (Object.keys(contentRest).length > 0) rest["extra_content"] = contentRest;
  return { signature, own: rest };
}

/** A call's fields with the signature in its place. */
export function addCallSignature(own: JsonObject, signature: string | undefined): JsonObject {
  if (signature === undefined) return own;
  const content = objectOf(own["extra_content"]);
  const vendor = { ...objectOf(content["google"]), thought_signature: signature };
  return { ...own, extra_content: { ...content, google: vendor } };
}

/** True for a seal that may belong to the call behind it. */
export function isCallSeal(part: Pick<ReasoningPart, "text" | "encrypted" | "origin">): boolean {
  return part.text === "" && part.encrypted !== undefined && part.origin === CALL_ORIGIN;
}

/** The seals that stand directly before a call, by the call's id. */
export function listCallSeals(parts: readonly (AnswerPart | Part)[]): Map<string, ReasoningPart> {
  const seals = new Map<string, ReasoningPart>();
  for (const [index, part] of parts.entries()) {
    const before = parts[index - 1];
    if (part.type === "tool-call" && before?.type === "reasoning" && isCallSeal(before)) seals.set(part.id, before);
  }
  return seals;
}

/** The fields of a message for its reasoning parts: plain text, and details where something is signed or sealed. */
export function encodeReasoning(
  parts: readonly ReasoningPart[],
  seals: ReadonlyMap<string, ReasoningPart> = new Map(),
): JsonObject {
  const fields: JsonObject = {};
  const spoken = parts.find((part) => part.text !== "") ?? parts[0];
  const field = textOf(ownFields(spoken?.extra)["field"]) || "reasoning_content";
  const text = parts.map((part) => part.text).join("");
  if (text !== "" && field !== "reasoning_details") fields[field] = text;
  const needsDetails = (part: ReasoningPart): boolean =>
    part.signature !== undefined || part.encrypted !== undefined || isJsonObject(ownFields(part.extra)["detail"]);
  if (field !== "reasoning_details" && !parts.some(needsDetails)) return fields;
  const ids = new Map([...seals].map(([id, part]) => [part, id]));
  const details = parts.flatMap((part, index) => encodeDetails(part, index, ids.get(part)));
  if (details.length > 0) fields["reasoning_details"] = details;
  return fields;
}

/** One part as entries of `reasoning_details`; two where it is shown and sealed at once. `callId` is the call that a seal belongs to. */
export function encodeDetails(part: ReasoningPart, index: number, callId?: string): JsonObject[] {
  const { text, signature, encrypted, origin } = part;
  const format = [...DETAIL_FORMATS].find(([, wire]) => wire === origin)?.[0];
  const rest: JsonObject = {
    ...(callId === undefined ? {} : { id: callId }),
    ...(format === undefined ? {} : { format }),
    ...objectOf(ownFields(part.extra)["detail"]),
  };
  const details: JsonObject[] = [];
  if (typeof rest["type"] === "string") details.push({ ...rest, summary: text, index });
  else if (text !== "" || signature !== undefined || encrypted === undefined) {
    const detail: ReasoningDetail = { type: "reasoning.text", text, ...(signature === undefined ? {} : { signature }) };
    details.push({ ...detail, ...rest, index });
  }
  if (encrypted !== undefined) {
    const detail: ReasoningDetail = { type: "reasoning.encrypted", data: encrypted };
    details.push({ ...omit(rest, ["type"]), ...detail, index });
  }
  return details;
}
