// A list that is in memory as a whole, a page at a time. Knows no list.

import { hash } from "node:crypto";
import { readPage } from "../identity/index.ts";
import { type JsonObject, checkAll, invalidRequest } from "../ir/index.ts";
import { readPageWish } from "./admin/part.ts";

interface List<Of> {
  /** In the answer; a cursor is good for lists of this name alone. */
  name: string;
  /** By which an item is found again. */
  idOf: (item: Of) => string;
  print: (item: Of) => JsonObject | Promise<JsonObject>;
  /** What an item has to be, or to have among others, by parameter. */
  filters?: Readonly<Record<string, (item: Of) => string | null | undefined | readonly string[]>>;
  /** All that a parameter may say, where that is not any text. */
  choices?: Readonly<Record<string, readonly string[]>>;
}

export async function answerPage<Of>(
  query: URLSearchParams,
  all: readonly Of[],
  { name, idOf, print, filters = {}, choices = {} }: List<Of>,
): Promise<JsonObject> {
  const { wish, wanted } = checkAll({
    wish: () => readPageWish(query),
    wanted: () => readFilters(query, filters, choices),
  });
  const items = all.filter((item) => wanted.every((isIt) => isIt(item)));
  const marks = items.map((item) => hash("sha256", idOf(item), "base64url").slice(0, 16));
  const numbered = items.map((item, index) => ({ item, index }));
  const page = await readPage<{ item: Of; index: number }>(wish, {
    order: name,
    placeOf: ({ index }) => [index, marks[index], marks[index + 1]].join(" "),
    read({ after, limit }) {
      const start = after === null ? 0 : findStart(after, marks);
      return Promise.resolve(numbered.slice(start, start + limit));
    },
  });
  return { [name]: await Promise.all(page.items.map(async ({ item }) => print(item))), next_cursor: page.nextCursor };
}

function readFilters<Of>(
  query: URLSearchParams,
  filters: NonNullable<List<Of>["filters"]>,
  choices: NonNullable<List<Of>["choices"]>,
): ((item: Of) => boolean)[] {
  const checks = Object.entries(filters).flatMap(([parameter, read]) => {
    const text = query.get(parameter);
    if (text === null) return [];
    const check = (): ((item: Of) => boolean) => {
      if (text === "") throw invalidRequest(`${parameter} must not be empty.`, parameter);
      const words = choices[parameter];
      if (words?.includes(text) === false) throw invalidRequest(`${parameter} is ${listWords(words)}.`, parameter);
      return (item) => [read(item)].flat().includes(text);
    };
    return [[parameter, check] as const];
  });
  return Object.values(checkAll(Object.fromEntries(checks)));
}

function listWords(words: readonly string[]): string {
  return words.length > 3 ? `one of ${words.join(", ")}` : words.join(" or ");
}

/**
 * Behind the page's last item, wherever it stands now; where that is gone, at the one that followed it: whoever removes what he reads is told all.
 * Where both are gone, at its place.
 */
function findStart(place: string, marks: readonly string[]): number {
  const [index = "", last = "", next = ""] = place.split(" ");
  const found = marks.indexOf(last);
  if (found !== -1) return found + 1;
  const following = marks.indexOf(next);
  return following === -1 ? Number(index) || 0 : following;
}
