// Users, keys and sessions in a database, whichever engine it is, and what changed of them. Knows no rules of who may do what; those are in identity/.

import { gt, isNull } from "drizzle-orm";
import type { IdentityStore } from "../identity/store.ts";
import type { Engine } from "./engine.ts";
import { createKeyStore, readKeyChanges } from "./key.ts";
import { createOutsideStore } from "./outside.ts";
import { PURGES, REVISION } from "./revision.ts";
import { createSessionStore, toSession } from "./session.ts";
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
  const { id, email, displayName, role, status } = users;
  // Each column costs, a hundred thousand times: of the whole nobody is deleted, and nothing is read of it.
  const columns = { id, email, displayName, role, status };
  const counters = await engine.readCounters();
  const revision = counters.get(REVISION) ?? 0;
  if (revision === since) return { revision, complete: false, users: [], keys: [], sessions: [] };
  // A revision that went back means that a backup was restored under us.
  const complete = since === null || revision < since || (counters.get(PURGES) ?? 0) > since;
  const [userRows, keys, sessionRows] = await Promise.all([
    complete
      ? engine.read((db) => db.select(columns).from(users).where(isNull(users.deletedAt)))
      : engine.read((db) =>
          db
            .select({ ...columns, deletedAt: users.deletedAt })
            .from(users)
            .where(gt(users.revision, since)),
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
    users: userRows.map((row) => ({
      id: row.id,
      email: row.email,
      displayName: row.displayName,
      role: row.role,
      status: row.status,
      deleted: "deletedAt" in row && row.deletedAt !== null,
    })),
    keys,
    sessions: sessionRows.map((row) => ({ session: toSession(row), hash: row.hash, ended: row.endedAt !== null })),
  };
}
