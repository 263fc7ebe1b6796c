// Sums up rows once each, a piece of a chain at a time: what has been summed is told by the chain's mark, not by the clock, so rows that come
// late, corrections and rows shipped from elsewhere need no second look. Knows no report.

import { and, asc, eq, gt, lte, sql } from "drizzle-orm";
import { hash } from "node:crypto";
import type { RollupStep, Sums } from "../ledger/index.ts";
import { countClasses, NO_CLASSES, NO_SPREAD, printClasses, type Spread } from "../lib/spread.ts";
import { listChains, readMarks } from "./chain-mark.ts";
import type { Advance, Db, Engine, RollupRow } from "./engine.ts";
import { type MoveSelection, readMoves } from "./move.ts";
import { type Cube, type Level, LEVELS } from "./report-plan.ts";
import { classify, number, sumRows } from "./row-sum.ts";
import { toMs } from "./report-match.ts";
import { addTo, pickSums } from "./sums.ts";

const QUARTER_MS = 900_000;

interface Ask {
  limit: number;
  /** Of a chain whose name comes behind that one; of any where there is none. */
  after: string | undefined;
}

/** Sums up to `limit` rows of one chain. `onSums` is told of sums before they are moved. */
export async function rollUp(
  engine: Engine,
  ask: Ask,
  onSums: (rows: readonly RollupRow[]) => void,
): Promise<RollupStep> {
  return engine.advance(async (db) => {
    const advance = await findAdvance(engine, db, ask);
    if (advance !== null) onSums(advance.rows);
    return advance;
  });
}

/** Whether rows are there that are in no sums yet; a look at the ends of chains, and not at rows. */
export function hasUnsummed(engine: Engine): Promise<boolean> {
  return engine.read(async (db) => (await findPiece(engine, db, { limit: 1, after: undefined })) !== null);
}

/** What the next step is; null where there is none. */
async function findAdvance(engine: Engine, db: Db, ask: Ask): Promise<Advance | null> {
  const piece = await findPiece(engine, db, ask);
  return piece === null ? null : { ...piece, rows: await sumUp(engine, db, piece) };
}

/** Rows of one chain that are summed up together. */
async function findPiece(engine: Engine, db: Db, { limit, after }: Ask): Promise<Omit<Advance, "rows"> | null> {
  const marks = new Map((await readMarks(engine, db)).map((mark) => [mark.chain, mark]));
  const { chain: ofChain, seq: place } = engine.schema.ledgerEntries;
  const next = (chain: string, from: number, to: number | null) =>
    db
      .select({ seq: place })
      .from(engine.schema.ledgerEntries)
      .where(and(eq(ofChain, chain), gt(place, from), to === null ? undefined : lte(place, to)))
      .orderBy(asc(place))
      .limit(limit);
  for (const chain of await listChains(engine, db, after)) {
    const { seq = 0, detailSeq = 0 } = marks.get(chain) ?? {};
    const lacking = detailSeq < seq ? await next(chain, detailSeq, seq) : [];
    const isDetail = lacking.length > 0;
    const found = isDetail ? lacking : await next(chain, seq, null);
    const toSeq = found.at(-1)?.seq ?? null;
    if (toSeq === null) continue;
    return { chain, isDetail, fromSeq: isDetail ? detailSeq : seq, toSeq, count: found.length };
  }
  return null;
}

async function sumUp(
  engine: Engine,
  db: Db,
  { chain, isDetail, fromSeq, toSeq }: Pick<Advance, "chain" | "fromSeq" | "isDetail" | "toSeq">,
): Promise<RollupRow[]> {
  const table = engine.schema.ledgerEntries;
  const piece = [eq(table.chain, chain), gt(table.seq, fromSeq), lte(table.seq, toSeq)];
  const sums = createSums(LEVELS);
  const groups = await groupRows(engine, db, { where: piece, along: "chain", isTail: true });
  sums.add(isDetail ? groups.map(keepDetail) : groups);
  return sums.rows();
}

/** Rows that agree in all that a report may ask for, and in their quarter of an hour, as one; and what is moved between their providers. */
export async function groupRows(
  engine: Pick<Engine, "name" | "schema">,
  db: Db,
  rows: MoveSelection,
): Promise<QuarterGroup[]> {
  const table = engine.schema.ledgerEntries;
  const at = toMs(engine, table.createdAt);
  const described = {
    userId: table.userId,
    apiKeyId: table.apiKeyId,
    tags: table.tags,
    modelAsked: table.modelAsked,
    modelServed: table.modelServed,
    provider: table.provider,
    endpoint: table.endpoint,
    status: table.status,
    direction: table.direction,
  };
  const groups = await db
    .select({
      quarter: sql<number>`${at} - ${at} % ${sql.raw(String(QUARTER_MS))}`.mapWith(Number),
      ...described,
      latency: number(classify(engine, table.latencyMs)),
      ttft: sql<number | null>`${classify(engine, table.ttftMs)}`,
      ...sumRows(engine, table),
    })
    .from(table)
    .where(and(...rows.where))
    // With the classes of time, there are hardly more groups than without.
    .groupBy(sql.raw("1"), ...Object.values(described), sql.raw("11"), sql.raw("12"));
  const found = groups.map(({ quarter: startMs, latency, ttft, ...group }): QuarterGroup => {
    const one = (place: number | null) => (place === null ? NO_CLASSES : new Map([[place, group.requests]]));
    const spread = group.requests === 0 ? NO_SPREAD : { latency: one(latency), ttft: one(ttft) };
    return { startMs, group, sums: pickSums(group), spread, isMove: false };
  });
  await readMoves(engine, db, rows, (moves) => {
    for (const { createdAt, sums, ...group } of moves) {
      const startMs = createdAt.getTime() - (createdAt.getTime() % QUARTER_MS);
      found.push({ startMs, group, sums, spread: NO_SPREAD, isMove: true });
    }
  });
  return found;
}

