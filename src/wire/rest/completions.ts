// What may change in a forwarded text completion: in a stream, usage is asked for, and kept from a client that had not asked.
// https://platform.openai.com/docs/api-reference/completions

import { type JsonObject, isJsonObject } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";

export function askForUsage(raw: string, body: JsonObject): string {
  if (body["stream"] !== true || wantsUsage(body)) return raw;
  const options = isJsonObject(body["stream_options"]) ? body["stream_options"] : {};
  return setTopLevel(raw, "stream_options", JSON.stringify({ ...options, include_usage: true }));
}

/** Whether this event is only there because we asked for it. */
export function isUnasked(event: JsonObject, body: JsonObject): boolean {
  const { choices } = event;
  return !wantsUsage(body) && Array.isArray(choices) && choices.length === 0 && isJsonObject(event["usage"]);
}

function wantsUsage(body: JsonObject): boolean {
  const options = body["stream_options"];
  return isJsonObject(options) && options["include_usage"] === true;
}

/** The text of a whole answer or of one event. */
export function readCompletionText(answer: JsonObject): string {
  const choices = Array.isArray(answer["choices"]) ? answer["choices"] : [];
  return choices
    .map((choice) => (isJsonObject(choice) && typeof choice["text"] === "string" ? choice["text"] : ""))
    .join("");
}

export function hasChoice({ choices }: JsonObject): boolean {
  return Array.isArray(choices) && choices.some(isJsonObject);
}

/** Told of each event: whether all choices that have begun are complete with it, as they are where the totals of all follow them. */
export function watchChoices(): (event: JsonObject) => boolean {
  const isEnded = new Map<number, boolean>();
  let hasTotals = false;
  return ({ choices }) => {
    if (Array.isArray(choices)) {
      hasTotals ||= isEnded.size > 0 && choices.length === 0;
      for (const { index, finish_reason: reason } of choices.filter(isJsonObject)) {
        const own = typeof index === "number" ? index : 0;
        isEnded.set(own, isEnded.get(own) === true || typeof reason === "string");
      }
    }
    return hasTotals || (isEnded.size > 0 && [...isEnded.values()].every(Boolean));
  };
}

/** Whether one of the choices tells why it ended. */
export function endsChoice({ choices }: JsonObject): boolean {
  if (!Array.isArray(choices)) return false;
  return choices.some((choice) => isJsonObject(choice) && typeof choice["finish_reason"] === "string");
}
