// Sums up rows once each, a piece of a chain at a time: what has been summed is told by the chain's mark, not by the clock, so rows that come
// late, corrections and rows shipped from elsewhere need no second look. Knows no report.

import { and, asc, eq, gt, lte, type SQL, sql } from "drizzle-orm";
import { hash } from "node:crypto";
import type { RollupStep, Sums } from "../ledger/index.ts";
import type { Advance, Db, Engine, RollupRow } from "./engine.ts";
import { type Cube, type Level, LEVELS } from "./report-plan.ts";
import { listChains, readMarks, sumRows, toMs } from "./report.ts";
import { addTo, pickSums } from "./sums.ts";

const QUARTER_MS = 900_000;

/** Sums up to `limit` rows of one chain. */
export async function rollUp(engine: Engine, limit: number): Promise<RollupStep> {
  return engine.advance((db) => findAdvance(engine, db, limit));
}

/** What the next step is; null where there is none. */
async function findAdvance(engine: Engine, db: Db, limit: number): Promise<Advance | null> {
  const marks = new Map((await readMarks(engine, db)).map(({ chain, seq }) => [chain, seq]));
  const { chain: ofChain, seq: place } = engine.schema.ledgerEntries;
  for (const chain of await listChains(engine, db)) {
    const fromSeq = marks.get(chain) ?? 0;
    const next = await db
      .select({ seq: place })
      .from(engine.schema.ledgerEntries)
      .where(and(eq(ofChain, chain), gt(place, fromSeq)))
      .orderBy(asc(place))
      .limit(limit);
    const toSeq = next.at(-1)?.seq ?? null;
    if (toSeq === null) continue;
    return { chain, fromSeq, toSeq, count: next.length, rows: await sumUp(engine, db, { chain, fromSeq, toSeq }) };
  }
  return null;
}

async function sumUp(
  engine: Engine,
  db: Db,
  { chain, fromSeq, toSeq }: Pick<Advance, "chain" | "fromSeq" | "toSeq">,
): Promise<RollupRow[]> {
  const table = engine.schema.ledgerEntries;
  const piece = and(eq(table.chain, chain), gt(table.seq, fromSeq), lte(table.seq, toSeq));
  const sums = createSums(LEVELS);
  sums.add(await groupRows(engine, db, piece));
  return sums.rows();
}

/** Rows that agree in all that a report may ask for, and in their quarter of an hour, as one. */
export async function groupRows(
  engine: Pick<Engine, "name" | "schema">,
  db: Db,
  where: SQL | undefined,
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
  return db
    .select({
      quarter: sql<number>`${at} - ${at} % ${sql.raw(String(QUARTER_MS))}`.mapWith(Number),
      ...described,
      ...sumRows(engine, table),
    })
    .from(table)
    .where(where)
    .groupBy(sql.raw("1"), ...Object.values(described));
}

/** The sums of those levels, as they are kept. */
export function createSums(levels: readonly Level[]) {
  const views = new Map<string, View>();
  const byCube = Map.groupBy(levels, ({ cube }) => cube);
  return {
    add(groups: readonly QuarterGroup[]): void {
      for (const { quarter, ...group } of groups) collect(views, byCube, quarter, group);
    },
    rows: (): RollupRow[] => [...views.values()].map(toRow),
  };
}

type QuarterGroup = Group & { quarter: number };

type Description = Omit<RollupRow, keyof Sums | "id" | "level" | "startedAt">;
type Group = Description & Sums;

/** What a level still knows of rows, and their sums. */
interface View {
  level: Level;
  startMs: number;
  seen: Description;
  /** All of that as text. */
  name: string;
  sums: Sums;
}

function collect(
  views: Map<string, View>,
  byCube: ReadonlyMap<Cube, readonly Level[]>,
  quarter: number,
  group: Group,
): void {
  for (const [cube, levels] of byCube) {
    for (const seen of look(group, cube)) {
      const name = JSON.stringify([
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
      for (const level of levels)
        add(views, { level, startMs: quarter - (quarter % level.grainMs), seen, name, sums: group });
    }
  }
}

function add(views: Map<string, View>, view: View): void {
  const key = `${view.level.name} ${view.startMs} ${view.name}`;
  const found = views.get(key);
  if (found === undefined) {
    views.set(key, { ...view, sums: pickSums(view.sums) });
    return;
  }
  addTo(found.sums, view.sums);
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

function look(group: Group, cube: Cube): Description[] {
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

function toRow({ level, startMs, seen, name, sums }: View): RollupRow {
  // Time comes first, so that new ones are written side by side.
  const digest = hash("sha256", name, "base64url").slice(0, 24);
  return {
    ...seen,
    id: `${(startMs / QUARTER_MS).toString(36)}.${level.name}.${digest}`,
    level: level.name,
    startedAt: new Date(startMs),
    ...sums,
  };
}
