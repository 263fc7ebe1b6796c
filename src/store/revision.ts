// The counter that every write to users, keys and sessions moves: by it, whoever keeps a copy of them finds out what changed. Knows no rules.

import { sql } from "drizzle-orm";
import type { Db, Query } from "./engine.ts";
import type { Schema } from "./schema.ts";

/** Moved by every write; a row carries its value at its last change. */
export const REVISION = "identity_revision";
/** The revision at which a row last vanished for good. */
export const PURGES = "identity_purges";

/** The counter all writers of identity take first, so that they come one after another and revisions show up in order. */
export function createClock({ counters }: Schema) {
  const now = sql<number>`(select ${counters.value} from ${counters} where ${counters.name} = ${REVISION})`;
  return {
    /** The revision of this transaction, once `tick` has run. */
    now,
    tick(db: Db): Query {
      return db
        .insert(counters)
        .values({ name: REVISION, value: 1 })
        .onConflictDoUpdate({ target: counters.name, set: { value: sql`${counters.value} + 1` } });
    },
    markPurge(db: Db): Query {
      return db
        .insert(counters)
        .values({ name: PURGES, value: now })
        .onConflictDoUpdate({ target: counters.name, set: { value: sql`excluded.value` } });
    },
  };
}
