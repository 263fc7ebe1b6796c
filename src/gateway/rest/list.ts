// A list of objects as their owner sees it: the provider's own list, page after page, with everybody else's taken out.
// Knows no provider: pages are asked for through a door.

import { GatewayError, type JsonObject, invalidRequest, isJsonObject } from "../../ir/index.ts";

export interface Listing {
  /** One after the other: their lists follow one another. The first is where the client wants to begin. */
  parts: readonly ListPart[];
  /** How many the client wants at most; null where it does not say. */
  limit: number | null;
  /** Whether the client wants what stands immediately before an object, in the list's own order. */
  isBackward: boolean;
  /** As the client was told where its next page begins, where the provider names pages; null where it does not say. */
  page: string | null;
}

export interface ListPart {
  name: string;
  /** Ids of the owner's objects there. */
  own: ReadonlySet<string>;
  /** The provider's page at `place`; null stands for its beginning, or where the client wants to. Null where it is refused: then that is the answer. */
  readPage(place: PagePlace | null): Promise<JsonObject | null>;
}

/** Some providers go on behind an object's id, or before it, others by a name of the page. */
export type PagePlace = { before: string } | { behind: string } | { page: string };

/** A shared account may hold very many objects; beyond this it is better to say so than to keep a client waiting. */
const MAX_PAGES = 100;

/** The first page's other fields stay. `has_more` is true, or `next_page` there, only where another object of the owner's follows. */
export async function gatherList({ parts, limit, isBackward, page: asked }: Listing): Promise<JsonObject> {
  const data: JsonObject[] = [];
  const begin = readBeginning(asked);
  let first: JsonObject | null = null;
  let pages = 0;
  const end = (more: Parameters<typeof finish>[2]): JsonObject =>
    finish(first ?? {}, isBackward ? data.toReversed() : data, more);
  for (const [index, { name, own, readPage }] of parts.entries()) {
    const unseen = new Set(own);
    let wanted = limit;
    let place: PagePlace | null = index > 0 || begin.page === null ? null : { page: begin.page };
    let behind = index > 0 ? null : begin.behind;
    do {
      if (++pages > MAX_PAGES) throw tooLong();
      const body = await readPage(place);
      if (body === null) return end({ hasMore: false, page: null });
      first ??= body;
      const all = Array.isArray(body["data"]) ? body["data"].filter(isJsonObject) : [];
      const left = all.slice(all.findIndex(({ id }) => id === behind) + 1);
      // The nearest come first.
      const rows = isBackward ? left.toReversed() : left;
      wanted ??= data.length + Math.max(all.length, 1);
      for (const row of rows) {
        const { id } = row;
        if (typeof id !== "string" || !own.has(id)) continue;
        if (data.length === wanted) return end({ hasMore: true, page: nameBeginning(name, place, data) });
        unseen.delete(id);
        data.push(row);
      }
      behind = null;
      place = unseen.size === 0 ? null : findNext(body, rows, isBackward);
    } while (place !== null);
  }
  return end({ hasMore: false, page: null });
}

function tooLong(): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "list_too_long",
    message: "The provider's account holds so many objects that yours could not all be found. Ask for them by id.",
  });
}

/** Null where nothing follows. `rows`: in the order in which they are read. */
function findNext(body: JsonObject, rows: readonly JsonObject[], isBackward: boolean): PagePlace | null {
  const next = body["next_page"];
  if (typeof next === "string" && next !== "") return { page: next };
  const last = rows.at(-1)?.["id"];
  if (body["has_more"] !== true || typeof last !== "string") return null;
  return isBackward ? { before: last } : { behind: last };
}

function finish(
  first: JsonObject,
  data: JsonObject[],
  { hasMore, page }: { hasMore: boolean; page: string | null },
): JsonObject {
  const named = "next_page" in first ? { next_page: page } : {};
  if ("next_page" in first && !("has_more" in first)) return { ...first, data, ...named };
  const ends = { first_id: data[0]?.["id"] ?? null, last_id: data.at(-1)?.["id"] ?? null };
  return { ...first, data, ...ends, has_more: hasMore, ...named };
}

/** As providers begin theirs, and then what no provider says. */
const OWN_PAGE = "page_tokligence_";

/** The provider's pages hold more than the client's: where the client's next one begins within one of them is said in its name. */
function nameBeginning(part: string, place: PagePlace | null, data: readonly JsonObject[]): string {
  const page = place !== null && "page" in place ? place.page : null;
  return OWN_PAGE + Buffer.from(JSON.stringify([part, page, data.at(-1)?.["id"] ?? null])).toString("base64url");
}

interface Beginning {
  part: string | null;
  /** At the provider, null for its first. */
  page: string | null;
  /** Of what is on it, null where all of it is to be told. */
  behind: string | null;
}

/** Throws invalid_request. */
export function readBeginning(name: string | null): Beginning {
  if (name?.startsWith(OWN_PAGE) !== true) return { part: null, page: name, behind: null };
  try {
    const [part, page, behind] = JSON.parse(Buffer.from(name.slice(OWN_PAGE.length), "base64url").toString("utf8"));
    if (typeof part === "string" && (page === null || typeof page === "string") && typeof behind === "string") {
      return { part, page, behind };
    }
  } catch {
    // It is none of ours.
  }
  throw invalidRequest("page must be the next_page of a list.", "page");
}

/** Of the client's query. Throws invalid_request. */
export function readLimit(query: URLSearchParams): number | null {
  const text = query.get("limit");
  if (text === null) return null;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1) return limit;
  throw invalidRequest("limit must be a whole number of at least 1.", "limit");
}
