// Users in a database, whichever engine it is. Knows no rules of who may do what; those are in identity/.

import { and, asc, desc, eq, exists, gt, inArray, isNotNull, isNull, ne, type SQL, sql } from "drizzle-orm";
import type { Role, Scope, User } from "../identity/model.ts";
import type { Look, UserChange, UserFilter, UserStore } from "../identity/store.ts";
import { GatewayError } from "../ir/index.ts";
import { type Change, type Origin, byProgram } from "../lib/change.ts";
import { cleanText } from "../lib/text.ts";
import { selectRows } from "./bulk.ts";
import { type Note, noteNew, noteRows } from "./change.ts";
import { chunk } from "./chunk.ts";
import type { Db, Engine, Query } from "./engine.ts";
import { createClock } from "./revision.ts";
import type { Schema } from "./schema.ts";
import { toUser } from "./session.ts";
import { writeWhere } from "./standing.ts";

export function createUserStore(engine: Engine): UserStore {
  return { ...createReading(engine), ...createWriting(engine) };
}

type ReadPart = "findGoneUser" | "findRoot" | "findTaken" | "findUser" | "findUserByEmail" | "listUsers" | "pageUsers";

function createReading(engine: Engine): Pick<UserStore, ReadPart> {
  const { users } = engine.schema;
  const isThere = isNull(users.deletedAt);
  return {
    findUser: (id) => findUserWhere(engine, eq(users.id, cleanText(id))),
    findUserByEmail: (email) => findUserWhere(engine, eq(users.email, cleanText(email))),
    async findGoneUser(idOrEmail) {
      const text = cleanText(idOrEmail);
      const rows = await engine.read((db) =>
        db
          .select()
          .from(users)
          .where(and(text.includes("@") ? eq(users.email, text) : eq(users.id, text), isNotNull(users.deletedAt)))
          .orderBy(desc(users.deletedAt), desc(users.id))
          .limit(1),
      );
      return rows[0] === undefined ? null : toUser(rows[0]);
    },
    async findRoot() {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(users)
          .where(and(eq(users.role, "root_admin"), eq(users.status, "active"), isThere))
          .orderBy(asc(users.id))
          .limit(1),
      );
      return rows[0] === undefined ? null : toUser(rows[0]);
    },
    async findTaken(emails) {
      const taken = new Set<string>();
      for (const part of chunk(emails)) {
        const rows = await engine.read((db) =>
          db
            .select({ email: users.email })
            .from(users)
            .where(and(inArray(users.email, part.map(cleanText)), isThere)),
        );
        for (const { email } of rows) taken.add(email);
      }
      return taken;
    },
    async listUsers() {
      const rows = await engine.read((db) =>
        db.select().from(users).where(isThere).orderBy(asc(users.createdAt), asc(users.id)),
      );
      return rows.map(toUser);
    },
    async pageUsers(filter, { after, limit }) {
      const isSearch = filter.emailPrefix !== undefined;
      const order = isSearch ? users.email : users.id;
      const meant = and(isThere, match(engine, filter), after === null ? undefined : gt(order, cleanText(after)));
      // Of two that are sorted by address, SQLite takes the index without role and status in it, and reads every row.
      const found =
        isSearch && engine.name === "sqlite"
          ? sql`${users.id} in (select ${users.id} from ${users} indexed by users_search where ${meant} order by ${order} limit ${limit})`
          : meant;
      const rows = await engine.read((db) => db.select().from(users).where(found).orderBy(asc(order)).limit(limit));
      return rows.map(toUser);
    },
  };
}

/** With a prefix it is the index of addresses that is to be read: the others are hidden from whoever chooses one. */
function match({ name, schema: { users } }: Engine, { role, status, emailPrefix }: UserFilter): SQL | undefined {
  if (emailPrefix === undefined) {
    return and(
      role === undefined ? undefined : eq(users.role, role),
      status === undefined ? undefined : eq(users.status, status),
    );
  }
  const [from, to] = [cleanText(emailPrefix), `${cleanText(emailPrefix)}\u{10FFFF}`];
  return and(
    // By bytes on either engine: what else an index of PostgreSQL is sorted by depends on where it was made.
    name === "sqlite"
      ? sql`${users.email} >= ${from} and ${users.email} < ${to}`
      : sql`${users.email} ~>=~ ${from} and ${users.email} ~<~ ${to}`,
    role === undefined ? undefined : sql`(${users.role} || '') = ${role}`,
    status === undefined ? undefined : sql`(${users.status} || '') = ${status}`,
  );
}

