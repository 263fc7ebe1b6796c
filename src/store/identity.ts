// Users, keys and sessions in a database, whichever engine it is, and what changed of them. Knows no rules of who may do what; those are in identity/.

import { gt, isNull } from "drizzle-orm";
import type { IdentityStore, KnownUser } from "../identity/store.ts";
import { readKeys, readUsers } from "./crowd.ts";
import type { ChangeAction } from "../lib/change.ts";
import type { Engine } from "./engine.ts";
import { listGone, listIds } from "./gone.ts";
import { createKeyStore, readKeyChanges } from "./key.ts";
import { createOutsideStore } from "./outside.ts";
import { PURGES, REVISION } from "./revision.ts";
import { createSessionStore, toSession } from "./session.ts";
import { wasEnded } from "./standing.ts";
import { createUserStore } from "./user.ts";

export function createIdentityStore(engine: Engine): IdentityStore {
  return {
    ...createUserStore(engine),
    ...createKeyStore(engine),
    ...createSessionStore(engine),
    ...createOutsideStore(engine),
    listGone: (named) => listGone(engine, named),
    listIds: () => listIds(engine),
    changes: (revision) => readChanges(engine, revision),
    wasRemoved: (kind, id, userId) => wasEnded(engine, { actions: ENDS[kind], id, actorId: userId }),
  };
}

const ENDS = {
  identity: ["identity.disconnect", "identity.purge"],
  key: ["key.purge"],
  session: ["auth.sign_out", "session.end"],
  user: ["user.purge"],
} as const satisfies Record<string, readonly ChangeAction[]>;

/** Counters are read first: a row that changes in between then comes again at the next call instead of never. */
async function readChanges(engine: Engine, since: number | null): ReturnType<IdentityStore["changes"]> {
  const { sessions } = engine.schema;
  const counters = await engine.readCounters();
  const revision = counters.get(REVISION) ?? 0;
  if (revision === since) return { revision, complete: false, users: [], keys: [], sessions: [] };
  // A revision that went back means that a backup was restored under us.
  const complete = since === null || revision < since || (counters.get(PURGES) ?? 0) > since;
  const [users, keys, sessionRows] = await Promise.all([
    complete ? readUsers(engine) : readUserChanges(engine, since),
    complete ? readKeys(engine) : readKeyChanges(engine, since),
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
    users,
    keys,
    sessions: sessionRows.map((row) => ({ session: toSession(row), hash: row.hash, ended: row.endedAt !== null })),
  };
}

async function readUserChanges(engine: Engine, since: number): Promise<KnownUser[]> {
  const { users } = engine.schema;
  const { id, email, displayName, role, status, deletedAt } = users;
  const columns = { id, email, displayName, role, status, deletedAt };
  const rows = await engine.read((db) => db.select(columns).from(users).where(gt(users.revision, since)));
  return rows.map(({ deletedAt: deleted, ...row }) => ({ ...row, deleted: deleted !== null }));
}
