// The list of models as Google's clients read it, page by page: https://ai.google.dev/api/models

import { type JsonObject, invalidRequest } from "../../ir/index.ts";
import type { ModelEntry, ModelListing } from "../type.ts";

const USUAL_SIZE = 50;
const MAX_SIZE = 1000;

export const listing: ModelListing = {
  paths: ["/v1beta/models"],
  isAsked: ({ headers, url }) => headers.has("x-goog-api-key") || readQuery(url).has("key"),
  list: listPage,
  one: encodeModel,
};

/** Of whatever address, also one that a client's `Host` made no address of. */
function readQuery(url: string): URLSearchParams {
  const start = url.indexOf("?");
  return new URLSearchParams(start === -1 ? "" : url.slice(start));
}

function listPage(models: readonly ModelEntry[], query: URLSearchParams): JsonObject {
  const size = readSize(query.get("pageSize") ?? query.get("page_size"));
  const from = readToken(models, query.get("pageToken") ?? query.get("page_token"));
  const page = models.slice(from, from + size);
  const next = models[from + size];
  return {
    models: page.map(encodeModel),
    ...(next === undefined ? {} : { nextPageToken: Buffer.from(next.id).toString("base64url") }),
  };
}

/** Larger pages than there are become the largest, as Google has it. */
function readSize(value: string | null): number {
  if (value === null || value === "0") return USUAL_SIZE;
  const size = Number(value);
  if (Number.isInteger(size) && size > 0) return Math.min(size, MAX_SIZE);
  throw invalidRequest("Invalid value at 'page_size': a whole number from 1 is expected.", "page_size");
}

/** A page begins with the model that its token names. */
function readToken(models: readonly ModelEntry[], token: string | null): number {
  if (token === null || token === "") return 0;
  const place = models.findIndex(({ id }) => id === Buffer.from(token, "base64url").toString());
  if (place === -1) throw invalidRequest("Page token is not valid: list the models from the beginning.", "page_token");
  return place;
}

const CHAT_METHODS = ["generateContent", "streamGenerateContent", "countTokens"];
const VECTOR_METHODS = ["embedContent", "batchEmbedContents"];

function encodeModel({ id, maxOutputTokens }: ModelEntry): JsonObject {
  return {
    name: `models/${id}`,
    version: "",
    displayName: id,
    ...(maxOutputTokens === null ? {} : { outputTokenLimit: maxOutputTokens }),
    // Only names tell what a model is for.
    supportedGenerationMethods: /embed/iu.test(id) ? VECTOR_METHODS : CHAT_METHODS,
  };
}
