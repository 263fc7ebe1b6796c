// Probabilities of an answer's tokens ↔ canonical ones. Knows no choice.

import { type Json, type JsonObject, type TokenLogprob, isJsonObject } from "../../ir/index.ts";
import { objectOf, objectsOf, textOf } from "../json-read.ts";

/** `logprobs.content` of a choice; empty where there is none. */
export function decodeLogprobs(logprobs: Json | undefined): TokenLogprob[] {
  return objectsOf(objectOf(logprobs)["content"]).map((entry) => ({
    ...decodeToken(entry),
    top: objectsOf(entry["top_logprobs"]).map(decodeToken),
  }));
}

function decodeToken(entry: JsonObject): Omit<TokenLogprob, "top"> {
  const { logprob, bytes } = entry;
  return {
    token: textOf(entry["token"]),
    logprob: typeof logprob === "number" ? logprob : 0,
    bytes: Array.isArray(bytes) ? bytes.filter((byte) => typeof byte === "number") : null,
  };
}

/** What `decodeLogprobs` did not read; null where that is nothing. */
export function omitContent(logprobs: Json | undefined): JsonObject | null {
  if (!isJsonObject(logprobs)) return null;
  const rest = Object.entries(logprobs).filter(([name, value]) => name !== "content" && value !== null);
  return rest.length === 0 ? null : Object.fromEntries(rest);
}

/** `logprobs` of a choice: null where nothing is known. */
export function encodeLogprobs(tokens: readonly TokenLogprob[], rest: Json | undefined): JsonObject | null {
  const known = isJsonObject(rest) ? rest : null;
  if (tokens.length === 0) return known;
  const content = tokens.map(({ top, ...token }) => ({ ...token, top_logprobs: top }));
  return { refusal: null, ...known, content };
}
