// Sums up rows once each, a piece of a chain at a time: what has been summed is told by the chain's mark, not by the clock, so rows that come
// late, corrections and rows shipped from elsewhere need no second look. Knows no report.

import { and, eq, gt, lte, type SQL, sql } from "drizzle-orm";
import type { RollupStep } from "../../ledger/index.ts";
import { listChains, type Mark, matchSummed, readMarks } from "../chain-mark.ts";
import type { Advance, Db, Engine, Lack, RollupRow } from "../engine.ts";
import { LEVELS } from "../report/plan.ts";
import { findNoted } from "./heal.ts";
import { createSums } from "./sum.ts";
import { byIndex, type QuarterGroup, type QuarterGroups, readGroups } from "../row-read.ts";
import { isInterrupted } from "../row-sum.ts";
import { isHourly, toHours } from "../sheet/hour.ts";
import { packPieces } from "../sheet/piece.ts";
import { pickSums } from "../sums.ts";

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

/** Whether rows are there that are in no sums yet, or marks to be set right; a look at the ends of chains, and not at rows. */
export function hasUnsummed(engine: Engine): Promise<boolean> {
  return engine.read(
    async (db) =>
      (await findPiece(engine, db, { limit: 1, after: undefined })) !== null || (await findNoted(engine, db)).size > 0,
  );
}

/** What the next step is; null where there is none. */
async function findAdvance(engine: Engine, db: Db, ask: Ask): Promise<Advance | null> {
  const piece = await findPiece(engine, db, ask);
  return piece === null ? null : { ...piece, ...(await sumUp(engine, db, piece)) };
}

/** Rows of one chain that are summed up together. */
async function findPiece(
  engine: Engine,
  db: Db,
  { limit, after }: Ask,
): Promise<Omit<Advance, "hours" | "pieces" | "rows"> | null> {
  const marks = new Map((await readMarks(engine, db)).map((mark) => [mark.chain, mark]));
  for (const chain of await listChains(engine, db, after)) {
    const mark = marks.get(chain);
    if (mark?.isOdd === true) continue;
    const fromSeq = mark?.seq ?? 0;
    const lacking = mark === undefined ? null : await findLacking(engine, db, mark, limit);
    const found = lacking ?? (await findNext(engine, db, { chain, fromSeq, toSeq: null, lack: null, limit }));
    if (found !== null) return { chain, lack: null, fromSeq, ...found };
  }
  return null;
}

type Lacking = Pick<Advance, "count" | "fromSeq" | "lack" | "toSeq">;

/** What the sums of a chain lack of rows that are in them. */
async function findLacking(engine: Engine, db: Db, mark: Mark, limit: number): Promise<Lacking | null> {
  const { chain, seq, detailSeq, untimedSeq } = mark;
  if (detailSeq < seq) {
    const stretch = { chain, fromSeq: detailSeq, toSeq: seq, lack: "detail", limit } as const;
    const found = await findNext(engine, db, stretch);
    if (found !== null) return { lack: "detail", fromSeq: detailSeq, ...found };
  }
  if (untimedSeq >= seq) return null;
  const stretch = { chain, fromSeq: untimedSeq, toSeq: seq, lack: "untimed", limit } as const;
  const { count = 0, toSeq = seq } = (await findNext(engine, db, stretch)) ?? {};
  // These rows are few: behind the last of them nothing is lacking, and the mark moves although there are none.
  return { lack: "untimed", fromSeq: untimedSeq, count: Math.max(1, count), toSeq: count < limit ? seq : toSeq };
}

interface Stretch extends Pick<Advance, "chain" | "lack"> {
  /** Exclusive. */
  fromSeq: number;
  /** Inclusive; null: all that there are. */
  toSeq: number | null;
}

/** Rows of the stretch. */
function matchStretch({ schema }: Engine, { chain, fromSeq, toSeq, lack }: Stretch): SQL[] {
  const table = schema.ledgerEntries;
  return [
    eq(table.chain, chain),
    gt(table.seq, fromSeq),
    ...(toSeq === null ? [] : [lte(table.seq, toSeq)]),
    ...(lack === "untimed" ? [isInterrupted(table)] : []),
  ];
}

