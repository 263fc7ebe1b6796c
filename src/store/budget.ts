// Budgets in a database, whichever engine it is: their rows and what holders were granted. Knows no rule of who may spend what; that is ledger's.

import { and, asc, desc, eq, gt, isNotNull, isNull, lt, ne, or, type SQL, sql } from "drizzle-orm";
import type { Budget, BudgetStore, Claim, Place } from "../ledger/index.ts";
import { GatewayError } from "../ir/index.ts";
import { cleanText } from "../lib/text.ts";
import { lockRemains } from "./budget-remains.ts";
import { type BudgetRow, REVISION, toBudget } from "./budget-row.ts";
import { findRows, readSums } from "./budget-sum.ts";
import { noteRows } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";
import { writeWhere } from "./standing.ts";

/** Moved by a holder that cannot go on. */
const CRY = "budget_cry";
const BEAT = "budget_beat/";
/** Moved by a command that wrote rows to a chain of its own. */
const ROWS = "budget_rows/";

export function createBudgetStore(engine: Engine): BudgetStore {
  return {
    ...createRowStore(engine),
    ...createGrantStore(engine),
    ...createSignals(engine),
    readSums: (query, since) => readSums(engine, query, since),
    findRows: (ids, upTo) => findRows(engine, ids, upTo),
  };
}

type RowPart = "changes" | "create" | "delete" | "find" | "findGone" | "list" | "update";

function createRowStore(engine: Engine): Pick<BudgetStore, RowPart> {
  const { budgets, counters, ledgerMarks: marks } = engine.schema;
  const removedBefore = sql`(select max(${marks.removedBefore}) from ${marks})`;
  const now = sql<number>`(select ${counters.value} from ${counters} where ${counters.name} = ${REVISION})`;
  const tick = (db: Db): Query => bump(db, engine.schema, REVISION);
  const isLive = (id: string) => and(eq(budgets.id, cleanText(id)), isNull(budgets.deletedAt));
  const selectLive = (db: Db, id: string): Query<object[]> => db.select().from(budgets).where(isLive(id));
  const meant = (isIt: SQL | undefined, look: ((standing: Budget) => void) | undefined) => ({
    isIt,
    read: (where: SQL | undefined) => engine.read((db) => db.select().from(budgets).where(where)),
    revision: budgets.revision,
    look: look && ((row: BudgetRow) => look(toBudget(row))),
  });

  return {
    async create(budget, by) {
      const rows = await engine.atomic((db) => ({
        before: [...lockRemains(engine, db), tick(db)],
        decisive: db
          .insert(budgets)
          .values({ ...budget, removedBefore, deletedAt: null, revision: now })
          .onConflictDoNothing()
          .returning(),
        note: noteRows({ by, action: "budget.create", kind: "budget" }),
      }));
      if (rows[0] === undefined) throw nameTaken(budget.name);
      return toBudget(rows[0]);
    },
    async list() {
      const rows = await engine.read((db) =>
        db.select().from(budgets).where(isNull(budgets.deletedAt)).orderBy(asc(budgets.createdAt), asc(budgets.id)),
      );
      return rows.map(toBudget);
    },
    async find(idOrName) {
      const text = cleanText(idOrName);
      const rows = await engine.read((db) =>
        db
          .select()
          .from(budgets)
          .where(and(or(eq(budgets.id, text), eq(budgets.name, text)), isNull(budgets.deletedAt))),
      );
      const found = rows.find((row) => row.id === text) ?? rows[0];
      return found === undefined ? null : toBudget(found);
    },
    async findGone(idOrName) {
      const text = cleanText(idOrName);
      const rows = await engine.read((db) =>
        db
          .select()
          .from(budgets)
          .where(and(or(eq(budgets.id, text), eq(budgets.name, text)), isNotNull(budgets.deletedAt)))
          .orderBy(desc(budgets.deletedAt), desc(budgets.id)),
      );
      const found = rows.find((row) => row.id === text) ?? rows[0];
      return found === undefined ? null : toBudget(found);
    },
    async update(id, change, at, by, look) {
      const clash = (error: unknown): never => {
        const isClash = change.name !== undefined && error instanceof GatewayError && error.kind === "conflict";
        throw isClash ? nameTaken(change.name ?? "") : error;
      };
      const rows = await writeWhere(meant(isLive(id), look), (isIt) =>
        engine
          .atomic((db) => ({
            before: [tick(db)],
            decisive: db
              .update(budgets)
              .set({ ...change, updatedAt: at, revision: now })
              .where(isIt)
              .returning(),
            note: noteRows({ by, action: "budget.update", kind: "budget", was: selectLive(db, id) }),
          }))
          .catch(clash),
      );
      return rows[0] === undefined ? null : toBudget(rows[0]);
    },
    async delete(id, at, by, look) {
      const rows = await writeWhere(meant(isLive(id), look), (isIt) =>
        engine.atomic((db) => ({
          before: [tick(db)],
          decisive: db
            .update(budgets)
            .set({ deletedAt: at, updatedAt: at, revision: now })
            .where(isIt)
            .returning({ id: budgets.id }),
          note: noteRows({ by, action: "budget.delete", kind: "budget", was: selectLive(db, id), isGone: true }),
        })),
      );
      return rows.length > 0;
    },
    async changes(since) {
      // Read first: a row that changes in between then comes again at the next call instead of never.
      const revision = (await engine.readCounters()).get(REVISION) ?? 0;
      if (revision === since) return { revision, complete: false, budgets: [] };
      // A revision that went back means that a backup was restored under us.
      const complete = since === null || revision < since;
      const rows = await engine.read((db) =>
        db
          .select()
          .from(budgets)
          .where(complete ? isNull(budgets.deletedAt) : gt(budgets.revision, since)),
      );
      const changed = rows.map((row) => ({ ...toBudget(row), deleted: row.deletedAt !== null }));
      return { revision, complete, budgets: changed };
    },
  };
}

