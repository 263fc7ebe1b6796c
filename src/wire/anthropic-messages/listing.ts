// The list of models as Anthropic's clients read it, page by page: https://platform.claude.com/docs/en/api/models-list

import { type JsonObject, invalidRequest } from "../../ir/index.ts";
import type { ModelEntry, ModelListing } from "../type.ts";

const USUAL_LIMIT = 20;
const MAX_LIMIT = 1000;

export const listing: ModelListing = {
  paths: ["/anthropic/v1/models"],
  isAsked: ({ headers }) => headers.has("anthropic-version"),
  list: listPage,
  one: encodeModel,
};

/** The page behind `after_id` or before `before_id`; the first one where neither is given. */
function listPage(models: readonly ModelEntry[], query: URLSearchParams): JsonObject {
  const limit = readLimit(query.get("limit"));
  const before = query.get("before_id");
  const start = query.get("after_id") === null ? 0 : findPlace(models, query, "after_id") + 1;
  const end = before === null ? models.length : findPlace(models, query, "before_id");
  const from = before === null ? start : Math.max(start, end - limit);
  const page = models.slice(from, Math.min(end, from + limit));
  const hasMore = before === null ? from + page.length < end : from > start;
  return {
    data: page.map(encodeModel),
    has_more: hasMore,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}

function readLimit(value: string | null): number {
  if (value === null) return USUAL_LIMIT;
  const limit = Number(value);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw invalidRequest(`limit: Input should be a whole number from 1 to ${MAX_LIMIT}`, "limit");
}

function findPlace(models: readonly ModelEntry[], query: URLSearchParams, name: "after_id" | "before_id"): number {
  const place = models.findIndex(({ id }) => id === query.get(name));
  if (place === -1) throw invalidRequest(`${name}: there is no model of that name in the list`, name);
  return place;
}

/** What nobody knows is null; of an unknown release Anthropic gives the epoch. */
function encodeModel({ id, createdAt, maxOutputTokens }: ModelEntry): JsonObject {
  return {
    type: "model",
    id,
    display_name: id,
    created_at: new Date((createdAt ?? 0) * 1000).toISOString(),
    max_input_tokens: null,
    max_tokens: maxOutputTokens,
    capabilities: null,
    deprecated_at: null,
    lifecycle: "active",
    line: null,
    retires_at: null,
  };
}
