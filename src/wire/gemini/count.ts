// Google's count of a request's tokens: https://ai.google.dev/api/tokens — of contents alone, or of a whole request.
// Costs nothing and answers nothing, so it is forwarded or estimated, never translated. Knows no provider.

import { type JsonObject, NO_USAGE, isJsonObject } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import type { ForwardWire } from "../type.ts";
import { type ModalityCount, unifyNames } from "./body.ts";
import { gemini } from "./index.ts";
import { listPaths } from "./path.ts";

const FIELD = "generateContentRequest";

export const geminiCount: ForwardWire = {
  id: "gemini-count",
  operation: "count",
  endpoint: "countTokens",
  paths: listPaths("countTokens"),
  address: () => ({ stream: false }),
  peek: (body, address) => ({ ...gemini.peek(unwrap(body), address), stream: false }),
  forward: { request: forwardRequest, frame: gemini.forward.frame },
  error: gemini.error,
  meter: () => ({ usage: NO_USAGE, model: null, report: null }),
  count: {
    wire: gemini,
    unwrap,
    encode: encodeCount,
    ask: (request, model) => ({ [FIELD]: { ...request, model: nameModel(model) } }),
    read: ({ totalTokens: tokens }) => (typeof tokens === "number" ? tokens : null),
    leavesOutNought: true,
  },
};

/** What is to be counted: the request inside, or the contents beside which nothing else need stand. */
function unwrap(body: JsonObject): JsonObject {
  const { generateContentRequest: inner, ...rest } = unifyNames(body, [FIELD]);
  return isJsonObject(inner) ? inner : rest;
}

/** The request inside names the model once more, and Google wants both to be the same. */
function forwardRequest(raw: string, body: JsonObject, model: string): string {
  const name = FIELD in body ? FIELD : "generate_content_request";
  const inner = body[name];
  const wanted = nameModel(model);
  if (!isJsonObject(inner) || inner["model"] === wanted) return raw;
  return setTopLevel(raw, name, JSON.stringify({ ...inner, model: wanted }));
}

function nameModel(model: string): string {
  return model.includes("/") ? model : `models/${model}`;
}

function encodeCount(tokens: number): JsonObject {
  const details: ModalityCount[] = [{ modality: "TEXT", tokenCount: tokens }];
  return { totalTokens: tokens, promptTokensDetails: details };
}
