// What changes in this format's bytes when both sides speak it: the model's name in the request, and reasoning that another format's provider
// sealed, which this one would refuse. Nothing changes in the answer, whose last event always tells the usage. Knows no IR.

import type { JsonObject } from "../../ir/index.ts";
import { isJsonObject } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import type { Frame } from "../../lib/sse.ts";
import { SEAL_MARK, isForeign, unseal } from "../seal.ts";
import { ID } from "./body.ts";
import { objectOf, readObject, textOf } from "../json-read.ts";

export function forwardRequest(raw: string, body: JsonObject, model: string): string {
  const named = body["model"] === model ? raw : setTopLevel(raw, "model", JSON.stringify(model));
  const { input } = body;
  // A client that changed from another provider in the course of a conversation sends the old one's reasoning, too.
  if (!raw.includes(SEAL_MARK) || !Array.isArray(input)) return named;
  const kept = input.filter((item) => !isJsonObject(item) || !isForeign(readSeal(item), ID));
  return kept.length === input.length ? named : setTopLevel(named, "input", JSON.stringify(kept));
}

function readSeal(item: JsonObject): ReturnType<typeof unseal> {
  return unseal(item["type"] === "reasoning" ? textOf(item["encrypted_content"]) : "", ID, "encrypted");
}

export function forwardFrame({ raw }: Frame): string {
  return raw;
}

/** An item that is neither a message nor reasoning, which only begin: a search, a picture, code that is run, another server's tool. */
export function saysBeside(data: string): boolean {
  if (!data.includes('"response.output_item.added"')) return false;
  const { type } = objectOf(readObject(data)["item"]);
  return typeof type === "string" && type !== "message" && type !== "reasoning";
}
