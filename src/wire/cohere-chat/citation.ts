// Citations and probabilities of an answer as canonical ones. Cohere cites by places in the answer, counted in whole characters, and names
// documents by their ids. Knows no message. Source: https://docs.cohere.com/docs/rag-citations

import type { Citation, JsonObject, TokenLogprob } from "../../ir/index.ts";
import { objectOf, objectsOf, textOf } from "../json-read.ts";

/** True for a citation within the answer's text; others cite within plans and thoughts. */
export function citesText({ type }: JsonObject): boolean {
  return type === undefined || type === null || type === "TEXT_CONTENT";
}

/** One canonical citation for each source. `text` is the answer's part as far as it is known. */
export function decodeCitations(citation: JsonObject, text: string): Citation[] {
  const place = {
    ...readPlace("start", citation["start"], text),
    ...readPlace("end", citation["end"], text),
  };
  const sources = objectsOf(citation["sources"]);
  if (sources.length === 0) return [place];
  return sources.map((source) => ({ ...place, ...decodeSource(source) }));
}

/** Ours are counted in UTF-16 units. */
function readPlace(name: "start" | "end", value: JsonObject[string] | undefined, text: string): Citation {
  if (typeof value !== "number") return {};
  // Most text has no character beyond the first plane.
  const units = /[\ud800-\udbff]/.test(text) ? Array.from(text).slice(0, value).join("").length : value;
  return { [name]: units };
}

function decodeSource(source: JsonObject): Citation {
  const id = textOf(source["id"]);
  const document = objectOf(source["document"] ?? source["tool_output"]);
  const url = textOf(document["url"]);
  const title = textOf(document["title"]) || id;
  const number = /^doc:(\d+)$/u.exec(id)?.[1];
  return {
    ...(url === "" ? {} : { url }),
    ...(title === "" ? {} : { title }),
    ...(number === undefined ? {} : { document: Number(number) }),
  };
}

/** A piece of text with the probabilities of the tokens that it is made of; of several tokens their product. */
export function decodeLogprob(item: JsonObject): TokenLogprob[] {
  const values = Array.isArray(item["logprobs"]) ? item["logprobs"].filter((value) => typeof value === "number") : [];
  if (values.length === 0) return [];
  const token = textOf(item["text"]);
  const logprob = values.reduce((sum, value) => sum + value, 0);
  return [{ token, logprob, bytes: [...Buffer.from(token)], top: [] }];
}
