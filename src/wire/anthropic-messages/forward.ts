// What changes in a request that goes to a provider of this same format: the model's name, and thinking that no provider of it signed, which
// it would refuse. Everything else stays as it was written. Knows no IR.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import { SEAL_MARK, isForeign, unseal } from "../seal.ts";
import { ID } from "./body.ts";
import { objectOf, readObject, textOf } from "../json-read.ts";

export function forwardRequest(raw: string, body: JsonObject, model: string): string {
  const named = body["model"] === model ? raw : setTopLevel(raw, "model", JSON.stringify(model));
  const { messages } = body;
  // A client that changed from another provider in the course of a conversation sends the old one's thinking, too.
  if (!raw.includes(SEAL_MARK) || !Array.isArray(messages)) return named;
  const kept = messages.flatMap(dropForeign);
  return setTopLevel(named, "messages", JSON.stringify(kept));
}

/** The message without such thinking; nothing where it was nothing else. */
function dropForeign(message: Json): Json[] {
  if (!isJsonObject(message) || !Array.isArray(message["content"])) return [message];
  const content = message["content"].filter((block) => !isJsonObject(block) || !isForeign(readSeal(block), ID));
  if (content.length === message["content"].length) return [message];
  return content.length === 0 ? [] : [{ ...message, content }];
}

function readSeal(block: JsonObject): ReturnType<typeof unseal> {
  const field = SEALED.get(textOf(block["type"]));
  return unseal(field === undefined ? "" : textOf(block[field]), ID, "signature");
}

const SEALED: ReadonlyMap<string, string> = new Map([
  ["redacted_thinking", "data"],
  ["thinking", "signature"],
]);

/** A block that is neither text nor thinking, which only begin: what a tool of the server's does is done, and sealed thinking is whole. */
export function saysBeside(data: string): boolean {
  if (!data.includes('"content_block"')) return false;
  const { type } = objectOf(readObject(data)["content_block"]);
  return typeof type === "string" && type !== "text" && type !== "thinking";
}