async function findUserWhere(engine: Engine, condition: SQL): Promise<User | null> {
  const { users } = engine.schema;
  const rows = await engine.read((db) =>
    db
      .select()
      .from(users)
      .where(and(condition, isNull(users.deletedAt))),
  );
  return rows[0] === undefined ? null : toUser(rows[0]);
}

function createWriting(engine: Engine): Omit<UserStore, ReadPart> {
  const { users, apiKeys, sessions, loginLinks, outsideIdentities, storedResponses } = engine.schema;
  const clock = createClock(engine.schema);

  /** Tells "not there" from "there, but the last of its kind", where `keepOneRoot` let nothing through. */
  async function refuseLastRoot(id: string): Promise<void> {
    if ((await findUserWhere(engine, eq(users.id, cleanText(id)))) !== null) throw lastRoot();
  }

  const endSessionsOf = (db: Db, id: string, at: Date, kept: string | null = null): Query =>
    db
      .update(sessions)
      .set({ endedAt: at, revision: clock.now })
      .where(
        and(
          eq(sessions.userId, cleanText(id)),
          isNull(sessions.endedAt),
          kept === null ? undefined : ne(sessions.id, kept),
        ),
      );

  const selectUser = (db: Db, id: string): Query<object[]> =>
    db
      .select()
      .from(users)
      .where(eq(users.id, cleanText(id)));

  const selectAccounts = (db: Db, id: string): Query<{ id: string }[]> =>
    db
      .select()
      .from(outsideIdentities)
      .where(eq(outsideIdentities.userId, cleanText(id)));

  const useUpLinks = (db: Db, id: string, at: Date): Query =>
    db
      .update(loginLinks)
      .set({ usedAt: at })
      .where(and(eq(loginLinks.userId, cleanText(id)), isNull(loginLinks.usedAt)));

  const limitKeys = (db: Db, id: string, at: Date, { role, scopes }: { role: Role; scopes: Scope[] }): Query =>
    db
      .update(apiKeys)
      .set({ scopes, updatedAt: at, revision: clock.now })
      .where(
        and(
          eq(apiKeys.userId, cleanText(id)),
          eq(apiKeys.scopes, []),
          isNull(apiKeys.deletedAt),
          exists(
            db
              .select({ id: users.id })
              .from(users)
              .where(and(eq(users.id, cleanText(id)), eq(users.role, role))),
          ),
        ),
      );

  const meant = (isIt: SQL | undefined, look: Look<User> | undefined) => ({
    isIt,
    read: (where: SQL | undefined) => engine.read((db) => db.select().from(users).where(where)),
    revision: users.revision,
    look: look && ((row: Schema["users"]["$inferSelect"]) => look(toUser(row))),
  });

  return {
    async createUsers(list, by) {
      if (list.length === 0) return;
      const rows = list.map((user) => ({ ...user, deletedAt: null, revision: clock.now }));
      await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .insert(users)
          .select(selectRows(engine, users, rows))
          .returning({ id: users.id }),
        note: noteNew(by, "user", list),
      }));
    },
    async updateUser(id, change, at, by, { look, kept = null, formerReach = [] } = {}) {
      const rows = await writeWhere(meant(and(eq(users.id, cleanText(id)), isNull(users.deletedAt)), look), (isIt) =>
        engine.atomic((db) => ({
          // A key was made with the reach of its time: whoever made one before may not be whom the new role is for.
          before: [clock.tick(db), ...formerReach.map((former) => limitKeys(db, id, at, former))],
          decisive: db
            .update(users)
            .set({ ...change, updatedAt: at, revision: clock.now })
            .where(and(isIt, endsRoot(change) ? keepOneRoot(users) : undefined))
            .returning(),
          // Who may do something else than when he signed in, or nothing at all, signs in anew; and a link that was made for a user opens no
          // administrator's door. Neither whoever has the old mailbox, nor whoever came in by it, is the user any more.
          after: [
            ...(change.role === undefined && change.status !== "suspended"
              ? []
              : [useUpLinks(db, id, at), endSessionsOf(db, id, at)]),
            ...(change.email === undefined ? [] : [useUpLinks(db, id, at), endSessionsOf(db, id, at, kept)]),
          ],
          note: noteRows({ by, action: "user.update", kind: "user", was: selectUser(db, id) }),
        })),
      );
      if (rows[0] !== undefined) return toUser(rows[0]);
      if (endsRoot(change)) await refuseLastRoot(id);
      return null;
    },
    async deleteUser(id, at, by, look) {
      const gone = { deletedAt: at, updatedAt: at, revision: clock.now };
      const rows = await writeWhere(meant(and(eq(users.id, cleanText(id)), isNull(users.deletedAt)), look), (isIt) =>
        engine.atomic((db) => ({
          before: [clock.tick(db)],
          decisive: db
            .update(users)
            .set(gone)
            .where(and(isIt, keepOneRoot(users)))
            .returning({ id: users.id }),
          after: [
            db
              .update(apiKeys)
              .set(gone)
              .where(and(eq(apiKeys.userId, id), isNull(apiKeys.deletedAt))),
            endSessionsOf(db, id, at),
            db.delete(storedResponses).where(eq(storedResponses.userId, id)),
          ],
          note: noteRows({ by, ...GONE, action: "user.delete", was: selectUser(db, id) }),
        })),
      );
      if (rows.length === 0) await refuseLastRoot(id);
      return rows.length > 0;
    },
    async purgeUser(id, by, look) {
      const rows = await writeWhere(meant(eq(users.id, cleanText(id)), look), (isIt) =>
        engine.atomic((db) => ({
          before: [clock.tick(db)],
          // The keys and accounts elsewhere go with it: the foreign key cascades.
          decisive: db
            .delete(users)
            .where(and(isIt, keepOneRoot(users)))
            .returning(),
          after: [clock.markPurge(db), db.delete(storedResponses).where(eq(storedResponses.userId, id))],
          note: notePurge(by, selectAccounts(db, id)),
        })),
      );
      if (rows.length === 0) await refuseLastRoot(id);
      return rows.length > 0;
    },
  };
}

