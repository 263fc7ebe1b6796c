// What every target needs of a Responses request, checked before anything is routed. Knows no target and no canonical request.

import type { JsonObject } from "../../ir/index.ts";
import { isJsonObject } from "../../ir/index.ts";
import { missing, readStream, requireModel, wrongType } from "../openai-check.ts";
import type { Peek } from "../type.ts";

/** What may stand for an input that is not there. */
const INSTEAD = ["prompt", "previous_response_id", "conversation"];

/** Model and stream of a body. Throws an invalid_request in OpenAI's words that names the field at fault. */
export function peekRequest(body: JsonObject): Peek {
  const model = requireModel(body);
  const input = body["input"] ?? null;
  if (input === null && INSTEAD.every((name) => (body[name] ?? null) === null)) throw missing("input");
  if (Array.isArray(input)) {
    for (let index = 0; index < input.length; index++) {
      const item = input[index] ?? null;
      if (!isJsonObject(item)) throw wrongType(`input[${index}]`, "an object", item);
    }
  } else if (input !== null && typeof input !== "string") {
    throw wrongType("input", "one of a string or an array of objects", input);
  }
  return { model, stream: readStream(body) };
}