/** What sums of before lack. */
function keepDetail(group: QuarterGroup): QuarterGroup {
  return group.isMove ? group : { ...group, sums: pickSums({ attempts: group.sums.attempts }) };
}

/** The sums of those levels, as they are kept. A level's time is made of whole times of the next finer one of its cube. */
export function createSums(levels: readonly Level[]) {
  const cubes = [...Map.groupBy(levels, ({ cube }) => cube)].map(([cube, own]) => ({
    cube,
    // Rows are counted once, for the finest; it is few sums that the others are made of.
    finest: own.at(-1),
    coarser: own.slice(0, -1).toReversed(),
    views: new Map<string, View>(),
  }));
  return {
    add(groups: readonly QuarterGroup[]): void {
      for (const group of groups)
        for (const { cube, finest, views } of cubes) if (finest !== undefined) collect(views, finest, { cube, group });
    },
    rows: (): RollupRow[] => cubes.flatMap(({ coarser, views }) => listViews(views, coarser).map(toRow)),
  };
}

/** With those of the coarser levels, the next finer first. */
function listViews(finest: ReadonlyMap<string, View>, coarser: readonly Level[]): View[] {
  let finer = [...finest.values()];
  const views = [...finer];
  for (const level of coarser) {
    const next = new Map<string, View>();
    for (const { startMs, seen, name, sums, latency, ttft } of finer)
      add(next, { level, startMs: floorTo(startMs, level), seen, name }, { sums, spread: { latency, ttft } });
    finer = [...next.values()];
    for (const view of finer) views.push(view);
  }
  return views;
}

type Description = Omit<RollupRow, keyof Sums | "id" | "latencies" | "level" | "startedAt" | "ttfts">;

/** Some rows that are described alike, by the quarter of an hour. */
interface QuarterGroup {
  startMs: number;
  group: Description;
  sums: Sums;
  spread: Spread;
  /** It takes from one provider or model, or gives to another one: none of it matters where these are not told apart. */
  isMove: boolean;
}

/** What a level still knows of rows, and their sums. */
interface View {
  level: Level;
  startMs: number;
  seen: Description;
  /** All of that as text. */
  name: string;
  sums: Sums;
  /** Of its own, to be counted in. */
  latency: Map<number, number>;
  ttft: Map<number, number>;
}

function collect(
  views: Map<string, View>,
  level: Level,
  { cube, group: { startMs, group, sums, spread, isMove } }: { cube: Cube; group: QuarterGroup },
): void {
  if (isMove && cube !== "all" && cube !== "brief") return;
  for (const seen of look(group, cube))
    add(views, { level, startMs: floorTo(startMs, level), seen, name: describe(seen) }, { sums, spread });
}

function floorTo(ms: number, { grainMs }: Level): number {
  return ms - (ms % grainMs);
}

function add(
  views: Map<string, View>,
  place: Pick<View, "level" | "name" | "seen" | "startMs">,
  { sums, spread }: Pick<QuarterGroup, "spread" | "sums">,
): void {
  const key = `${place.startMs} ${place.name}`;
  const found = views.get(key);
  if (found === undefined) {
    const own = { latency: new Map(spread.latency), ttft: new Map(spread.ttft) };
    views.set(key, { ...place, sums: pickSums(sums), ...own });
    return;
  }
  addTo(found.sums, sums);
  countClasses(found.latency, spread.latency);
  countClasses(found.ttft, spread.ttft);
}

const NOTHING = {
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
    case "total":
      return [{ ...NOTHING, direction }];
    default:
      return cube satisfies never;
  }
}

function toRow({ level, startMs, seen, name, sums, latency, ttft }: View): RollupRow {
  return {
    ...seen,
    id: nameSum(level.name, startMs, name),
    level: level.name,
    startedAt: new Date(startMs),
    ...sums,
    latencies: printClasses(latency),
    ttfts: printClasses(ttft),
  };
}

/** @param name all that is known of the rows, as `describe` says it */
export function nameSum(level: string, startMs: number, name: string): string {
  // Time comes first, so that new ones are written side by side.
  const digest = hash("sha256", name, "base64url").slice(0, 24);
  return `${(startMs / QUARTER_MS).toString(36)}.${level}.${digest}`;
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
