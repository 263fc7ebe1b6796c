// Parts of a content → canonical parts, for requests and answers alike. Knows no content and no order of contents.
// Sources: https://ai.google.dev/api/caching#Part and https://ai.google.dev/gemini-api/docs/thought-signatures

import {
  type Extra,
  type JsonObject,
  type Part,
  type ReasoningPart,
  type TextPart,
  isJsonObject,
} from "../../ir/index.ts";
import { unseal } from "../seal.ts";
import { ID, asExtra, ownFields, unifyNames } from "./body.ts";
import { decodeMedia } from "./media.ts";
import { objectOf, omit, textOf } from "../json-read.ts";

const PART_NAMES = [
  "codeExecutionResult",
  "executableCode",
  "fileData",
  "functionCall",
  "functionResponse",
  "inlineData",
  "mediaResolution",
  "partMetadata",
  "thoughtSignature",
  "toolCall",
  "toolResponse",
  "videoMetadata",
] as const;

/** What Google takes for a signature where there is none: it says nothing. */
export const NO_SIGNATURE = "skip_thought_signature_validator";

/** A part with its names in camel case. */
export function unifyPart(part: JsonObject): JsonObject {
  return unifyNames(part, PART_NAMES);
}

/**
 * A part (names unified, no `functionResponse`) as canonical parts: what its signature seals stands directly before it, and a call without
 * an id gets one of ours. Parts that only this format has (code that the provider runs, what is yet to come) become an empty text part that
 * carries them verbatim, so that `encodeKept` gives them back and no other format takes them for something else.
 */
export function decodePart(part: JsonObject, nameCall: () => string): Part[] {
  const signature = readSignature(part);
  if (typeof part["text"] === "string") return decodeText(part, part["text"], signature);
  if (isJsonObject(part["functionCall"])) {
    return [...listSeal(signature), decodeCall(objectOf(part["functionCall"]), part, nameCall)];
  }
  const media = decodeMedia(part, omit(part, ["inlineData", "fileData", "thoughtSignature"]));
  return media === null ? [keepPart(part)] : [...listSeal(signature), media];
}

/** The signature of a part; null where there is none or where it says nothing. */
export function readSignature(part: JsonObject): string | null {
  const signature = textOf(part["thoughtSignature"]);
  return signature === "" || signature === NO_SIGNATURE ? null : signature;
}

function decodeText(part: JsonObject, text: string, signature: string | null): Part[] {
  const extra = asExtra(omit(part, ["text", "thought", "thoughtSignature"]));
  if (part["thought"] === true) {
    return [
      { type: "reasoning", text, ...(signature === null ? {} : openSignature(signature, "signature")), ...extra },
    ];
  }
  // An empty text only carries the signature.
  if (text === "" && signature !== null && extra.extra === undefined) return listSeal(signature);
  return [...listSeal(signature), { type: "text", text, ...extra }];
}

function listSeal(signature: string | null): ReasoningPart[] {
  return signature === null ? [] : [{ type: "reasoning", text: "", ...openSignature(signature, "encrypted") }];
}

/**
 * What a signature holds: Google's own, under the field `otherwise`, or what `closeSignature` made of another format's. The SDKs read a
 * signature as bytes, so ours is base64 as well.
 */
export function openSignature(
  signature: string,
  otherwise: "signature" | "encrypted",
): Pick<ReasoningPart, "signature" | "encrypted" | "origin"> {
  if (!signature.startsWith(SEAL_START)) return { [otherwise]: signature, origin: ID };
  return unseal(Buffer.from(signature, "base64").toString("utf8"), ID, otherwise);
}

/** How the base64 of every seal begins. */
const SEAL_START = "dG9rbGlnZW5jZS";

function decodeCall(target: JsonObject, part: JsonObject, nameCall: () => string): Part {
  const id = textOf(target["id"]);
  const own = omit(part, ["functionCall", "thoughtSignature"]);
  const rest = omit(target, ["id", "name", "args"]);
  if (Object.keys(rest).length > 0) own["functionCall"] = rest;
  // False cannot come from a client: it notes that the id is ours, and asks other formats for nothing.
  if (id === "") own["id"] = false;
  return {
    type: "tool-call",
    id: id === "" ? nameCall() : id,
    name: textOf(target["name"]),
    arguments: JSON.stringify(target["args"] ?? {}),
    ...asExtra(own),
  };
}

/** A part that no other format can say: an empty text part that carries it. */
export function keepPart(part: JsonObject): TextPart {
  return { type: "text", text: "", ...asExtra({ part }) };
}

/** The part that a canonical part carries verbatim, or null. */
export function keptPart(extra: Extra | undefined): JsonObject | null {
  const part = ownFields(extra)["part"];
  return isJsonObject(part) ? part : null;
}
