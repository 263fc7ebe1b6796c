// The budgets themselves in a database, whichever engine it is: made, changed, taken away, and what changed of them. Knows no grant.

import { and, asc, desc, eq, gt, isNotNull, isNull, or, type SQL, sql } from "drizzle-orm";
import { GatewayError } from "../ir/index.ts";
import type { Budget, BudgetStore } from "../ledger/index.ts";
import { cleanText } from "../lib/text.ts";
import { lockRemains } from "./budget-remains.ts";
import { type BudgetRow, REVISION, toBudget } from "./budget-row.ts";
import { bump } from "./budget-signal.ts";
import { noteRows } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";
import { writeWhere } from "./standing.ts";

type ListPart = "changes" | "create" | "delete" | "find" | "findGone" | "list" | "update";

export function createBudgetList(engine: Engine): Pick<BudgetStore, ListPart> {
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
