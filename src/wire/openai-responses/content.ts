// The content of messages and results, text and media parts, ↔ canonical parts. Knows no item and no tool; media are in media.ts.

import { type Extra, type Json, type JsonObject, type MediaPart, type TextPart, isJsonObject } from "../../ir/index.ts";
import { isForeignBlock, reportFields } from "../foreign.ts";
import { missing, requireString, wrongType, wrongValue } from "../openai-check.ts";
import { ID, ownFields } from "./body.ts";
import { decodeRest, encodeMark } from "./cache.ts";
import { decodeAnnotations, encodeAnnotations } from "./citation.ts";
import { decodeAudio, decodeFile, decodeImage, encodeMedia } from "./media.ts";
import { objectsOf, omit, textOf } from "../json-read.ts";

export type ContentPart = TextPart | MediaPart;

/** What the encoding of a request's parts depends on. */
export interface Target {
  dropped: Set<string>;
  /** True where the client speaks this format itself: names and ids are the server's to judge. */
  isOwn: boolean;
  /** True where cache marks are taken. */
  takesMarks: boolean;
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

const PART_TYPES = ["input_text", "input_image", "input_file", "input_audio", "output_text", "refusal"] as const;

/** Throws an invalid_request for a part that no canonical part can hold: leaving it out would change the question. */
export function decodeContent(content: Json | undefined, path: string): ContentPart[] {
  if (content === undefined || content === null || content === "") return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrongType(path, "one of a string or an array of objects", content);
  return content.map((part, index) => {
    if (!isJsonObject(part)) throw wrongType(`${path}[${index}]`, "an object", part);
    return decodePart(part, `${path}[${index}]`);
  });
}

function decodePart(part: JsonObject, path: string): ContentPart {
  switch (part["type"]) {
    case "input_text":
    case "output_text":
    case "text":
      return decodeText(part, path);
    case "refusal":
      // What the model refused to say is part of the conversation like any text of it.
      return { type: "text", text: requireString(part, "refusal", `${path}.refusal`) };
    case "input_image":
      return decodeImage(part, path);
    case "input_file":
      return decodeFile(part, path);
    case "input_audio":
      return decodeAudio(part, path);
    case undefined:
      throw missing(`${path}.type`);
    default:
      throw wrongValue(`${path}.type`, part["type"] ?? null, PART_TYPES);
  }
}

function decodeText(part: JsonObject, path: string): TextPart {
  const citations = decodeAnnotations(part["annotations"]);
  return {
    type: "text",
    text: requireString(part, "text", `${path}.text`),
    ...(citations.length === 0 ? {} : { citations }),
    // Probabilities of what was said say nothing about what is asked.
    ...decodeRest(part, ["type", "text", "annotations", "logprobs", "obfuscation"]),
  };
}

/** Parts as the content of a message or result: one plain text as a string, none as "", anything else as an array. */
export function encodeContent(
  parts: readonly ContentPart[],
  place: Place,
  type: "input_text" | "output_text" = "input_text",
): string | JsonObject[] {
  const encoded = parts.flatMap((part, index) =>
    encodePart(part, { ...place, path: `${place.path}[${place.positions?.[index] ?? index}]` }, type),
  );
  const [only, ...more] = encoded;
  if (only === undefined) return "";
  const isPlain = more.length === 0 && only["type"] === "input_text" && Object.keys(only).length === 2;
  return isPlain ? textOf(only["text"]) : encoded;
}

function encodePart(part: ContentPart, place: Place, type: "input_text" | "output_text"): JsonObject[] {
  const mark = encodeMark(part.cache, place);
  // An empty text with another format's fields is a block that only that format can say.
  if (part.type === "text" && isForeignBlock({ text: part.text, extra: withoutOwn(part.extra) })) {
    place.dropped.add(place.path);
    return [];
  }
  reportForeign(part.extra, place);
  if (part.type === "media") return [{ ...encodeMedia(part, place), ...mark }];
  const own = omit(ownFields(part.extra), ["phase"]);
  if (type === "input_text") {
    if (part.citations !== undefined) place.dropped.add("citations");
    return [{ ...own, ...mark, type, text: part.text }];
  }
  const annotations = encodeAnnotations(part.citations ?? [], part.text.length);
  if (annotations.length < (part.citations?.length ?? 0)) place.dropped.add("citations");
  return [{ ...own, ...mark, type, annotations: objectsOf(annotations), text: part.text }];
}

/** Names the fields that another format's client set on a part, a message or a tool. */
export function reportForeign(extra: Extra | undefined, { path, dropped }: Pick<Place, "path" | "dropped">): void {
  if (extra === undefined) return;
  const lost: string[] = [];
  reportFields(withoutOwn(extra), path, lost);
  for (const field of lost) dropped.add(field);
}

/** What other formats' clients said; empty where none of them said anything. */
export function withoutOwn(extra: Extra | undefined): Extra {
  const { [ID]: _own, ...foreign } = extra ?? {};
  return foreign;
}
