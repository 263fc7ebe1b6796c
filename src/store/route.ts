// Routes that are declared while the gateway runs, in a database, whichever engine it is. Knows no rule of what a route may say.

import { and, asc, desc, eq, sql } from "drizzle-orm";
import type { RouteStore, RouteVersion } from "../gateway/way/book.ts";
import { cleanJson, cleanText } from "../lib/text.ts";
import type { Change } from "../lib/change.ts";
import { noteAll } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";

/** Moved by every change. */
const REVISION = "route_revision";

export function createRouteStore(engine: Engine): RouteStore {
  const { routeVersions: table, counters } = engine.schema;
  const selectVersion = (db: Db, name: string, version: number): Query<RouteVersion[]> =>
    db
      .select()
      .from(table)
      .where(and(eq(table.name, name), eq(table.version, version)));

  return {
    async add(version, by) {
      const comment = version.comment === null ? null : cleanText(version.comment);
      const rows = await engine.atomic((db) => ({
        before: [
          db
            .insert(counters)
            .values({ name: REVISION, value: 1 })
            .onConflictDoUpdate({ target: counters.name, set: { value: sql`${counters.value} + 1` } }),
        ],
        decisive: db
          .insert(table)
          .values({ ...version, fields: cleanJson(version.fields), comment })
          .onConflictDoNothing()
          .returning(),
        note: {
          ...noteAll(by, []),
          was: selectVersion(db, version.name, version.version - 1),
          tell: ([added]: readonly RouteVersion[], [last]) => (added === undefined ? [] : [tellVersion(added, last)]),
        },
      }));
      return rows.length > 0;
    },
    async list() {
      const rows: RouteVersion[] = await engine.read((db) =>
        db
          .select()
          .from(table)
          .where(
            eq(table.version, sql`(select max(newer.version) from ${table} as newer where newer.name = ${table.name})`),
          )
          .orderBy(asc(table.name)),
      );
      return rows;
    },
    async history(name) {
      const rows: RouteVersion[] = await engine.read((db) =>
        db
          .select()
          .from(table)
          .where(eq(table.name, cleanText(name)))
          .orderBy(desc(table.version)),
      );
      return rows;
    },
    revision: async () => (await engine.readCounters()).get(REVISION) ?? 0,
  };
}

function tellVersion(added: RouteVersion, last: object | undefined): Change {
  const before = last !== undefined && "fields" in last && last.fields !== null ? last : null;
  const after = added.fields === null ? null : added;
  const verb = after === null ? "delete" : before === null ? "create" : "update";
  return { action: `route.${verb}`, subjectKind: "route", subjectId: added.name, before, after };
}
