// Sets right what somebody damaged of how far chains are summed up: with each step it is noted a second time, beside the sheets. Knows no sum.

import { and, eq, sql } from "drizzle-orm";
import { IS_ODD, listEnds, readMarks, SUMS_LOCK } from "../chain-mark.ts";
import type { Db, Engine, Query } from "../engine.ts";

/** Where chains are to stand. */
export type Aims = ReadonlyMap<string, number>;

/** Of chains whose marks are odd: where they stood at the last step, as far as that was noted. */
export async function findNoted(engine: Engine, db: Db): Promise<Aims> {
  const odd = (await readMarks(engine, db)).filter(({ isOdd }) => isOdd);
  if (odd.length === 0) return new Map();
  const text = (await engine.sheets.marks(db)) ?? "";
  const lines = text.slice(text.indexOf(" ") + 1).split("\n");
  const noted = new Map<string, number>();
  for (const { groups } of lines.map((line) => NOTED.exec(line)).filter((found) => found !== null))
    noted.set(groups?.["chain"] ?? "", Number(groups?.["seq"]));
  const ends = await findEnds(engine, db);
  return new Map(
    odd.flatMap(({ chain }) => {
      const seq = noted.get(chain);
      // Somebody may have damaged both, and beyond the chain's end it would be odd again.
      return seq === undefined || seq > (ends.get(chain) ?? 0) ? [] : [[chain, seq] as const];
    }),
  );
}

/** By the rows of chains; of those whose rows are gone, by the chains' own word. */
async function findEnds(engine: Engine, db: Db): Promise<Map<string, number>> {
  const { chain, seq } = engine.schema.ledgerChains;
  const told = await db.select({ chain, last: seq }).from(engine.schema.ledgerChains);
  return new Map([...told, ...(await listEnds(engine, db))].map((end) => [end.chain, end.last]));
}

/** A chain, its mark, and how far sums of before have what later ones have. */
const NOTED = /^(?<chain>.+) (?<seq>\d{1,15}) \d{1,15}$/u;

/** Those marks that are odd still; answers whose. */
export async function putMarks(engine: Engine, aims: Aims): Promise<string[]> {
  const { ledgerMarks: marks } = engine.schema;
  const put: string[] = [];
  for (const [chain, seq] of aims) {
    const rows = await engine.atomic((db) => ({
      before: lockSums(engine, db),
      decisive: db
        .update(marks)
        .set({ seq, detailSeq: seq, untimedSeq: seq })
        .where(and(eq(marks.chain, chain), IS_ODD))
        .returning({ chain: marks.chain }),
    }));
    put.push(...rows.map((row) => row.chain));
  }
  return put;
}

/** Whoever sums up comes before or afterwards. On SQLite all writers do. */
export function lockSums({ name }: Pick<Engine, "name">, db: Db): Query[] {
  return name === "sqlite" ? [] : [db.execute(sql`select pg_advisory_xact_lock(${sql.raw(String(SUMS_LOCK))})`)];
}
