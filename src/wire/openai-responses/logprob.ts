// Probabilities of an answer's tokens ↔ canonical ones. Knows no text.

import type { Json, JsonObject, TokenLogprob } from "../../ir/index.ts";
import { objectsOf, textOf } from "../json-read.ts";

/** `logprobs` of a text or of a piece of one; empty where there are none. */
export function decodeLogprobs(logprobs: Json | undefined): TokenLogprob[] {
  return objectsOf(logprobs).map((entry) => ({
    ...decodeToken(entry),
    top: objectsOf(entry["top_logprobs"]).map(decodeToken),
  }));
}

function decodeToken(entry: JsonObject): Omit<TokenLogprob, "top"> {
  const { logprob, bytes } = entry;
  const token = textOf(entry["token"]);
  const known = Array.isArray(bytes) ? bytes.filter((byte) => typeof byte === "number") : [];
  return {
    token,
    logprob: typeof logprob === "number" ? logprob : 0,
    bytes: known.length === 0 && token !== "" ? null : known,
  };
}

/** A list of bytes is always there: the SDK takes no token without one. */
export function encodeLogprobs(tokens: readonly TokenLogprob[]): JsonObject[] {
  return tokens.map(({ top, ...token }) => ({ ...encodeToken(token), top_logprobs: top.map(encodeToken) }));
}

function encodeToken({ token, logprob, bytes }: Omit<TokenLogprob, "top">): JsonObject {
  return { token, bytes: bytes ?? [], logprob };
}
