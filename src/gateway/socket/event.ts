// Reads what a provider's events say of answers that begin and end: just enough to book them. Audio goes by unread.

import { type JsonObject, isJsonObject } from "../../ir/index.ts";
import { holdsKey } from "../../lib/redact.ts";
import { type Metered, meterAnswer } from "../../wire/index.ts";
import { parseObject } from "../send.ts";
import type { Message } from "./type.ts";

export type Told =
  | { kind: "begun"; id: string; model: string | null }
  | { kind: "text"; id: string; text: string }
  | { kind: "ended"; id: string; answer: JsonObject; items: string[]; metered: Metered; isFailed: boolean }
  /** What was asked for never begins. `status`: as over HTTP; null where none is told. */
  | { kind: "refused"; status: number | null }
  /** Who writes down what is heard, from now on; null where nobody does. */
  | { kind: "listens"; model: string | null }
  /** What was heard and written down is counted apart, under a model of its own. */
  | { kind: "heard"; metered: Metered };

const BEGINS = "response.created";
const REFUSES = "error";
const CANCELS = "response.cancelled";
const ENDS: readonly string[] = [
  CANCELS,
  "response.completed",
  "response.done",
  "response.failed",
  "response.incomplete",
];
const HEARD = "conversation.item.input_audio_transcription.completed";
const LISTENS: readonly string[] = [
  "session.created",
  "session.updated",
  "transcription_session.created",
  "transcription_session.updated",
];
const TEXT = /^response\.(?:output_)?(?:audio_transcript|text|function_call_arguments)\.delta$/u;

/** A quick look, for most events are sound. */
const WORTH = new RegExp(
  `"(?:${[BEGINS, HEARD, REFUSES, ...LISTENS, ...ENDS].map((type) => type.replaceAll(".", "\\.")).join("|")}|response\\.[a-z_]+\\.delta)"`,
  "u",
);
const SOUND = /"response\.(?:output_)?audio\.delta"/u;

/** Null for what is not booked. */
export function readEvent(data: Message): Told | null {
  if (typeof data !== "string" || SOUND.test(data.slice(0, 400)) || !WORTH.test(data)) return null;
  const event = parseObject(data);
  const type = event?.["type"];
  if (event === null || typeof type !== "string") return null;
  if (type === REFUSES)
    return { kind: "refused", status: typeof event["status"] === "number" ? event["status"] : null };
  if (type === HEARD) return { kind: "heard", metered: meterAnswer(event) };
  if (LISTENS.includes(type)) return { kind: "listens", model: findListener(objectOf(event["session"])) };
  const response = objectOf(event["response"]);
  if (type === BEGINS) return { kind: "begun", id: readId(response), model: readModel(response) };
  if (ENDS.includes(type)) {
    const isFailed = type === "response.failed" || response["status"] === "failed";
    const [items, metered] = [listItems(response), meterAnswer(event)];
    // What was used until then is told by the end that follows.
    if (type === CANCELS && metered.usage === null) return null;
    return { kind: "ended", id: readId(response), answer: response, items, metered, isFailed };
  }
  if (!TEXT.test(type)) return null;
  const text = readText(event["delta"]);
  return text === null ? null : { kind: "text", id: readText(event["response_id"]) ?? "", text };
}

/** In the interface of today, or where the one before it had it. */
function findListener({ audio, input_audio_transcription: before }: JsonObject): string | null {
  const { transcription = before } = objectOf(objectOf(audio)["input"]);
  return readModel(objectOf(transcription));
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** What it consists of. */
function listItems({ output }: JsonObject): string[] {
  return Array.isArray(output) ? output.filter(isJsonObject).map(readId) : [];
}

function readId({ id }: JsonObject): string {
  return typeof id === "string" ? id : "";
}

/** A provider may repeat the key that it was asked with, wherever. */
function readModel(from: JsonObject): string | null {
  const model = readText(from["model"]);
  return model === null || holdsKey(model) ? null : model;
}

function readText(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