function nameTaken(name: string): GatewayError {
  const message = `There is a budget named "${name}" already; choose another name, or change that one.`;
  return new GatewayError({ kind: "conflict", message, param: "name" });
}

type GrantPart =
  "claim" | "claimAlert" | "close" | "listHeldBy" | "listWanted" | "open" | "purge" | "putLine" | "readGrants";

function createGrantStore(engine: Engine): Pick<BudgetStore, GrantPart> {
  const { budgetGrants: grants, budgetAlerts: alerts, budgetRemains: remains } = engine.schema;

  return {
    async open(place, holder, sums) {
      const lines = sums.filter(({ chain }) => chain !== holder).map((sum) => newLine(place, sum.chain, sum));
      const own = newLine(place, holder, sums.find(({ chain }) => chain === holder) ?? { spent: 0, unpriced: 0 });
      await engine.atomic((db) => ({
        before: [
          ...lock(engine, db, place),
          ...lines.map((line) => db.insert(grants).values(line).onConflictDoNothing()),
        ],
        decisive: db
          .insert(grants)
          .values(own)
          .onConflictDoUpdate({
            target: grants.id,
            set: { granted: own.granted, spent: own.spent, held: 0, wanted: 0, unpriced: own.unpriced },
          })
          .returning({ id: grants.id }),
      }));
    },
    async putLine(place, sum) {
      const line = newLine(place, sum.chain, sum);
      await engine.atomic((db) => ({
        before: lock(engine, db, place),
        decisive: db
          .insert(grants)
          .values(line)
          .onConflictDoUpdate({
            target: grants.id,
            set: { granted: line.granted, spent: line.spent, held: 0, wanted: 0, unpriced: line.unpriced },
          })
          .returning({ id: grants.id }),
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

type SignalPart = "beat" | "cry" | "forget" | "noteRows" | "readCounters";

function createSignals(engine: Engine): Pick<BudgetStore, SignalPart> {
  const { counters } = engine.schema;
  const move = async (name: string): Promise<void> => {
    await engine.atomic((db) => ({
      before: [bump(db, engine.schema, name)],
      decisive: db.select().from(counters).where(eq(counters.name, name)),
    }));
  };
  return {
    readCounters: () => engine.readCounters(),
    cry: () => move(CRY),
    beat: (holder) => move(BEAT + holder),
    noteRows: (chain) => move(ROWS + cleanText(chain)),
    async forget(holder) {
      await engine.atomic((db) => ({
        decisive: db
          .delete(counters)
          .where(eq(counters.name, BEAT + holder))
          .returning({ name: counters.name }),
      }));
    },
  };
}

function bump(db: Db, { counters }: Schema, name: string): Query {
  return db
    .insert(counters)
    .values({ name, value: 1 })
    .onConflictDoUpdate({ target: counters.name, set: { value: sql`${counters.value} + 1` } });
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

/** A parameter whose type no engine has to guess. */
function big(value: number): SQL {
  return sql`cast(${value} as bigint)`;
}

function sumOthers(grants: Schema["budgetGrants"], accountId: string, holder: string) {
  // PostgreSQL answers sums as text.
  const sum = (column: "granted" | "held" | "spent"): SQL<number> =>
    sql<number>`(select cast(coalesce(sum(other.${sql.raw(column)}), 0) as bigint) from ${grants} as other
      where other.account_id = ${accountId} and other.holder <> ${holder})`.mapWith(Number);
  return { granted: sum("granted"), spent: sum("spent"), held: sum("held") };
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
