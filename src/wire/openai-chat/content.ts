// The content of messages, text and media parts, ↔ canonical parts. Knows no message, no tool and no answer; media are in media.ts.

import {
  type Extra,
  type Json,
  type JsonObject,
  type MediaPart,
  type ReasoningPart,
  type TextPart,
  isJsonObject,
} from "../../ir/index.ts";
import { PLUMBING, asksForSomething } from "../foreign.ts";
import { missing, requireString, wrongType, wrongValue } from "../openai-check.ts";
import { ID, asExtra, ownFields } from "./body.ts";
import { decodeRest, encodePartMark } from "./cache.ts";
import { decodeAudio, decodeFile, decodeImage, encodeMedia } from "./media.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

export type ContentPart = TextPart | MediaPart | ReasoningPart;

/** What the encoding of a request's parts depends on. */
export interface Target {
  dropped: Set<string>;
  /** True where the client speaks this format itself: names and ids are the server's to judge. */
  isOwn: boolean;
  takesMarks: boolean;
  takesBreakpoints: boolean;
  /** Texts go as one string, where there is nothing else. */
  joinsText: boolean;
  /** How reasoning that this format's client did not bring goes back. */
  returnsReasoning: "content" | "details" | "signatures" | null;
  /** A call's id as the server takes it. */
  fitId: (id: string) => string;
  /** A tool's name as the server takes it. */
  fitName: (name: string) => string;
}

/** Where something stands in the client's request. */
export interface Place extends Target {
  /** Such as `messages[3].content[0]`. */
  path: string;
  /** Where the parts of a content stand in their message, where that holds others, too. */
  positions?: readonly number[];
}

const PART_TYPES = ["text", "image_url", "input_audio", "file", "refusal"] as const;

/**
 * A message's content as parts. Throws an invalid_request for a part that no canonical part can hold: leaving it out would change the
 * question.
 */
export function decodeContent(content: Json | undefined, path: string): ContentPart[] {
  if (content === undefined || content === null) return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrongType(path, "one of a string or an array of objects", content);
  return content.map((part, index) => {
    if (!isJsonObject(part)) throw wrongType(`${path}[${index}]`, "an object", part);
    return decodePart(part, `${path}[${index}]`);
  });
}

function decodePart(part: JsonObject, path: string): ContentPart {
  switch (part["type"]) {
    case "text":
      return { type: "text", text: requireString(part, "text", `${path}.text`), ...decodeRest(part, ["type", "text"]) };
    case "refusal":
      return {
        type: "text",
        text: requireString(part, "refusal", `${path}.refusal`),
        ...decodeRest({ ...omit(part, ["type", "refusal"]), noted: { type: "refusal" } }, []),
      };
    case "image_url":
      return decodeImage(part, path);
    case "input_audio":
      return decodeAudio(part, path);
    case "file":
      return decodeFile(part, path);
    case "thinking":
      return decodeThinking(part);
    case undefined:
      throw missing(`${path}.type`);
    default:
      throw wrongValue(`${path}.type`, part["type"] ?? null, PART_TYPES);
  }
}

/** Mistral's shape: reasoning among the content. */
export function decodeThinking(part: JsonObject): ReasoningPart {
  const text = objectsOf(part["thinking"])
    .map((piece) => textOf(piece["text"]))
    .join("");
  return {
    type: "reasoning",
    text: textOf(part["thinking"]) || text,
    ...asExtra({ field: "thinking", ...omit(part, ["type", "thinking"]) }),
  };
}

/** Parts as content: one plain text as a string, none as "", anything else as an array; `joint` stands between texts that must be joined. */
export function encodeContent(parts: readonly ContentPart[], place: Place, joint = "\n\n"): string | JsonObject[] {
  const encoded = parts.flatMap((part, index) =>
    encodePart(part, { ...place, path: `${place.path}[${place.positions?.[index] ?? index}]` }),
  );
  const [only, ...more] = encoded;
  if (only === undefined) return "";
  const isPlain = encoded.every((part) => part["type"] === "text" && Object.keys(part).length === 2);
  if (!isPlain || (more.length > 0 && !place.joinsText)) return encoded;
  return encoded.map((part) => textOf(part["text"])).join(joint);
}

function encodePart(part: ContentPart, place: Place): JsonObject[] {
  const own = ownFields(part.extra);
  if (part.type === "reasoning") {
    if (own["field"] !== "thinking") return [];
    return [{ type: "thinking", thinking: [{ type: "text", text: part.text }], ...omit(own, ["field"]) }];
  }
  if (part.type === "media") {
    reportForeign(part.extra, place);
    return [{ ...encodeMedia(part, place), ...encodePartMark(part.cache, own, place) }];
  }
  // An empty text with another format's fields is a block that only that format can say.
  if (part.text === "" && hasForeign(part.extra)) {
    place.dropped.add(place.path);
    return [];
  }
  reportForeign(part.extra, place);
  if (part.citations !== undefined) place.dropped.add("citations");
  const mark = encodePartMark(part.cache, own, place);
  const { noted, ...rest } = own;
  if (objectOf(noted)["type"] === "refusal") return [{ ...rest, ...mark, type: "refusal", refusal: part.text }];
  return [{ ...own, ...mark, type: "text", text: part.text }];
}

/** Names the fields that another format's client set on a part, a message or a tool. */
export function reportForeign(extra: Extra | undefined, { dropped }: Pick<Place, "dropped">): void {
  for (const [wire, fields] of Object.entries(extra ?? {})) {
    if (wire === ID) continue;
    for (const [name, value] of Object.entries(fields)) {
      if (!PLUMBING.includes(name) && asksForSomething(value)) dropped.add(name);
    }
  }
}

/** True where another format's client said something here. */
export function hasForeign(extra: Extra | undefined): boolean {
  return Object.entries(extra ?? {}).some(([wire, fields]) => wire !== ID && Object.keys(fields).length > 0);
}
