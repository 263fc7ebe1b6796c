// A list of objects as their owner sees it: the provider's own list, page after page, with everybody else's taken out.
// Knows no provider: pages are asked for through a door.

import { GatewayError, type JsonObject, invalidRequest, isJsonObject } from "../../ir/index.ts";

export interface Listing {
  /** Ids of the owner's objects with this provider. */
  own: ReadonlySet<string>;
  /** How many the client wants at most; null where it does not say. */
  limit: number | null;
  /** Pages backwards are read one at a time: which way the next one lies is the client's to know. */
  isBackward: boolean;
  /** The provider's page behind `cursor`; null stands for where the client wants to begin. */
  readPage(cursor: string | null): Promise<JsonObject>;
}

/** A shared account may hold very many objects; beyond this it is better to say so than to keep a client waiting. */
const MAX_PAGES = 100;

/** The first page's other fields stay. `has_more` is true only where another object of the owner's follows. */
export async function gatherList({ own, limit, isBackward, readPage }: Listing): Promise<JsonObject> {
  const data: JsonObject[] = [];
  const unseen = new Set(own);
  let first: JsonObject | null = null;
  let wanted = limit;
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const body = await readPage(cursor);
    first ??= body;
    const rows = Array.isArray(body["data"]) ? body["data"].filter(isJsonObject) : [];
    wanted ??= Math.max(rows.length, 1);
    for (const row of rows) {
      const { id } = row;
      if (typeof id !== "string" || !own.has(id)) continue;
      if (data.length === wanted) return finish(first, data, true);
      unseen.delete(id);
      data.push(row);
    }
    const last = rows.at(-1)?.["id"];
    const isOver = body["has_more"] !== true || typeof last !== "string" || unseen.size === 0;
    if (isOver) return finish(first, data, false);
    if (isBackward) return finish(first, data, true);
    cursor = last;
  }
  throw new GatewayError({
    kind: "overloaded",
    code: "list_too_long",
    message: "The provider's account holds so many objects that yours could not all be found. Ask for them by id.",
  });
}

function finish(first: JsonObject, data: JsonObject[], hasMore: boolean): JsonObject {
  const ends = { first_id: data[0]?.["id"] ?? null, last_id: data.at(-1)?.["id"] ?? null };
  return { ...first, data, ...ends, has_more: hasMore };
}

/** Of the client's query. Throws invalid_request. */
export function readLimit(query: URLSearchParams): number | null {
  const text = query.get("limit");
  if (text === null) return null;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw invalidRequest("limit must be a whole number of at least 1.", "limit");
}
