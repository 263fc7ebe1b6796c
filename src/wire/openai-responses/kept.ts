// Items that only this format has: what its provider ran itself (searches, programs, remote tools) is kept as it is in an empty text, which
// no other format takes for anything else; an image that the model drew is media. Knows no other item.

import type { Extra, JsonObject, MediaPart, TextPart } from "../../ir/index.ts";
import { isJsonObject } from "../../ir/index.ts";
import { asExtra, ownFields } from "./body.ts";
import { omit, textOf } from "../json-read.ts";

export function keepItem(item: JsonObject): TextPart {
  return { type: "text", text: "", ...asExtra({ item }) };
}

/** The item that a part carries verbatim, or null. */
export function keptItem(extra: Extra | undefined): JsonObject | null {
  const item = ownFields(extra)["item"];
  return isJsonObject(item) ? item : null;
}

/** `image_generation_call`: an image where there is one, else the bare item. */
export function decodeGenerated(item: JsonObject): MediaPart | TextPart {
  const base64 = textOf(item["result"]);
  if (base64 === "") return keepItem(item);
  const own = omit(item, ["type", "result", "output_format"]);
  return {
    type: "media",
    kind: "image",
    source: { base64 },
    mediaType: `image/${textOf(item["output_format"]) || "png"}`,
    ...asExtra(own),
  };
}

/** Media of an answer as an item or, where this format cannot show them, in words. */
export function encodeGenerated(part: MediaPart, id: string): JsonObject | string {
  const { source, kind, mediaType } = part;
  if (kind !== "image" || !("base64" in source)) return describeMedia(part);
  const format = mediaType?.replace("image/", "") ?? "png";
  return {
    id,
    ...ownFields(part.extra),
    type: "image_generation_call",
    status: "completed",
    ...(format === "png" ? {} : { output_format: format }),
    result: source.base64,
  };
}

function describeMedia({ kind, source, mediaType, filename }: MediaPart): string {
  if ("url" in source) return kind === "image" ? `![${filename ?? "image"}](${source.url})` : source.url;
  const name = "fileId" in source ? source.fileId : (filename ?? mediaType ?? "");
  return `[${kind}${name === "" ? "" : `: ${name}`}]`;
}
