// What of a budget's account each holder was granted and has spent, in a database, whichever engine it is. Knows no budget's words.

import { and, eq, gt, lt, ne, or, type SQL, sql } from "drizzle-orm";
import type { BudgetStore, Claim, Place } from "../ledger/index.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";

type GrantPart =
  "claim" | "claimAlert" | "close" | "listHeldBy" | "listWanted" | "open" | "purge" | "putLine" | "readGrants";

export function createBudgetGrants(engine: Engine): Pick<BudgetStore, GrantPart> {
  const { budgetGrants: grants, budgetAlerts: alerts, budgetRemains: remains } = engine.schema;
  /** In place of what stood there. */
  const putDown = (db: Db, line: ReturnType<typeof newLine>) =>
    db
      .insert(grants)
      .values(line)
      .onConflictDoUpdate({
        target: grants.id,
        set: { granted: line.granted, spent: line.spent, held: 0, wanted: 0, unpriced: line.unpriced },
      })
      .returning({ id: grants.id });

  return {
    async open(place, holder, sums) {
      const lines = sums.filter(({ chain }) => chain !== holder).map((sum) => newLine(place, sum.chain, sum));
      const own = newLine(place, holder, sums.find(({ chain }) => chain === holder) ?? { spent: 0, unpriced: 0 });
      await engine.atomic((db) => ({
        before: [
          ...lock(engine, db, place),
          ...lines.map((line) => db.insert(grants).values(line).onConflictDoNothing()),
        ],
        decisive: putDown(db, own),
      }));
    },
    async putLine(place, sum) {
      const line = newLine(place, sum.chain, sum);
      await engine.atomic((db) => ({
        before: lock(engine, db, place),
        decisive: putDown(db, line),
      }));
    },
    async claim(place, holder, claim) {
      const accountId = place.id;
      const others = sumOthers(grants, accountId, holder);
      const rows = await engine.atomic((db) => ({
        before: lock(engine, db, place),
        decisive: db
          .update(grants)
          .set({
            granted: chooseGrant(place.budget.hardLimit, claim, others.granted),
            spent: claim.spent,
            held: claim.held,
            wanted: claim.wanted,
            refusals: claim.refusals,
            unpriced: claim.unpriced,
          })
          .where(eq(grants.id, nameLine(accountId, holder)))
          .returning({
            granted: grants.granted,
            othersGranted: others.granted,
            othersSpent: others.spent,
            othersHeld: others.held,
          }),
      }));
      const [row] = rows;
      if (row === undefined) return null;
      return {
        granted: row.granted,
        others: {
          granted: row.othersGranted,
          spent: row.othersSpent,
          held: row.othersHeld,
        },
      };
    },
    listWanted: (holder) =>
      engine.read((db) =>
        db
          .select({ accountId: grants.accountId, wanted: grants.wanted })
          .from(grants)
          .where(and(gt(grants.wanted, 0), ne(grants.holder, holder))),
      ),
    readGrants: ({ budget, window }) =>
      engine.read((db) =>
        db
          .select()
          .from(grants)
          .where(and(eq(grants.budgetId, budget.id), eq(grants.windowStart, new Date(window.startMs)))),
      ),
    async listHeldBy(holder) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(grants)
          .where(and(eq(grants.holder, holder), or(gt(grants.granted, grants.spent), gt(grants.held, 0)))),
      );
      return rows.map(({ accountId, budgetId, subject, windowStart }) => {
        return { accountId, budgetId, subject, startMs: windowStart.getTime() };
      });
    },
    async close(accountId, holder, spent) {
      await engine.atomic((db) => ({
        decisive: db
          .update(grants)
          .set({ granted: spent, spent, held: 0, wanted: 0 })
          .where(eq(grants.id, nameLine(accountId, holder)))
          .returning({ id: grants.id }),
      }));
    },
    async claimAlert(place, threshold, at) {
      const rows = await engine.atomic((db) => ({
        decisive: db
          .insert(alerts)
          .values({
            id: `${place.id}/${threshold}`,
            budgetId: place.budget.id,
            windowEnd: toEnd(place),
            toldAt: at,
          })
          .onConflictDoNothing()
          .returning({ id: alerts.id }),
      }));
      return rows.length > 0;
    },
    async purge(before) {
      // Each by itself: one that finds nothing would undo the others.
      for (const table of [alerts, remains, grants])
        await engine.atomic((db) => ({
          decisive: db.delete(table).where(lt(table.windowEnd, before)).returning({ id: table.id }),
        }));
    },
  };
}

