// What a candidate says beside its parts: why it ended, probabilities of its tokens. Shared by whole answers and streams; knows neither.
// Source: https://ai.google.dev/api/generate-content#candidate

import type { Choice, Extra, FinishReason, Json, JsonObject, TokenLogprob } from "../../ir/index.ts";
import { type FinishWord, asExtra, ownFields, unifyNames } from "./body.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

const CANDIDATE_NAMES = [
  "citationMetadata",
  "finishMessage",
  "finishReason",
  "groundingMetadata",
  "logprobsResult",
  "safetyRatings",
] as const;

/** A candidate with its names in camel case. */
export function unifyCandidate(candidate: JsonObject): JsonObject {
  return unifyNames(candidate, CANDIDATE_NAMES);
}

const REASONS: ReadonlyMap<string, FinishReason> = new Map<FinishWord, FinishReason>([
  ["BLOCKLIST", "content-filter"],
  ["CONTINUATION", "length"],
  ["IMAGE_PROHIBITED_CONTENT", "content-filter"],
  ["IMAGE_RECITATION", "content-filter"],
  ["IMAGE_SAFETY", "content-filter"],
  ["MALFORMED_FUNCTION_CALL", "error"],
  ["MALFORMED_RESPONSE", "error"],
  ["MAX_TOKENS", "length"],
  ["MISSING_THOUGHT_SIGNATURE", "error"],
  ["PROHIBITED_CONTENT", "content-filter"],
  ["RECITATION", "content-filter"],
  ["SAFETY", "content-filter"],
  ["SPII", "content-filter"],
  ["STOP", "stop"],
  ["TOO_MANY_TOOL_CALLS", "error"],
  ["UNEXPECTED_TOOL_CALL", "error"],
]);

export type End = Pick<Choice, "failure" | "finish" | "refusal"> & { extra?: Extra };

/**
 * Why a candidate ended. Google has no word for the end at a call: `hasCalls` tells. What a filter says is the refusal's text; a reason that
 * the canonical words cannot give back is kept verbatim, and so is everything else that the candidate says.
 */
export function decodeEnd(candidate: JsonObject, hasCalls: boolean): End {
  const reason = candidate["finishReason"] ?? null;
  const known = REASONS.get(textOf(reason)) ?? "other";
  const end: End = { finish: known === "stop" && hasCalls ? "tool-calls" : known };
  const message = textOf(candidate["finishMessage"]);
  const own = omit(candidate, ["content", "finishReason", "index"]);
  if (known === "content-filter" && message !== "") {
    end.refusal = message;
    delete own["finishMessage"];
  }
  if (known === "error") end.failure = `${textOf(reason)}${message === "" ? "" : `: ${message}`}`;
  if (encodeFinish(end) !== reason) own["finishReason"] = reason;
  return { ...end, ...asExtra(own) };
}

/** `finishReason`, and what else this format's own server said of the candidate. */
export function encodeEnd({ finish, refusal, extra }: End): JsonObject {
  const { candidate: _note, ...own } = ownFields(extra);
  const end: JsonObject = { finishReason: encodeFinish(refusal === undefined ? { finish } : { finish, refusal }) };
  if (refusal !== undefined) end["finishMessage"] = refusal;
  return { ...end, ...own };
}

function encodeFinish({ finish, refusal }: End): FinishWord {
  if (refusal !== undefined) return "SAFETY";
  switch (finish) {
    case "stop":
    case "tool-calls":
      return "STOP";
    case "length":
      return "MAX_TOKENS";
    case "content-filter":
    case "refusal":
      return "SAFETY";
    case "error":
    case "other":
      return "OTHER";
    default:
      return finish satisfies never;
  }
}

/** The end of an answer that has no candidate, as the prompt was refused; null where nothing says so: then it is none. */
export function decodeNothing(body: JsonObject): End | null {
  const feedback = unifyNames(objectOf(body["promptFeedback"]), ["blockReason", "blockReasonMessage"]);
  const message = textOf(feedback["blockReasonMessage"]);
  if (textOf(feedback["blockReason"]) === "") return null;
  return {
    finish: "content-filter",
    ...(message === "" ? {} : { refusal: message }),
    // False cannot come from a server: it notes that there is no candidate.
    ...asExtra({ candidate: false }),
  };
}

/** True where `decodeNothing` made the choice. */
export function isNothing(extra: Extra | undefined): boolean {
  return ownFields(extra)["candidate"] === false;
}

/** Whether a candidate names its sources already. */
export function isGrounded(candidate: JsonObject): boolean {
  return candidate["groundingMetadata"] !== undefined || candidate["citationMetadata"] !== undefined;
}

const LOGPROB_NAMES = ["chosenCandidates", "topCandidates"] as const;

/** `logprobsResult`; empty where there is none. */
export function decodeLogprobs(value: Json | undefined): TokenLogprob[] {
  const result = unifyNames(objectOf(value), LOGPROB_NAMES);
  const tops = objectsOf(result["topCandidates"]);
  return objectsOf(result["chosenCandidates"]).map((chosen, index) => ({
    ...decodeToken(chosen),
    top: objectsOf(tops[index]?.["candidates"]).map(decodeToken),
  }));
}

function decodeToken(source: JsonObject): Omit<TokenLogprob, "top"> {
  const { token, logProbability } = unifyNames(source, ["logProbability"]);
  return { token: textOf(token), logprob: typeof logProbability === "number" ? logProbability : 0, bytes: null };
}

export function encodeLogprobs(tokens: readonly TokenLogprob[]): JsonObject {
  const encodeToken = ({ token, logprob }: { token: string; logprob: number }): JsonObject => ({
    token,
    logProbability: logprob,
  });
  return {
    chosenCandidates: tokens.map(encodeToken),
    topCandidates: tokens.map(({ top }) => ({ candidates: top.map(encodeToken) })),
  };
}
