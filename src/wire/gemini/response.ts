// The whole answer of generateContent ↔ the canonical one. Knows no request.

import {
  type AnswerPart,
  type Choice,
  GatewayError,
  type JsonObject,
  type Response,
  type Usage,
  type TextPart,
  type Tool,
  isJsonObject,
} from "../../ir/index.ts";
import { isForeignBlock } from "../foreign.ts";
import { restoreName } from "../safe-name.ts";
import type { ClientContext } from "../type.ts";
import { ID, asExtra, ownFields, unifyNames } from "./body.ts";
import {
  decodeEnd,
  decodeLogprobs,
  decodeNothing,
  encodeEnd,
  encodeLogprobs,
  isGrounded,
  isNothing,
  unifyCandidate,
} from "./candidate.ts";
import { decodeCitations, encodeCitations } from "./citation.ts";
import { decodeError } from "./error.ts";
import { showMedia } from "./media.ts";
import { createPartWriter, encodeCall, textPartOf } from "./part-encode.ts";
import { decodePart, keptPart, unifyPart } from "./part.ts";
import { decodeUsage, encodeUsage, listQueries } from "./usage.ts";
import { findObject, objectOf, objectsOf, omit, textOf } from "../json-read.ts";

const ANSWER_NAMES = ["modelVersion", "promptFeedback", "responseId", "usageMetadata", "createTime"] as const;

/** An answer, or a piece of one, with its names in camel case. */
export function unifyAnswer(body: JsonObject): JsonObject {
  return unifyNames(body, ANSWER_NAMES);
}

export function readReport(body: JsonObject): JsonObject | null {
  return findObject(unifyAnswer(body)["usageMetadata"]);
}

/** Of an answer or a piece of one. */
export function countAnswer({ usageMetadata, candidates }: JsonObject): Usage | null {
  return decodeUsage(usageMetadata, listQueries(objectsOf(candidates)).length).usage;
}

/** What an answer says of itself; `own` is what only this format has, without the report of usage. */
export function decodeHead(body: JsonObject): Pick<Response, "id" | "model" | "createdAt"> & { own: JsonObject } {
  const created = Date.parse(textOf(body["createTime"]));
  return {
    id: textOf(body["responseId"]),
    model: textOf(body["modelVersion"]),
    createdAt: Number.isNaN(created) ? null : Math.floor(created / 1000),
    own: omit(body, ["candidates", "modelVersion", "responseId", "usageMetadata"]),
  };
}

/**
 * A body as a canonical answer. Throws `upstream_rejected` where a body that came with status 200 is an error all the same, and
 * `upstream_malformed` where it is no answer at all.
 */
export function decodeResponse(source: JsonObject): Response {
  const body = unifyAnswer(source);
  const candidates = objectsOf(body["candidates"]).map(unifyCandidate);
  if (candidates.length === 0) checkAnswer(body);
  const { own, ...head } = decodeHead(body);
  const { usage, rest } = decodeUsage(body["usageMetadata"], listQueries(candidates).length);
  if (Object.keys(rest).length > 0) own["usageMetadata"] = rest;
  const nameCall = createCallNamer(head.id);
  const nothing = candidates.length === 0 ? decodeNothing(body) : null;
  const choices = candidates.map((candidate, position) => decodeCandidate(candidate, position, nameCall));
  return {
    ...head,
    choices: nothing === null ? choices : [{ index: 0, parts: [], ...nothing }],
    usage,
    extra: asExtra(own).extra ?? {},
  };
}

/** A prompt that was refused has no candidates; of an answer that is empty it is at least known what it cost. */
function checkAnswer(body: JsonObject): void {
  if (isJsonObject(body["error"])) {
    const upstream = decodeError(null, body);
    throw new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
  }
  if (isJsonObject(body["promptFeedback"]) || isJsonObject(body["usageMetadata"])) return;
  throw new GatewayError({ kind: "upstream_malformed", message: "The upstream's answer has no candidates." });
}

/** Ids for calls that come without one: the same for the same answer, and different in every turn. */
export function createCallNamer(responseId: string): () => string {
  let calls = 0;
  return () => `call_${calls++}_${responseId}`;
}

