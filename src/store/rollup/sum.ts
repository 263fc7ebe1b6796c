// The sums that are kept, made of groups of rows: each level knows less of them, or of their time, than the one that it is made of. Knows no SQL.

import { hash } from "node:crypto";
import type { Sums } from "../../ledger/index.ts";
import { countClasses, printClasses } from "../../lib/spread.ts";
import type { RollupRow } from "../engine.ts";
import type { Cube, Level } from "../report/plan.ts";
import type { Description, QuarterGroup } from "../row-read.ts";
import { QUARTER_MS } from "../sheet/level.ts";
import { addTo, pickSums } from "../sums.ts";

/** The sums of those levels, as they are kept. A level's time is made of whole times of the next finer one of its cube. */
export function createSums(levels: readonly Level[]) {
  const looks = createLooks();
  const cubes = [...Map.groupBy(levels, ({ cube }) => cube)].map(([cube, own]) => ({
    cube,
    // Rows are counted once, for the finest; it is few sums that the others are made of.
    finest: own.at(-1),
    coarser: own.slice(0, -1).toReversed(),
    views: new Map<number, View>(),
  }));
  return {
    add(groups: readonly QuarterGroup[]): void {
      for (const group of groups)
        for (const { cube, finest, views } of cubes) {
          if (finest === undefined || (group.isMove && !TELLING.has(cube))) continue;
          for (const look of looks(group.group, cube))
            add(views, { level: finest, startMs: group.startMs, look }, group);
        }
    },
    rows: (): RollupRow[] => cubes.flatMap(({ coarser, views }) => listViews(views, coarser).map(toRow)),
  };
}

/** What tells providers and models apart. */
const TELLING: ReadonlySet<Cube> = new Set(["all", "brief", "tagged"]);

/** With those of the coarser levels, the next finer first. */
function listViews(finest: ReadonlyMap<number, View>, coarser: readonly Level[]): View[] {
  let finer = [...finest.values()];
  const views = [...finer];
  for (const level of coarser) {
    const next = new Map<number, View>();
    for (const view of finer) add(next, { level, startMs: view.startMs, look: view.look }, view);
    finer = [...next.values()];
    for (const view of finer) views.push(view);
  }
  return views;
}

/** What a cube still knows of a description; the same object for all of which it knows the same. */
interface Look {
  id: number;
  seen: Description;
  /** All of that as text. */
  name: string;
  /** Of the name. */
  digest: string;
}

function createLooks() {
  const known = new Map<string, Look>();
  const found = new Map<Description, Map<Cube, Look[]>>();
  const find = (seen: Description): Look => {
    const name = describe(seen);
    let look = known.get(name);
    if (look === undefined) known.set(name, (look = { id: known.size, seen, name, digest: digest(name) }));
    return look;
  };
  return (group: Description, cube: Cube): readonly Look[] => {
    let cubes = found.get(group);
    if (cubes === undefined) found.set(group, (cubes = new Map()));
    let looks = cubes.get(cube);
    if (looks === undefined) cubes.set(cube, (looks = look(group, cube).map(find)));
    return looks;
  };
}

/** What a level still knows of rows, and their sums. */
interface View {
  level: Level;
  startMs: number;
  look: Look;
  sums: Sums;
  /** Of its own, to be counted in. */
  latency: Map<number, number>;
  ttft: Map<number, number>;
}

function add(
  views: Map<number, View>,
  { level, startMs: atMs, look }: Pick<View, "level" | "look" | "startMs">,
  { sums, latency, ttft }: Pick<View, "latency" | "sums" | "ttft">,
): void {
  const startMs = atMs - (atMs % level.grainMs);
  const key = (startMs / QUARTER_MS) * MOST_LOOKS + look.id;
  const found = views.get(key);
  if (found === undefined) {
    const own = { sums: pickSums(sums), latency: new Map(latency), ttft: new Map(ttft) };
    views.set(key, { level, startMs, look, ...own });
    return;
  }
  addTo(found.sums, sums);
  countClasses(found.latency, latency);
  countClasses(found.ttft, ttft);
}

/** There are far fewer descriptions than this in the rows of a step. */
const MOST_LOOKS = 2 ** 28;

/** Of a cube that knows nothing of these. */
export const NOTHING = {
  userId: "",
  apiKeyId: "",
  tags: null,
  modelAsked: "",
  modelServed: null,
  provider: null,
  endpoint: "",
  status: 0,
} satisfies Omit<Description, "direction">;

function look(group: Description, cube: Cube): Description[] {
  const { direction } = group;
  switch (cube) {
    case "all":
      return [group];
    case "brief":
      return [{ ...group, userId: "", apiKeyId: "", tags: null }];
    case "owner":
      return [{ ...NOTHING, direction, userId: group.userId, apiKeyId: group.apiKeyId }];
    case "tag": {
      const tags = group.tags ?? [];
      return tags.length === 0
        ? [{ ...NOTHING, direction }]
        : tags.map((tag) => ({ ...NOTHING, direction, tags: [tag] }));
    }
    case "tagged":
      return [{ ...group, userId: "", apiKeyId: "" }];
    case "total":
      return [{ ...NOTHING, direction }];
    default:
      return cube satisfies never;
  }
}

function toRow({ level, startMs, look, sums, latency, ttft }: View): RollupRow {
  return {
    ...look.seen,
    id: printId(level.name, startMs, look.digest),
    level: level.name,
    startedAt: new Date(startMs),
    ...sums,
    latencies: printClasses(latency),
    ttfts: printClasses(ttft),
  };
}

/** @param name all that is known of the rows, as `describe` says it */
export function nameSum(level: string, startMs: number, name: string): string {
  return printId(level, startMs, digest(name));
}

/** Time comes first, so that new ones are written side by side. */
function printId(level: string, startMs: number, digested: string): string {
  return `${(startMs / QUARTER_MS).toString(36)}.${level}.${digested}`;
}

function digest(name: string): string {
  return hash("sha256", name, "base64url").slice(0, 24);
}

export function describe(seen: Description): string {
  return JSON.stringify([
    seen.userId,
    seen.apiKeyId,
    seen.tags,
    seen.modelAsked,
    seen.modelServed,
    seen.provider,
    seen.endpoint,
    seen.status,
    seen.direction,
  ]);
}