/** Who asks for the same account comes one after another. On SQLite all writers do. */
function lock(engine: Engine, db: Db, place: Place): Query[] {
  if (engine.name === "sqlite") return [];
  return [db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${place.id}, 0))`)];
}

/**
 * `free` is what the limit leaves beside the others' grants and our own use. Nothing of it, and there is nothing to be had; else what is
 * needed, even beyond it, or what of it can be used at once, or our part of it: whichever is most. What the holder keeps, it keeps.
 */
function chooseGrant(
  limit: number | null,
  { spent, held, keep, need, demand, parts }: Claim,
  others: SQL<number>,
): SQL {
  const used = big(spent + held);
  const most = (left: SQL, right: SQL): SQL => sql`case when ${left} > ${right} then ${left} else ${right} end`;
  if (limit === null || (need === 0 && parts === 0)) return most(big(keep), used);
  const free = sql`(${big(limit)} - ${others} - ${used})`;
  const part = parts === 0 ? big(0) : sql`${free} / ${big(parts)}`;
  const usable = sql`(case when ${big(demand)} < ${free} then ${big(demand)} else ${free} end)`;
  const more = sql`(case when ${free} <= 0 then ${big(0)} else ${most(sql`(${most(big(need), part)})`, usable)} end)`;
  return most(big(keep), sql`(${used} + ${more})`);
}

/** No sum of these is beyond all numbers. */
const MOST = Number.MAX_SAFE_INTEGER;

/** A parameter whose type no engine has to guess. */
function big(value: number): SQL {
  return sql`cast(${value} as bigint)`;
}

function sumOthers(grants: Schema["budgetGrants"], accountId: string, holder: string) {
  // PostgreSQL answers sums as text. What somebody damaged counts as nothing: summed up, it would be beyond all numbers, and nobody could claim anything.
  const exact = (column: string): SQL =>
    sql.raw(`(case when other.${column} between -${MOST} and ${MOST} then other.${column} else 0 end)`);
  const sum = (each: SQL): SQL<number> =>
    sql<number>`(select cast(coalesce(sum(${each}), 0) as bigint) from ${grants} as other
      where other.account_id = ${accountId} and other.holder <> ${holder})`.mapWith(Number);
  const [granted, spent, held] = [exact("granted"), exact("spent"), exact("held")];
  // Nobody was granted less than he uses: what says so was damaged, and would be the others' to spend.
  const least = sql`case when ${granted} > ${spent} + ${held} then ${granted} else ${spent} + ${held} end`;
  return { granted: sum(least), spent: sum(spent), held: sum(held) };
}

function newLine(place: Place, holder: string, { spent, unpriced }: { spent: number; unpriced: number }) {
  const accountId = place.id;
  return {
    id: nameLine(accountId, holder),
    accountId,
    budgetId: place.budget.id,
    subject: place.subject,
    windowStart: new Date(place.window.startMs),
    windowEnd: toEnd(place),
    holder,
    granted: spent,
    spent,
    held: 0,
    wanted: 0,
    refusals: 0,
    unpriced,
  };
}

function nameLine(accountId: string, holder: string): string {
  return `${accountId}/${holder}`;
}

function toEnd({ window }: Place): Date | null {
  return Number.isFinite(window.endMs) ? new Date(window.endMs) : null;
}