function decodeCandidate(candidate: JsonObject, position: number, nameCall: () => string): Choice {
  const content = objectOf(candidate["content"]);
  const parts: AnswerPart[] = [];
  /** The text of each of the content's parts, by its number. */
  const texts = new Map<number, TextPart>();
  for (const [index, item] of objectsOf(content["parts"]).entries()) {
    for (const part of decodePart(unifyPart(item), nameCall)) {
      if (part.type === "tool-result") continue;
      if (part.type === "text") texts.set(index, part);
      parts.push(part);
    }
  }
  const [first] = texts.values();
  const logprobs = decodeLogprobs(candidate["logprobsResult"]);
  if (first !== undefined && logprobs.length > 0) first.logprobs = logprobs;
  const citations = decodeCitations(candidate, (part) => (texts.get(part) ?? first)?.text ?? "");
  for (const { part, citation } of citations) {
    const text = (part === null ? undefined : texts.get(part)) ?? first;
    if (text !== undefined) text.citations = [...(text.citations ?? []), citation];
  }
  const index = typeof candidate["index"] === "number" ? candidate["index"] : position;
  const hasCalls = parts.some((part) => part.type === "tool-call");
  return { index, parts, ...decodeEnd(candidate, hasCalls) };
}

/** A canonical answer as a body. */
export function encodeResponse(response: Response, { request }: ClientContext): JsonObject {
  const own = ownFields(response.extra);
  const choices = response.choices.filter(({ extra }) => !isNothing(extra));
  const body: JsonObject =
    choices.length === 0 ? {} : { candidates: choices.map((choice) => encodeChoice(choice, request.tools)) };
  const usage = encodeUsage(response.usage, objectOf(own["usageMetadata"]));
  if (usage !== null) body["usageMetadata"] = usage;
  return { ...body, ...encodeHead(response), ...omit(own, ["usageMetadata"]) };
}

/** Who answered, when, and under which id. */
export function encodeHead({ id, model, createdAt }: Pick<Response, "id" | "model" | "createdAt">): JsonObject {
  const createTime = createdAt === null ? null : new Date(createdAt * 1000);
  return {
    ...(model === "" ? {} : { modelVersion: model }),
    // Servers may stamp an answer with a time that there is not.
    ...(createTime === null || Number.isNaN(createTime.getTime()) ? {} : { createTime: createTime.toISOString() }),
    ...(id === "" ? {} : { responseId: id }),
  };
}

function encodeChoice(choice: Choice, tools: readonly Tool[]): JsonObject {
  const writer = createPartWriter(true);
  const texts: { part: number; text: string; citations: NonNullable<TextPart["citations"]> }[] = [];
  for (const part of choice.parts) {
    // A block that only another format has is not told, as in streams.
    if (part.type === "text" && isForeignBlock(part) && part.extra?.[ID] === undefined) continue;
    if (part.type === "reasoning") writer.addReasoning(part);
    else writer.add(encodeAnswerPart(part, tools));
    if (part.type !== "text" || part.citations === undefined) continue;
    texts.push({ part: writer.parts.length - 1, text: part.text, citations: part.citations });
  }
  writer.end();
  const end = encodeEnd(choice);
  const logprobs = choice.parts.flatMap((part) => (part.type === "text" ? (part.logprobs ?? []) : []));
  // What Google itself said of its sources and tokens stands there already.
  if (end["logprobsResult"] === undefined && logprobs.length > 0) end["logprobsResult"] = encodeLogprobs(logprobs);
  const grounding = isGrounded(end) ? null : encodeCitations(texts);
  if (grounding !== null) end["groundingMetadata"] = grounding;
  return { content: { parts: writer.parts, role: "model" }, index: choice.index, ...end };
}

/** Any part but reasoning. */
function encodeAnswerPart(part: Exclude<AnswerPart, { type: "reasoning" }>, tools: readonly Tool[]): JsonObject {
  switch (part.type) {
    case "text":
      return keptPart(part.extra) ?? textPartOf(part.text, ownFields(part.extra));
    case "tool-call":
      return encodeCall(part, restoreName(part.name, tools));
    case "media":
      return showMedia(part, true);
    default:
      return part satisfies never;
  }
}