/**
 * True for every row but the last active root admin: without one nobody could let anybody in again. It is part of the
 * statement, for two processes that each looked first could take the last two away together.
 */
function keepOneRoot(users: Schema["users"]): SQL {
  return sql`(${users.role} <> 'root_admin' or ${users.status} <> 'active' or ${users.deletedAt} is not null or exists (
    select 1 from users as other
    where other.id <> ${users.id} and other.role = 'root_admin' and other.status = 'active' and other.deleted_at is null
  ))`;
}

const GONE = { kind: "user", isGone: true } as const;

/** With his accounts elsewhere: by what is told of them he is known there, should he come again. See `wasPurged`. */
function notePurge(by: Origin | undefined, was: Query<{ id: string }[]>): Note<{ id: string }> {
  const tell = (kind: "identity" | "user", row: { id: string }): Change => ({
    action: `${kind}.purge`,
    subjectKind: kind,
    subjectId: row.id,
    before: row,
    after: null,
  });
  return {
    by: by ?? byProgram("gateway"),
    was,
    tell: (rows, accounts) => [
      ...rows.map((row) => tell("user", row)),
      ...(accounts as readonly { id: string }[]).map((account) => tell("identity", account)),
    ],
  };
}

function endsRoot(change: UserChange): boolean {
  return change.status === "suspended" || (change.role !== undefined && change.role !== "root_admin");
}

function lastRoot(): GatewayError {
  return new GatewayError({
    kind: "conflict",
    message: "This is the last active root admin; make another user root_admin first.",
  });
}
