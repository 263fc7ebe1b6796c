// Settings that are changed while the gateway runs, in a database, whichever engine it is. Knows no setting.

import { and, eq, sql } from "drizzle-orm";
import { type Origin, byProgram } from "../lib/change.ts";
import { cleanJson } from "../lib/text.ts";
import type { Note } from "./change.ts";
import type { Db, Engine, Query } from "./engine.ts";

export interface SettingRow {
  /** From 1; grows with each change. */
  version: number;
  /** As a file would say them, by key. */
  fields: Readonly<Record<string, string>>;
  updatedAt: Date;
}

export interface SettingStore {
  /** One, or none where nothing was ever set. */
  list(): Promise<SettingRow[]>;
  /** All of them anew. `expected`: the version that is to be changed, 0 for none. Null where there is another one. */
  put(
    fields: SettingRow["fields"],
    change: { expected: number; at: Date; by?: Origin | undefined },
  ): Promise<SettingRow | null>;
  /** Grows with each change; cheap enough to ask every second. */
  revision(): Promise<number>;
}

/** Moved by every change. */
const REVISION = "setting_revision";
const NAME = "runtime";

export function createSettingStore(engine: Engine): SettingStore {
  const { runtimeSettings: table, counters } = engine.schema;
  const tick = (db: Db): Query =>
    db
      .insert(counters)
      .values({ name: REVISION, value: 1 })
      .onConflictDoUpdate({ target: counters.name, set: { value: sql`${counters.value} + 1` } });
  return {
    list: () => engine.read((db) => db.select().from(table)),
    async put(fields, { expected, at, by }) {
      const row = { name: NAME, version: 1, fields: cleanJson(fields), createdAt: at, updatedAt: at };
      const change = { fields: row.fields, updatedAt: at, version: sql`${table.version} + 1` };
      const rows = await engine.atomic((db) => {
        const isIt = and(eq(table.name, NAME), eq(table.version, expected));
        const note = noteOf(by, db.select().from(table));
        const decisive =
          expected === 0
            ? db.insert(table).values(row).onConflictDoNothing().returning()
            : db.update(table).set(change).where(isIt).returning();
        return { before: [tick(db)], decisive, note };
      });
      return rows[0] ?? null;
    },
    revision: async () => (await engine.readCounters()).get(REVISION) ?? 0,
  };
}

function noteOf(by: Origin | undefined, was: Query<SettingRow[]>): Note<SettingRow> {
  return {
    by: by ?? byProgram("gateway"),
    was,
    tell: (rows, [before]) =>
      rows.map(({ fields }) => ({
        action: "settings.update",
        subjectKind: "settings",
        subjectId: null,
        before: { values: (before as SettingRow | undefined)?.fields ?? {} },
        after: { values: fields },
      })),
  };
}
