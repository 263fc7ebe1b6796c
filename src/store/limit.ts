// Rate limits that are set while the gateway runs, in a database, whichever engine it is. Knows no rule of what a limit may say.

import { type SQL, and, asc, eq, sql } from "drizzle-orm";
import type { LimitRow, LimitStore } from "../gateway/limit/model.ts";
import { type Change, type ChangeAction, type Origin, byProgram } from "../lib/change.ts";
import { cleanJson, cleanText } from "../lib/text.ts";
import type { Note } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";
import { wasEnded } from "./standing.ts";

/** Moved by every change. */
const REVISION = "limit_revision";

export function createLimitStore(engine: Engine): LimitStore {
  const { rateLimits: table, counters } = engine.schema;
  const tick = (db: Db): Query =>
    db
      .insert(counters)
      .values({ name: REVISION, value: 1 })
      .onConflictDoUpdate({ target: counters.name, set: { value: sql`${counters.value} + 1` } });
  return {
    async list() {
      const rows: LimitRow[] = await engine.read((db) => db.select().from(table).orderBy(asc(table.name)));
      return rows;
    },
    async put({ name, fields }, { expected, at, by }) {
      const row = { name: cleanText(name), fields: cleanJson(fields), createdAt: at, updatedAt: at };
      const change = { fields: row.fields, updatedAt: at, version: sql`${table.version} + 1` };
      const rows = await engine.atomic((db) => {
        const note = noteOf(by, db.select().from(table).where(eq(table.name, row.name)));
        if (expected !== undefined && expected > 0) {
          const isIt = and(eq(table.name, row.name), eq(table.version, expected));
          return { before: [tick(db)], decisive: db.update(table).set(change).where(isIt).returning(), note };
        }
        const insert = db.insert(table).values({ ...row, version: firstVersion(engine.schema, row.name) });
        const put =
          expected === 0
            ? insert.onConflictDoNothing()
            : insert.onConflictDoUpdate({ target: table.name, set: change });
        return { before: [tick(db)], decisive: put.returning(), note };
      });
      return rows[0] ?? null;
    },
    async delete(name, expected, by) {
      const isIt = and(
        eq(table.name, cleanText(name)),
        expected === undefined ? undefined : eq(table.version, expected),
      );
      const rows = await engine.atomic((db) => ({
        before: [tick(db)],
        decisive: db.delete(table).where(isIt).returning(),
        note: {
          by: by ?? byProgram("gateway"),
          was: null,
          tell: (gone: readonly LimitRow[]) =>
            gone.map((row) => tell("limit.delete", row.name, { was: row, now: null })),
        },
      }));
      return rows.length > 0;
    },
    wasDeleted: (name) => wasEnded(engine, { actions: ["limit.delete"], id: name }),
    revision: async () => (await engine.readCounters()).get(REVISION) ?? 0,
  };
}

/**
 * No version is had twice under one name: whoever saw a limit that was deleted since must not change another in its place. Every version moves the
 * counter, so that it is beyond all that there were.
 */
function firstVersion({ auditChanges, counters }: Schema, name: string): SQL<number> {
  const gone = sql`select 1 from ${auditChanges} where ${auditChanges.subjectId} = ${name} and ${auditChanges.action} = 'limit.delete'`;
  const latest = sql`select ${counters.value} from ${counters} where ${counters.name} = ${REVISION}`;
  return sql<number>`case when exists (${gone}) then (${latest}) else 1 end`;
}

function noteOf(by: Origin | undefined, was: Query<LimitRow[]>): Note<LimitRow> {
  return {
    by: by ?? byProgram("gateway"),
    was,
    tell: (rows, [before = null]) =>
      rows.map((now) => tell(before === null ? "limit.create" : "limit.update", now.name, { was: before, now })),
  };
}

function tell(action: ChangeAction, name: string, { was, now }: { was: object | null; now: object | null }): Change {
  return { action, subjectKind: "limit", subjectId: name, before: was && show(was), after: now && show(now) };
}

/** A key's id is no secret, as its field's name would have it. */
function show(row: Partial<LimitRow>): object {
  const { key, ...fields } = row.fields ?? {};
  return { ...row, fields: key === undefined ? fields : { ...fields, api_key_id: key } };
}