function findIndex(lack: Advance["lack"]): "ledger_entries_chain" | "ledger_entries_interrupted" {
  return lack === "untimed" ? "ledger_entries_interrupted" : "ledger_entries_chain";
}

/** How many rows there are of the stretch, up to the limit, and the last of these. */
async function findNext(
  engine: Engine,
  db: Db,
  { limit, ...stretch }: Stretch & Pick<Ask, "limit">,
): Promise<{ count: number; toSeq: number } | null> {
  const { seq: place } = engine.schema.ledgerEntries;
  const where = and(...matchStretch(engine, stretch));
  const from = byIndex(engine, findIndex(stretch.lack));
  const next = sql`(select ${place} as place from ${from} where ${where} order by ${place} limit ${limit}) as next`;
  const columns = { count: sql`count(*)`.mapWith(Number), toSeq: sql`max(place)`.mapWith(Number) };
  const [found] = await db.select(columns).from(next);
  return found === undefined || found.count === 0 ? null : found;
}

async function sumUp(
  engine: Engine,
  db: Db,
  stretch: Pick<Advance, "chain" | "fromSeq" | "lack" | "toSeq">,
): Promise<Pick<Advance, "hours" | "pieces" | "rows">> {
  const { chain, lack, toSeq } = stretch;
  const where = matchStretch(engine, stretch);
  const { groups, places } = await readGroups(engine, db, { where, index: findIndex(lack) });
  // What lacks something was summed up when there was no other table.
  const sums = createSums(lack === null ? KEPT : LEVELS);
  sums.add(lack === null ? groups : groups.flatMap(KEEP[lack]));
  const rows = sums.rows();
  if (lack !== null) return { rows, hours: [], pieces: [] };
  const pieces = packPieces(groups, places);
  return { rows, hours: toHours(pieces, { chain, toSeq }), pieces };
}

const KEPT = LEVELS.filter((level) => !isHourly(level));
const NO_TIMES = { latency: new Map<number, number>(), ttft: new Map<number, number>() };

/** What sums of before lack. */
const KEEP: Readonly<Record<Lack, (group: QuarterGroup) => QuarterGroup[]>> = {
  detail: (group) => [group.isMove ? group : { ...group, sums: pickSums({ attempts: group.sums.attempts }) }],
  untimed: (group) => {
    const { untimedRequests } = group.sums;
    return untimedRequests === 0 ? [] : [{ ...group, ...NO_TIMES, sums: pickSums({ untimedRequests }) }];
  },
};

/** What they have. */
const DROP: typeof KEEP = {
  detail: (group) => (group.isMove ? [] : [{ ...group, ...NO_TIMES, sums: { ...group.sums, attempts: 0 } }]),
  untimed: (group) => [{ ...group, sums: { ...group.sums, untimedRequests: 0 } }],
};

/** Rows that are in the sums, and of each of them what these have so far: details come before the count of those that nobody timed. */
export async function readSummed(
  place: Pick<Engine, "name" | "schema" | "values">,
  db: Db,
  { marks, within }: { marks: readonly Mark[]; within: readonly SQL[] },
): Promise<QuarterGroups> {
  const read = (...where: SQL[]) => readGroups(place, db, { where: [...where, ...within], index: null });
  const upTo = (toSeq: (mark: Mark) => number): SQL =>
    matchSummed(
      place,
      marks.map((mark) => ({ ...mark, seq: toSeq(mark) })),
    );
  const detailed = ({ seq, detailSeq }: Mark): number => Math.min(seq, detailSeq);
  const whole = (mark: Mark): number => Math.min(detailed(mark), mark.untimedSeq);
  const found = await read(upTo(whole));
  if (marks.every((mark) => whole(mark) >= mark.seq)) return found;
  const untold = await read(upTo(detailed), sql`not (${upTo(whole)})`);
  const bare = await read(matchSummed(place, marks), sql`not (${upTo(detailed)})`);
  const groups = [...untold.groups, ...bare.groups.flatMap(DROP.detail)].flatMap(DROP.untimed);
  return {
    groups: [...found.groups, ...groups],
    places: [...found.places, ...untold.places, ...bare.places],
  };
}
