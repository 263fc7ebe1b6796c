// What the ledger's rows of a window come to, as a budget counts them: by chain, so that each gateway knows its own part. Reads some rows at a
// time, for a file is read on the thread that serves; those of one owner where sheets say that they are. Knows no limit.

import { and, asc, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { LedgerFilter, Place, SumGroup } from "../ledger/index.ts";
import { type Row, takeApart, toFacts } from "./budget-part.ts";
import { readRemains } from "./budget-remains.ts";
import { listTails, readMarks } from "./chain-mark.ts";
import { chunk } from "./chunk.ts";
import type { Db, Engine } from "./engine.ts";
import { within } from "./report/match.ts";
import { beyond, matchTails } from "./report/tail.ts";
import { hasSeveral } from "./row-sum.ts";
import type { Schema } from "./schema.ts";
import { type RowRef, walkRows } from "./sheet/find.ts";

type Table = Schema["ledgerEntries"];

/** About ten milliseconds' worth. */
const ROWS_A_READ = 20_000;
/** Rows that sheets name: for a few at a time, a question costs more than its answer. */
const REFS_A_READ = 500;
/** Ids are made by the same clock a moment earlier or later. */
const SLACK_MS = 60_000;

/** While rows are being removed, they are read anew so often at most. */
const MOST_TURNS = 5;

/** Of one chain alone, where it is named; with what rows came to that were removed by age. */
export async function readWindow(engine: Engine, place: Place, chain: string | null): Promise<SumGroup[]> {
  for (let turn = 1; ; turn++) {
    const before = await readRemains(engine, place, chain);
    const rows = await readRows(engine, place, chain);
    const remains = await readRemains(engine, place, chain);
    // Rows that went in between were read twice, or not at all.
    const isSettled = Bun.deepEquals(before, remains);
    if (isSettled || turn === MOST_TURNS) return [...rows, ...remains.map((sum) => ({ ...sum, facts: null }))];
  }
}

async function readRows(engine: Engine, place: Place, chain: string | null): Promise<SumGroup[]> {
  const rows = (chain === null ? await readOwned(engine, place) : null) ?? (await readAlong(engine, place, chain));
  return rows.map((row) => ({ chain: row.chain, spent: row.spent, unpriced: row.unpriced, facts: toFacts(row) }));
}

/** Whose rows count, where not all do. */
function findOwner({ budget, subject }: Place): Pick<LedgerFilter, "apiKeyId" | "userId"> {
  const user = budget.each === "user" ? subject : budget.userId;
  const key = budget.each === "key" ? subject : budget.apiKeyId;
  return { ...(user === null ? {} : { userId: user }), ...(key === null ? {} : { apiKeyId: key }) };
}

/** Rows of one owner, found by what sheets say; null where they cannot, or there is no such owner. */
async function readOwned(engine: Engine, place: Place): Promise<Row[] | null> {
  const owner = findOwner(place);
  if (Object.keys(owner).length === 0) return null;
  const { ledgerEntries: table } = engine.schema;
  const range = { fromMs: place.window.startMs, toMs: place.window.endMs };
  return engine.snapshot(async (db) => {
    if (!(await engine.sheets.areValid(db))) return null;
    const tails = await listTails(engine, db, await readMarks(engine, db));
    const found: Row[] = [];
    const add = async (where: readonly SQL[]): Promise<void> => {
      for (const query of listQueries(engine, place, where)) found.push(...(await query(db)));
    };
    for (const tail of tails) await add(beyond(table, tail));
    const filter = { ...owner, direction: "consume" as const };
    let refs: RowRef[] = [];
    const addRefs = async (): Promise<void> => {
      for (const [chain, own] of Map.groupBy(refs, (ref) => ref.chain))
        for (const some of chunk(own.map(({ seq }) => seq)))
          await add([eq(table.chain, chain), inArray(table.seq, some)]);
      refs = [];
    };
    for await (const { rows, ranges } of walkRows(engine, db, { filter, range, order: "newest" })) {
      refs = [...refs, ...rows];
      if (refs.length >= REFS_A_READ) await addRefs();
      for (const each of ranges) await add([...within(table.createdAt, each), sql`not ${matchTails(table, tails)}`]);
      await breathe();
    }
    await addRefs();
    return found;
  });
}

/** Whoever serves on this thread has a turn between two reads. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** All rows of the window, or those of a chain, in their order. */
async function readAlong(engine: Engine, place: Place, chain: string | null): Promise<Row[]> {
  const found: Row[] = [];
  let cursor: number | string | null = chain === null ? firstId(place.window.startMs - SLACK_MS) : 0;
  while (cursor !== null) {
    const stretch = await readStretch(engine, { place, chain, cursor });
    found.push(...stretch.rows);
    cursor = stretch.last;
  }
  return found;
}

async function readStretch(
  engine: Engine,
  { place, chain, cursor }: { place: Place; chain: string | null; cursor: number | string },
): Promise<{ rows: Row[]; last: number | string | null }> {
  const { ledgerEntries: table } = engine.schema;
  // Rows lie in the order of their ids, and those of a chain in the order of its numbers.
  const along: SQL<number | string> = chain === null ? sql`${table.id}` : sql`${table.seq}`;
  const ofChain = chain === null ? undefined : eq(table.chain, chain);
  const ends = await engine.read((db) =>
    db
      .select({ last: along })
      .from(table)
      .where(and(sql`${along} > ${cursor}`, ofChain))
      .orderBy(asc(along))
      .limit(1)
      .offset(ROWS_A_READ - 1),
  );
  const last = ends[0]?.last ?? null;
  const stretch = and(sql`${along} > ${cursor}`, last === null ? undefined : sql`${along} <= ${last}`, ofChain);
  const rows: Row[] = [];
  for (const query of listQueries(engine, place, stretch === undefined ? [] : [stretch]))
    rows.push(...(await engine.read((db) => query(db))));
  return { rows, last };
}

/** Of the rows that these conditions let through, and the window and the owner. */
function listQueries(engine: Engine, place: Place, where: readonly SQL[]): ((db: Db) => Promise<Row[]>)[] {
  const { budget } = place;
  const { ledgerEntries: table } = engine.schema;
  const conditions = and(...where, ...listConditions(engine, place));
  // What makes no difference to the scope is no group of its own.
  const only = (isTold: boolean, value: SQL | Table["userId"]): SQL<string | null> =>
    isTold ? sql<string | null>`${value}` : sql<null>`cast(null as text)`;
  const groups = {
    chain: sql<string>`coalesce(${table.chain}, '')`,
    userId: only(budget.userId !== null, table.userId),
    apiKeyId: only(budget.apiKeyId !== null, table.apiKeyId),
    provider: only(budget.provider !== null, sql`${table.provider}`),
    modelAsked: only(budget.model !== null, sql`${table.modelAsked}`),
    modelSent: only(budget.model !== null, lastModel(engine, table)),
    tags: only(budget.tag !== null, sql`cast(${table.tags} as text)`),
  };
  // Of such rows several providers or models had a part.
  const isApart = budget.provider !== null || budget.model !== null;
  const several = hasSeveral(engine, table);
  const sum = (db: Db): Promise<Row[]> =>
    db
      .select({ ...groups, ...toSums(table, budget.unit) })
      .from(table)
      .where(and(conditions, isApart ? sql`not (${several})` : undefined))
      // By place: the same expression with other parameters is another one to an engine.
      .groupBy(sql`1, 2, 3, 4, 5, 6, 7`);
  if (!isApart) return [sum];
  const share = async (db: Db): Promise<Row[]> => {
    const shared = await db.select().from(table).where(and(conditions, several));
    return shared.flatMap((entry) => takeApart(entry, budget.unit));
  };
  return [sum, share];
}

function listConditions({ name, schema }: Engine, place: Place): SQL[] {
  const { ledgerEntries: table } = schema;
  const { startMs, endMs } = place.window;
  const { userId, apiKeyId } = findOwner(place);
  // Rows are found by something else: SQLite, without statistics, would rather look through all of the window for each part of it.
  const at = name === "sqlite" ? sql`+${table.createdAt}` : sql`${table.createdAt}`;
  const moment = (ms: number): SQL => sql`${sql.param(new Date(ms), table.createdAt)}`;
  return [
    eq(table.direction, "consume"),
    ...(userId === undefined ? [] : [eq(table.userId, userId)]),
    ...(apiKeyId === undefined ? [] : [eq(table.apiKeyId, apiKeyId)]),
    sql`${at} >= ${moment(startMs)}`,
    ...(Number.isFinite(endMs) ? [sql`${at} < ${moment(endMs)}`] : []),
  ];
}

function toSums(table: Table, unit: "tokens" | "usd"): Record<"spent" | "unpriced", SQL<number>> {
  const number = (value: SQL): SQL<number> => sql<number>`${value}`.mapWith(Number);
  if (unit === "usd") {
    return {
      spent: number(sql`coalesce(sum(${table.costNanos}), 0)`),
      unpriced: number(
        sql`count(case when ${table.kind} = 'call' and ${table.costNanos} is null and ${table.usageSource} <> 'none' then 1 end)`,
      ),
    };
  }
  return {
    spent: number(sql`coalesce(sum(coalesce(${table.freshInputTokens}, 0) + coalesce(${table.cacheReadTokens}, 0)
      + coalesce(${table.cacheWriteTokens}, 0) + coalesce(${table.outputTokens}, 0)), 0)`),
    unpriced: number(sql`0`),
  };
}

/** The name at the provider, as the last attempt has it. */
function lastModel(engine: Engine, table: Table): SQL {
  return engine.name === "sqlite"
    ? sql`json_extract(${table.attempts}, '$[#-1].model')`
    : sql`${table.attempts} -> -1 ->> 'model'`;
}

/** The smallest id that could have been made at that time: ids are UUIDv7. */
function firstId(atMs: number): string {
  const hex = Math.max(0, Math.floor(atMs)).toString(16).padStart(12, "0").slice(-12);
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
