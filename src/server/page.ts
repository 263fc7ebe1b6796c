// A list that is in memory as a whole, a page at a time. Knows no list.

import { readPage } from "../identity/index.ts";
import type { JsonObject } from "../ir/index.ts";
import { readPageWish } from "./admin/part.ts";

/** `name`: of the list in the answer; a cursor is good for lists of this name alone. `idOf`: by which an item is found again. */
export async function answerPage<Of>(
  query: URLSearchParams,
  items: readonly Of[],
  {
    name,
    idOf,
    print,
  }: { name: string; idOf: (item: Of) => string; print: (item: Of) => JsonObject | Promise<JsonObject> },
): Promise<JsonObject> {
  const numbered = items.map((item, index) => ({ item, index }));
  const page = await readPage<{ item: Of; index: number }>(readPageWish(query), {
    order: name,
    placeOf: ({ item, index }) => `${index} ${idOf(item)}`,
    read({ after, limit }) {
      const start = after === null ? 0 : findStart(after, items.map(idOf));
      return Promise.resolve(numbered.slice(start, start + limit));
    },
  });
  return { [name]: await Promise.all(page.items.map(async ({ item }) => print(item))), next_cursor: page.nextCursor };
}

/** Behind the item itself, wherever it stands now; where it is gone, at its place. */
function findStart(place: string, ids: readonly string[]): number {
  const space = place.indexOf(" ");
  const found = ids.indexOf(place.slice(space + 1));
  return found === -1 ? Number(place.slice(0, space)) || 0 : found + 1;
}
