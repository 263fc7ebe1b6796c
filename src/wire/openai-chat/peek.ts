// What every target needs of a chat request, checked in one pass over the messages before anything is routed. Knows no target and no
// canonical request.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { emptyArray, missing, readStream, requireModel, wrongType, wrongValue } from "../openai-check.ts";
import type { Peek } from "../type.ts";

const ROLES = ["system", "developer", "user", "assistant", "tool", "function"] as const;
/** Roles whose message may have no content: a call of a tool stands for it. */
const MAY_BE_EMPTY: readonly string[] = ["assistant", "function"];
const CONTENT = "one of a string or an array of objects";

/** Model and stream of a body. Throws an invalid_request in OpenAI's words that names the field at fault. */
export function peekRequest(body: JsonObject): Peek {
  const model = requireModel(body);
  const messages = body["messages"];
  if (messages === undefined || messages === null) throw missing("messages");
  if (!Array.isArray(messages)) throw wrongType("messages", "an array of objects", messages);
  if (messages.length === 0) throw emptyArray("messages");
  for (let index = 0; index < messages.length; index++) checkMessage(messages[index] ?? null, index);
  return { model, stream: readStream(body) };
}

function checkMessage(message: Json, index: number): void {
  if (!isJsonObject(message)) throw wrongType(`messages[${index}]`, "an object", message);
  const role = message["role"];
  if (role === undefined || role === null) throw missing(`messages[${index}].role`);
  if (typeof role !== "string") throw wrongType(`messages[${index}].role`, "a string", role);
  if (!ROLES.some((known) => known === role)) throw wrongValue(`messages[${index}].role`, role, ROLES);
  const content = message["content"];
  if (typeof content === "string") return;
  if (content === undefined || content === null) {
    if (MAY_BE_EMPTY.includes(role)) return;
    if (content === undefined) throw missing(`messages[${index}].content`);
  }
  if (!Array.isArray(content)) throw wrongType(`messages[${index}].content`, CONTENT, content);
  for (let part = 0; part < content.length; part++) {
    const value = content[part] ?? null;
    if (!isJsonObject(value)) throw wrongType(`messages[${index}].content[${part}]`, "an object", value);
  }
}
