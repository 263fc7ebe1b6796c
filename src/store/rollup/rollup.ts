// Sums up rows once each, a piece of a chain at a time: what has been summed is told by the chain's mark, not by the clock, so rows that come
// late, corrections and rows shipped from elsewhere need no second look. Knows no report.

import { and, eq, gt, lte, type SQL, sql } from "drizzle-orm";
import type { RollupStep } from "../../ledger/index.ts";
import { listChains, type Mark, matchSummed, readMarks } from "../chain-mark.ts";
import type { Advance, Db, Engine, RollupRow } from "../engine.ts";
import { LEVELS } from "../report/plan.ts";
import { createSums } from "./sum.ts";
import { type QuarterGroup, type QuarterGroups, readGroups } from "../row-read.ts";
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

/** Whether rows are there that are in no sums yet; a look at the ends of chains, and not at rows. */
export function hasUnsummed(engine: Engine): Promise<boolean> {
  return engine.read(async (db) => (await findPiece(engine, db, { limit: 1, after: undefined })) !== null);
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
    const { seq = 0, detailSeq = 0 } = marks.get(chain) ?? {};
    const lacking =
      detailSeq < seq ? await findNext(engine, db, { chain, fromSeq: detailSeq, toSeq: seq, limit }) : null;
    const isDetail = lacking !== null;
    const found = lacking ?? (await findNext(engine, db, { chain, fromSeq: seq, toSeq: null, limit }));
    if (found === null) continue;
    return { chain, isDetail, fromSeq: isDetail ? detailSeq : seq, ...found };
  }
  return null;
}

interface Stretch {
  chain: string;
  /** Exclusive. */
  fromSeq: number;
  /** Inclusive; null: all that there are. */
  toSeq: number | null;
  limit: number;
}

/** How many rows there are of the stretch, up to the limit, and the last of these. */
async function findNext(
  { schema }: Engine,
  db: Db,
  { chain, fromSeq, toSeq, limit }: Stretch,
): Promise<{ count: number; toSeq: number } | null> {
  const { chain: ofChain, seq: place } = schema.ledgerEntries;
  const where = and(eq(ofChain, chain), gt(place, fromSeq), toSeq === null ? undefined : lte(place, toSeq));
  const next = sql`(select ${place} as place from ${schema.ledgerEntries} where ${where} order by ${place} limit ${limit}) as next`;
  const columns = { count: sql`count(*)`.mapWith(Number), toSeq: sql`max(place)`.mapWith(Number) };
  const [found] = await db.select(columns).from(next);
  return found === undefined || found.count === 0 ? null : found;
}

async function sumUp(
  engine: Engine,
  db: Db,
  { chain, isDetail, fromSeq, toSeq }: Pick<Advance, "chain" | "fromSeq" | "isDetail" | "toSeq">,
): Promise<Pick<Advance, "hours" | "pieces" | "rows">> {
  const table = engine.schema.ledgerEntries;
  const where: SQL[] = [eq(table.chain, chain), gt(table.seq, fromSeq), lte(table.seq, toSeq)];
  const { groups, places } = await readGroups(engine, db, { where, isOfChain: true });
  // What lacks something was summed up when there was no other table.
  const sums = createSums(isDetail ? LEVELS : KEPT);
  sums.add(isDetail ? groups.map(keepDetail) : groups);
  const rows = sums.rows();
  if (isDetail) return { rows, hours: [], pieces: [] };
  const pieces = packPieces(groups, places);
  return { rows, hours: toHours(pieces, { chain, toSeq }), pieces };
}

const KEPT = LEVELS.filter((level) => !isHourly(level));

/** What sums of before lack. */
function keepDetail(group: QuarterGroup): QuarterGroup {
  return group.isMove ? group : { ...group, sums: pickSums({ attempts: group.sums.attempts }) };
}

/** What they have. */
function dropDetail(group: QuarterGroup): QuarterGroup[] {
  if (group.isMove) return [];
  return [{ ...group, sums: { ...group.sums, attempts: 0 }, latency: new Map(), ttft: new Map() }];
}

/** Rows that are in the sums, and of each of them what these have so far. */
export async function readSummed(
  place: Pick<Engine, "name" | "schema" | "values">,
  db: Db,
  { marks, within }: { marks: readonly Mark[]; within: readonly SQL[] },
): Promise<QuarterGroups> {
  const read = (...where: SQL[]) => readGroups(place, db, { where: [...where, ...within], isOfChain: false });
  const lacking = marks.filter(({ seq, detailSeq }) => detailSeq < seq);
  const whole = matchSummed(
    place,
    marks.map((mark) => ({ ...mark, seq: Math.min(mark.seq, mark.detailSeq) })),
  );
  const found = await read(whole);
  if (lacking.length === 0) return found;
  const { groups, places } = await read(matchSummed(place, lacking), sql`not (${whole})`);
  return { groups: [...found.groups, ...groups.flatMap(dropDetail)], places: [...found.places, ...places] };
}
