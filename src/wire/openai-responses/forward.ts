// What changes in this format's bytes when both sides speak it: the model's name in the request, and nothing in the answer, whose last event
// always tells the usage. Knows no IR.

import type { JsonObject } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import type { Frame } from "../../lib/sse.ts";

export function forwardRequest(raw: string, body: JsonObject, model: string): string {
  return body["model"] === model ? raw : setTopLevel(raw, "model", JSON.stringify(model));
}

export function forwardFrame({ raw }: Frame): string {
  return raw;
}
