// Cache marks as Converse's cache points: a block of its own behind what is to be kept. Knows no other block.
// Source: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html

import type { CacheMark, JsonObject, Part } from "../../ir/index.ts";
import type { ModelFacts, ModelFamily } from "../type.ts";
import type { CachePoint } from "./body.ts";

/** The most points that one request may hold. */
const MAX_POINTS = 4;

/** Where the families of models take points; the others refuse them. */
const TAKES: Readonly<Partial<Record<ModelFamily, readonly Place[]>>> = {
  claude: ["tools", "prompt"],
  nova: ["prompt"],
};

type Place = "tools" | "prompt";

/** The point for a mark, or nothing where there is none or the model takes none, which is reported. */
export function encodeMark(
  cache: CacheMark | undefined,
  { family }: ModelFacts,
  { place, dropped }: { place: Place; dropped: string[] },
): JsonObject[] {
  if (cache === undefined) return [];
  if (family === undefined || TAKES[family]?.includes(place) !== true) {
    dropped.push("cache_control");
    return [];
  }
  const isLong = cache.ttl === "1h" && family === "claude";
  if (cache.ttl === "1h" && !isLong) dropped.push("cache_control.ttl");
  const point: CachePoint = { cachePoint: { type: "default", ...(isLong ? { ttl: "1h" } : {}) } };
  return [point];
}

/** The mark of a part; a result is marked where anything in it is. */
export function markOf(part: Part): CacheMark | undefined {
  if (part.type === "reasoning") return undefined;
  if (part.type !== "tool-result" || part.cache !== undefined) return part.cache;
  return part.content.findLast((item) => item.cache !== undefined)?.cache;
}

/** Takes out the first points where there are too many: a later one covers all that stands before it. `lists` are in reading order. */
export function limitPoints(lists: readonly JsonObject[][], dropped: string[]): void {
  let excess = lists.flat().filter((block) => block["cachePoint"] !== undefined).length - MAX_POINTS;
  for (const list of lists) {
    for (let index = 0; index < list.length && excess > 0; index++) {
      if (list[index]?.["cachePoint"] === undefined) continue;
      list.splice(index, 1);
      index--;
      excess--;
      dropped.push("cache_control");
    }
  }
}
