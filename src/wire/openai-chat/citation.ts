// `annotations` of an answer ↔ canonical citations. Places count from the start of the message's whole text. Knows no message.

import { type Citation, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { asExtra, ownFields } from "./body.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

const READ = ["url", "title", "start_index", "end_index", "content"];

/** The citations of a message or delta, with places counted from `base`; annotations of other kinds are left over. */
export function decodeAnnotations(
  value: Json | undefined,
  base: number,
): { citations: Citation[]; rest: JsonObject[] } {
  const all = objectsOf(value);
  const isCitation = (annotation: JsonObject): boolean =>
    annotation["type"] === "url_citation" && isJsonObject(annotation["url_citation"]);
  return {
    citations: all.filter(isCitation).map((annotation) => decodeAnnotation(annotation, base)),
    rest: all.filter((annotation) => !isCitation(annotation)),
  };
}

function decodeAnnotation(annotation: JsonObject, base: number): Citation {
  const inner = objectOf(annotation["url_citation"]);
  const { start_index: start, end_index: end, title, content } = inner;
  const own = omit(annotation, ["type", "url_citation"]);
  const innerRest = omit(inner, READ);
  if (Object.keys(innerRest).length > 0) own["url_citation"] = innerRest;
  return {
    url: textOf(inner["url"]),
    ...(typeof title === "string" ? { title } : {}),
    ...(typeof content === "string" ? { quote: content } : {}),
    ...(typeof start === "number" ? { start: Math.max(0, start - base) } : {}),
    ...(typeof end === "number" ? { end: Math.max(0, end - base) } : {}),
    ...asExtra(own),
  };
}

/** Beside the answer rather than in it: what Perplexity and xAI took it from. The note that it stands there cannot come from a server. */
export function decodeSources(body: JsonObject): Citation[] {
  const note = asExtra({ source: false });
  const results = objectsOf(body["search_results"]).flatMap(({ url, title }): Citation[] =>
    typeof url === "string" ? [{ url, ...(typeof title === "string" ? { title } : {}), ...note }] : [],
  );
  const addresses = Array.isArray(body["citations"]) ? body["citations"] : [];
  if (results.length > 0) return results;
  return addresses.flatMap((url): Citation[] => (typeof url === "string" ? [{ url, ...note }] : []));
}

/** Citations of a text that stands at `base` and is `length` long; those that name no address have no form here. */
export function encodeAnnotations(citations: readonly Citation[], base: number, length: number): JsonObject[] {
  return citations.flatMap(({ url, title, quote, start = 0, end = length, extra }) => {
    const own = ownFields(extra);
    // The server's own answer says the sources beside it.
    if (url === undefined || own["source"] === false) return [];
    const inner: JsonObject = {
      ...objectOf(own["url_citation"]),
      url,
      title: title ?? "",
      start_index: base + start,
      end_index: base + end,
    };
    if (quote !== undefined) inner["content"] = quote;
    return [{ ...own, type: "url_citation", url_citation: inner }];
  });
}
