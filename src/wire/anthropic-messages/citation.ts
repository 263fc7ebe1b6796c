// Citations of a text block ↔ canonical ones. Anthropic cites for a whole block and gives places in the source, so places in the answer
// are never read here, and places in the source stay this format's own. Knows no block.
// Source: https://platform.claude.com/docs/en/build-with-claude/citations

import type { Citation, Json, JsonObject } from "../../ir/index.ts";
import { asExtra, ownFields } from "./body.ts";
import { omit, textOf } from "../json-read.ts";

/** The kinds that cite a document of the request; their title has a name of its own. */
const DOCUMENT_TYPES = ["char_location", "page_location", "content_block_location"];

export function decodeCitation(source: JsonObject): Citation {
  const read: string[] = [];
  const take = (name: string, isWanted: (text: string) => boolean = () => true): string | undefined => {
    const value = source[name];
    if (typeof value !== "string" || !isWanted(value)) return undefined;
    read.push(name);
    return value;
  };
  const url = take("url") ?? take("source", isWebAddress);
  const title = take(titleOf(source["type"]));
  const quote = take("cited_text");
  const fileId = take("file_id");
  const document = source["document_index"];
  if (typeof document === "number") read.push("document_index");
  return {
    ...(url === undefined ? {} : { url }),
    ...(title === undefined ? {} : { title }),
    ...(quote === undefined ? {} : { quote }),
    ...(fileId === undefined ? {} : { fileId }),
    ...(typeof document === "number" ? { document } : {}),
    ...asExtra(omit(source, read)),
  };
}

/** The citation as it came from this format, or in the shape that fits best; null where it names no source. */
export function encodeCitation(citation: Citation): JsonObject | null {
  const own = ownFields(citation.extra);
  return typeof own["type"] === "string" ? encodeOwn(citation, own) : encodeForeign(citation);
}

/** True for a citation that came from this format: it is taken back only with all that it said. */
export function isOwnCitation({ extra }: Citation): boolean {
  return typeof ownFields(extra)["type"] === "string";
}

function encodeOwn(citation: Citation, own: JsonObject): JsonObject {
  const { url, title, quote, fileId, document } = citation;
  const body: JsonObject = { ...own };
  if (url !== undefined) body[own["type"] === "search_result_location" ? "source" : "url"] = url;
  if (title !== undefined) body[titleOf(own["type"])] = title;
  if (quote !== undefined) body["cited_text"] = quote;
  if (fileId !== undefined) body["file_id"] = fileId;
  if (document !== undefined) body["document_index"] = document;
  return body;
}

function encodeForeign({ url, title, quote, fileId, document }: Citation): JsonObject | null {
  if (url !== undefined) {
    // The index is what Anthropic finds its own search result by; there is none.
    const type = "web_search_result_location";
    return { type, url, title: title ?? null, cited_text: quote ?? "", encrypted_index: "" };
  }
  if (fileId === undefined && document === undefined && quote === undefined) return null;
  return {
    type: "char_location",
    cited_text: quote ?? "",
    document_index: document ?? 0,
    document_title: title ?? null,
    start_char_index: 0,
    end_char_index: (quote ?? "").length,
    file_id: fileId ?? null,
  };
}

function titleOf(type: Json | undefined): string {
  return DOCUMENT_TYPES.includes(textOf(type)) ? "document_title" : "title";
}

function isWebAddress(text: string): boolean {
  return /^https?:/i.test(text);
}
