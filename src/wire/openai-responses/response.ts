// A whole response ↔ the canonical answer. Streams are in stream.ts; knows no request beyond the client's context.

import type { AnswerPart, Choice, JsonObject, Response, TextPart } from "../../ir/index.ts";
import { withTier } from "../tier.ts";
import type { ClientContext } from "../type.ts";
import {
  decodeFinish,
  decodeOutput,
  encodeCall,
  encodeFinish,
  encodeText,
  keepFinish,
  malformed,
  rejected,
  restoreCall,
} from "./answer.ts";
import { ID, type ItemStatus, asExtra, ownFields } from "./body.ts";
import { makeHead } from "./head.ts";
import { makeItemId } from "./item-id.ts";
import { encodeGenerated, keptItem } from "./kept.ts";
import { encodeReasoning } from "./reasoning.ts";
import { isSearch } from "./tool.ts";
import { decodeUsage, encodeTier, encodeUsage } from "./usage.ts";
import { objectOf, objectsOf, omit, textOf } from "../json-read.ts";

/** Fields of a response that the canonical answer holds itself. */
export const RESPONSE_FIELDS = [
  "id",
  "object",
  "created_at",
  "model",
  "output",
  "output_text",
  "usage",
  "status",
  "error",
  "incomplete_details",
];

/**
 * A body that came with status 200 as the canonical answer. Throws `upstream_rejected` where it is an error or a response that failed, and
 * `upstream_malformed` where it has no output.
 */
export function decodeResponse(body: JsonObject): Response {
  const error = body["error"] ?? null;
  if (error !== null) throw rejected(error);
  if (!Array.isArray(body["output"])) throw malformed("The upstream's answer has no output.");
  const own = omit(body, RESPONSE_FIELDS);
  const report = decodeUsage(body["usage"], body["output"]);
  if (report !== null && Object.keys(report.rest).length > 0) own["usage"] = report.rest;
  const outputs = objectsOf(body["output"]).map(decodeOutput);
  const parts = outputs.flatMap((output) => output.parts);
  const refusal = outputs.map((output) => output.refusal).join("");
  const finish = decodeFinish(body, hasCalls(parts));
  return {
    id: textOf(body["id"]),
    model: textOf(body["model"]),
    createdAt: typeof body["created_at"] === "number" ? body["created_at"] : null,
    choices: [
      { index: 0, parts, ...(refusal === "" ? {} : { refusal }), finish, ...asExtra(keepFinish(body, finish)) },
    ],
    usage: withTier(report?.usage ?? null, body["service_tier"]),
    extra: Object.keys(own).length === 0 ? {} : { [ID]: own },
  };
}

function hasCalls(parts: readonly AnswerPart[]): boolean {
  return parts.some((part) => part.type === "tool-call");
}

/** A canonical answer as a response. The format knows one answer only: of several, the first. */
export function encodeResponse(response: Response, client: ClientContext): JsonObject {
  const choice: Choice = response.choices[0] ?? { index: 0, parts: [], finish: "other" };
  const own = ownFields(response.extra);
  return {
    ...makeHead(response, client),
    ...encodeTier(response),
    ...encodeFinish(choice),
    output: encodeOutput(choice, client),
    usage: encodeUsage(response.usage, objectOf(own["usage"])),
  };
}

function encodeOutput(choice: Choice, client: ClientContext): JsonObject[] {
  const status = encodeFinish(choice)["status"] === "completed" ? "completed" : "incomplete";
  const items: JsonObject[] = [];
  const texts: TextPart[] = [];
  const flush = (refusal?: string): void => {
    if (texts.length === 0 && refusal === undefined) return;
    const id = makeItemId("message", client.callId, items.length);
    items.push(encodeMessage(texts.splice(0), { id, status, refusal }));
  };
  for (const part of choice.parts) {
    if (part.type === "text" && keptItem(part.extra) === null) {
      // What only another format can say stands in a text of nothing.
      if (part.text === "" && part.citations === undefined) continue;
      if (messageKey(part) !== messageKey(texts[0] ?? part)) flush();
      texts.push(part);
      continue;
    }
    flush();
    const item = encodePart(part, client, { index: items.length, status });
    if (typeof item === "string") texts.push({ type: "text", text: item });
    else items.push(item);
  }
  flush(choice.refusal);
  return items;
}

function messageKey(part: TextPart): string {
  return JSON.stringify(ownFields(part.extra)["message"] ?? null);
}

function encodeMessage(
  texts: TextPart[],
  { id, status, refusal }: { id: string; status: ItemStatus; refusal: string | undefined },
): JsonObject {
  const content = texts.map(encodeText);
  if (refusal !== undefined) content.push({ type: "refusal", refusal });
  return {
    id,
    ...objectOf(ownFields(texts[0]?.extra)["message"]),
    type: "message",
    status,
    content,
    role: "assistant",
  };
}

/** An item, or words where this format cannot show what the part holds. */
function encodePart(
  part: AnswerPart,
  { callId, request }: ClientContext,
  { index, status }: { index: number; status: ItemStatus },
): JsonObject | string {
  switch (part.type) {
    case "text":
      return keptItem(part.extra) ?? {};
    case "reasoning": {
      const own = omit(ownFields(part.extra), ["content"]);
      return { id: makeItemId("reasoning", callId, index), ...own, type: "reasoning", ...encodeReasoning(part) };
    }
    case "tool-call": {
      const call = restoreCall(part, request.tools);
      const kind = isSearch(call.name, request.tools) ? "search" : call.custom === true ? "custom" : "function";
      return encodeCall(call, request.tools, { id: makeItemId(kind, callId, index), status });
    }
    case "media":
      return encodeGenerated(part, makeItemId("image", callId, index));
    default:
      return part satisfies never;
  }
}
