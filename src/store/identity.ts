// Users, keys and sessions in a database, whichever engine it is, and what changed of them. Knows no rules of who may do what; those are in identity/.

import { gt, isNull } from "drizzle-orm";
import type { IdentityStore } from "../identity/store.ts";
import type { Engine } from "./engine.ts";
import { createKeyStore, readKeyChanges } from "./key.ts";
import { createOutsideStore } from "./outside.ts";
import { PURGES, REVISION } from "./revision.ts";
import { createSessionStore, toSession, toUser } from "./session.ts";
import { createUserStore } from "./user.ts";

export function createIdentityStore(engine: Engine): IdentityStore {
  return {
    ...createUserStore(engine),
    ...createKeyStore(engine),
    ...createSessionStore(engine),
    ...createOutsideStore(engine),
    changes: (revision) => readChanges(engine, revision),
  };
}

/** Counters are read first: a row that changes in between then comes again at the next call instead of never. */
async function readChanges(engine: Engine, since: number | null): ReturnType<IdentityStore["changes"]> {
  const { users, sessions } = engine.schema;
  const counters = await engine.readCounters();
  const revision = counters.get(REVISION) ?? 0;
  if (revision === since) return { revision, complete: false, users: [], keys: [], sessions: [] };
  // A revision that went back means that a backup was restored under us.
  const complete = since === null || revision < since || (counters.get(PURGES) ?? 0) > since;
  const [userRows, keys, sessionRows] = await Promise.all([
    engine.read((db) =>
      db
        .select()
        .from(users)
        .where(complete ? isNull(users.deletedAt) : gt(users.revision, since)),
    ),
    readKeyChanges(engine, complete ? null : since),
    engine.read((db) =>
      db
        .select()
        .from(sessions)
        .where(complete ? isNull(sessions.endedAt) : gt(sessions.revision, since)),
    ),
  ]);
  return {
    revision,
    complete,
    users: userRows.map((row) => ({ ...toUser(row), deleted: row.deletedAt !== null })),
    keys,
    sessions: sessionRows.map((row) => ({ session: toSession(row), hash: row.hash, ended: row.endedAt !== null })),
  };
}
