// Seeded damage to JSON values and to streams of them, for fuzzing: always the same for the same seed. Knows no format.

import { type Json, type JsonObject, isJsonObject } from "../../src/ir/index.ts";

export interface Mutator {
  pick<T>(list: readonly T[]): T;
  /** A damaged copy. */
  mutateValue(value: JsonObject): JsonObject;
  /** SSE text with damage to its bytes, its frames or the JSON in them. */
  mutateStream(text: string): string;
}

const ODD: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e308,
  9_007_199_254_740_992,
  "",
  " ",
  "\ud800",
  "\u0000",
  "a".repeat(5000),
  "data:image/png;base64,%%%",
  "{",
  [],
  {},
  [null],
  [[]],
  { type: "text" },
  { type: null },
  "__proto__",
  "constructor",
];

/** `donors` lend their pieces to others. */
export function createMutator(seed: number, donors: readonly JsonObject[]): Mutator {
  const random = createRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => {
    const item = list[below(list.length)];
    if (item === undefined && list.length === 0) throw new Error("there is nothing to damage");
    return item as T;
  };
  const odd = (): Json => {
    const kind = below(20);
    if (kind === 0) return nest(below(1500));
    if (kind < 6 && donors.length > 0) return pick(listPieces(pick(donors)));
    return structuredClone(pick(ODD));
  };

  const damageOnce = (root: JsonObject): void => {
    const places = listPlaces(root);
    const { holder, key } = pick(places);
    if (Array.isArray(holder)) {
      const index = Number(key);
      pick([
        () => holder.splice(index, 1),
        () => holder.splice(index, 1, odd()),
        () => holder.splice(index, 0, structuredClone(holder[index] ?? null)),
        () => holder.splice(index, 0, odd()),
        () => holder.push(...holder.splice(0, index)),
      ])();
      return;
    }
    pick([
      () => delete holder[key],
      () => (holder[key] = odd()),
      () => (holder[key] = odd()),
      () => (holder[pick(places).key] = structuredClone(holder[key] ?? null)),
      () => (holder[pick(places).key] = odd()),
      () => {
        const value = holder[key];
        if (typeof value === "string") holder[key] = damageText(value);
      },
    ])();
  };

  const damageText = (text: string): string => {
    const at = below(text.length + 1);
    const length = below(8);
    return (
      text.slice(0, at) +
      pick(["", "\n", "\r", "}", '"', "\\", "é", "\ud83d", "data: ", "\n\n"]) +
      text.slice(at + length)
    );
  };

  const mutateValue = (value: JsonObject): JsonObject => {
    const copy = structuredClone(value);
    for (let left = below(4); left >= 0; left -= 1) if (Object.keys(copy).length > 0) damageOnce(copy);
    return copy;
  };

  const damageFrame = (frame: string): string => {
    const line = /^data: ?(\{.*\})$/m.exec(frame);
    const value = parse(line?.[1] ?? "");
    if (value === null || line === null) return damageText(frame);
    // A function as the replacement: the text may hold dollar signs.
    return frame.replace(line[0], () => `data: ${JSON.stringify(mutateValue(value))}`);
  };

  const mutateStream = (text: string): string => {
    const frames = text.split("\n\n");
    for (let left = below(4); left >= 0; left -= 1) {
      const at = below(frames.length);
      const frame = frames[at] ?? "";
      pick([
        () => frames.splice(at, 1),
        () => frames.splice(at, 0, frame),
        () => frames.splice(at, 1, damageFrame(frame)),
        () => frames.splice(at, 1, damageFrame(frame)),
        () => frames.splice(below(frames.length), 0, ...frames.splice(at, 1)),
        () => frames.splice(at, 1, damageText(frame)),
        () => frames.splice(at),
      ])();
    }
    return frames.join("\n\n");
  };

  return { pick, mutateValue, mutateStream };
}

/** Numbers in [0, 1): mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function nest(depth: number): Json {
  let value: Json = "deep";
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { properties: value };
  return value;
}

function listPlaces(root: JsonObject): { holder: JsonObject | Json[]; key: string }[] {
  const places: { holder: JsonObject | Json[]; key: string }[] = [];
  const visit = (holder: Json): void => {
    if (typeof holder !== "object" || holder === null || places.length > 2000) return;
    for (const [key, value] of Object.entries(holder)) {
      places.push({ holder, key });
      visit(value);
    }
  };
  visit(root);
  return places;
}

function listPieces(root: JsonObject): Json[] {
  return listPlaces(root).map(({ holder, key }) =>
    structuredClone(Object.entries(holder).find(([name]) => name === key)?.[1] ?? null),
  );
}

function parse(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}
