// What a client has said in a session, in words: for the estimate of an answer that is cut. Bounded; sound and pictures are no words.
// Nothing is read of it before that.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { parseObject } from "../send.ts";
import type { Message } from "./type.ts";

export interface Question {
  heard(data: Message): void;
  read(): string;
}

/** Of a longer session the latest words count: the model has no longer memory either. */
const MAX_KEPT_LENGTH = 256 * 1024;
const SOUND = /"input_audio_buffer\.append"/u;
/** What is not words. */
const UNREAD: ReadonlySet<string> = new Set(["audio", "event_id", "id", "image_url", "model", "role", "type"]);
/** Where a session, an answer that is asked for and a piece of the conversation hold what the model reads. */
const READ = ["content", "input", "instructions", "item", "response", "session", "tools"];

export function openQuestion(): Question {
  const kept: string[] = [];
  let length = 0;
  return {
    heard(data) {
      if (typeof data !== "string" || data.length > MAX_KEPT_LENGTH || SOUND.test(data.slice(0, 400))) return;
      kept.push(data);
      length += data.length;
      while (length > MAX_KEPT_LENGTH) length -= kept.shift()?.length ?? length;
    },
    read: () => kept.map((data) => joinWords(pick(parseObject(data) ?? {}))).join(""),
  };
}

function pick(event: JsonObject): JsonObject {
  return Object.fromEntries(READ.flatMap((name) => (event[name] === undefined ? [] : [[name, event[name]]])));
}

function joinWords(value: Json): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(joinWords).join("");
  if (!isJsonObject(value)) return "";
  return Object.entries(value)
    .map(([name, member]) => (UNREAD.has(name) ? "" : joinWords(member)))
    .join("");
}
