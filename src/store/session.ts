// Sessions and links in a database, whichever engine it is. Knows no rules of how people sign in; those are in identity/.

import { and, count, desc, eq, gt, inArray, isNotNull, isNull, lt, ne, notInArray, sql } from "drizzle-orm";
import type { User } from "../identity/model.ts";
import type { LinkRecord, Seen, Session, SessionStore } from "../identity/session.ts";
import { cleanText } from "../lib/text.ts";
import type { Change, ChangeAction, Origin } from "../lib/change.ts";
import { type Note, noteAll } from "./change.ts";
import { chunk } from "./chunk.ts";
import type { Db, Engine } from "./engine.ts";
import { createClock } from "./revision.ts";
import type { Schema } from "./schema.ts";

export function createSessionStore(engine: Engine): SessionStore {
  return { ...createSessions(engine), ...createLinks(engine) };
}

type LinkPart = "consumeLink" | "createLink" | "createLinks" | "findLink";

/** Set once, and never taken back. */
const PROOFLESS_DOOR = "proofless_door_closed";

function createSessions(engine: Engine): Omit<SessionStore, LinkPart> {
  const { counters, loginLinks, sessions, users } = engine.schema;
  const clock = createClock(engine.schema);
  const isOwn = (userId: string | null) => (userId === null ? undefined : eq(sessions.userId, cleanText(userId)));
  return {
    async createSession({ session, hash }, seen, by) {
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: selectAsSeen(engine, db, session.userId, seen),
        after: [db.insert(sessions).values({ ...session, hash, endedAt: null, revision: clock.now })],
        note: noteAll(by, [
          { ...OF_SESSION, action: "auth.sign_in", subjectId: session.id, before: null, after: session },
        ]),
      }));
      return rows.length > 0;
    },
    async listSessions(userId, { now, seenAfter }) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(sessions)
          .where(
            and(
              isOwn(userId),
              isNull(sessions.endedAt),
              gt(sessions.expiresAt, now),
              gt(sessions.lastSeenAt, seenAfter),
            ),
          )
          .orderBy(desc(sessions.createdAt), desc(sessions.id)),
      );
      return rows.map(toSession);
    },
    async pageSessions({ userId, now, seenAfter }, { after, limit }) {
      const rows = await engine.read((db) =>
        db
          .select({ session: sessions, email: users.email })
          .from(sessions)
          .innerJoin(users, eq(users.id, sessions.userId))
          .where(
            and(
              isOwn(userId),
              isNull(sessions.endedAt),
              gt(sessions.expiresAt, now),
              gt(sessions.lastSeenAt, seenAfter),
              after === null ? undefined : lt(sessions.id, cleanText(after)),
            ),
          )
          .orderBy(desc(sessions.id))
          .limit(limit),
      );
      return rows.map(({ session, email }) => ({ session: toSession(session), email }));
    },
    async findSession(id) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(sessions)
          .where(and(eq(sessions.id, cleanText(id)), isNull(sessions.endedAt))),
      );
      return rows[0] === undefined ? null : toSession(rows[0]);
    },
    async findOverSession(id) {
      const isIt = and(eq(sessions.id, cleanText(id)), isNotNull(sessions.endedAt));
      const rows = await engine.read((db) => db.select().from(sessions).where(isIt));
      return rows[0] === undefined ? null : toSession(rows[0]);
    },
    async endSession(id, userId, at, { by, isSignOut = false } = {}) {
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .update(sessions)
          .set({ endedAt: at, revision: clock.now })
          .where(and(eq(sessions.id, cleanText(id)), isOwn(userId), isNull(sessions.endedAt)))
          .returning(),
        note: noteEnd(by, isSignOut ? "auth.sign_out" : "session.end"),
      }));
      return rows.length > 0;
    },
    async endSessionByHash(hash, at, by) {
      await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .update(sessions)
          .set({ endedAt: at, revision: clock.now })
          .where(and(eq(sessions.hash, hash), isNull(sessions.endedAt)))
          .returning(),
        note: noteEnd(by, "session.end"),
      }));
    },
    async endSessions(userId, but, at, by) {
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .update(sessions)
          .set({ endedAt: at, revision: clock.now })
          .where(and(isOwn(userId), isNull(sessions.endedAt), but === null ? undefined : ne(sessions.id, but)))
          .returning(),
        note: noteEnd(by, "session.end"),
      }));
      return rows.length;
    },
    async endSessionsOf(roles, but, at, by) {
      const rows = await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .update(sessions)
          .set({ endedAt: at, revision: clock.now })
          .where(
            and(
              inArray(
                sessions.userId,
                db
                  .select({ id: users.id })
                  .from(users)
                  .where(inArray(users.role, [...roles])),
              ),
              isNull(sessions.endedAt),
              but === null ? undefined : ne(sessions.id, but),
            ),
          )
          .returning(),
        note: noteEnd(by, "session.end"),
      }));
      return rows.length;
    },
    async touchSessions(uses) {
      for (const { id, at } of uses) {
        await engine.atomic((db) => ({
          decisive: db
            .update(sessions)
            .set({ lastSeenAt: at })
            .where(and(eq(sessions.id, id), sql`${sessions.lastSeenAt} < ${sql.param(at, sessions.lastSeenAt)}`))
            .returning({ id: sessions.id }),
        }));
      }
    },
    async findLoneAdmin() {
      const rows = await engine.read((db) => db.select().from(users).where(ne(users.role, "gateway_user")).limit(2));
      const [only, other] = rows;
      if (only === undefined || other !== undefined || only.deletedAt !== null || only.status !== "active") return null;
      return toUser(only);
    },
    async closeProoflessDoor(by) {
      await engine.atomic((db) => ({
        decisive: db
          .insert(counters)
          .values({ name: PROOFLESS_DOOR, value: 1 })
          .onConflictDoNothing()
          .returning({ name: counters.name }),
        note: noteAll(by, [
          {
            ...OF_SESSION,
            action: "auth.close_loopback",
            subjectId: null,
            before: { open: true },
            after: { open: false },
          },
        ]),
      }));
    },
    isProoflessDoorClosed: async () => (await engine.readCounters()).has(PROOFLESS_DOOR),
    async sweepSessions(now, keptSince) {
      const isOver = and(isNull(sessions.endedAt), lt(sessions.expiresAt, now));
      // The last one of each user stays: it tells that somebody has been here.
      const hasNewer = sql`exists (select 1 from ${sessions} as newer where newer.user_id = ${sessions.userId} and newer.created_at > ${sessions.createdAt})`;
      await engine.atomic((db) => ({
        before: [
          db.delete(sessions).where(and(lt(sessions.expiresAt, keptSince), hasNewer)),
          db.delete(loginLinks).where(lt(loginLinks.expiresAt, keptSince)),
        ],
        // Nobody's copy has to hear of it: each knows by itself when one is over.
        decisive: db.update(sessions).set({ endedAt: sessions.expiresAt }).where(isOver).returning({ id: sessions.id }),
      }));
    },
    async hasSignedIn(role) {
      const rows = await engine.read((db) =>
        db
          .select({ sessions: count() })
          .from(sessions)
          .innerJoin(users, eq(users.id, sessions.userId))
          .where(sql`${users.role} = ${role}`),
      );
      return (rows[0]?.sessions ?? 0) > 0;
    },
  };
}

function createLinks(engine: Engine): Pick<SessionStore, LinkPart> {
  const { loginLinks, users } = engine.schema;
  const clock = createClock(engine.schema);
  return {
    async createLink(link, seen, by) {
      const rows = await engine.atomic((db) => ({
        // Whoever changes the user at this moment waits, or was waited for.
        before: [clock.tick(db)],
        decisive: selectAsSeen(engine, db, link.userId, seen),
        after: [
          db
            .update(loginLinks)
            .set({ usedAt: link.createdAt })
            .where(and(eq(loginLinks.userId, link.userId), eq(loginLinks.kind, link.kind), isNull(loginLinks.usedAt))),
          db.insert(loginLinks).values({ ...link, usedAt: null }),
        ],
        note: link.kind === "login" ? undefined : noteAll(by, [tellLink(link)]),
      }));
      return rows.length > 0;
    },
    async createLinks(links, by) {
      const meant = new Set<string>();
      for (const part of chunk(links)) {
        const asSeen = sql`(${users.id}, ${users.email}, ${users.role}) in (values ${sql.join(
          part.map(({ link, seen }) => sql`(${link.userId}, ${seen.email}, ${seen.role})`),
          sql`, `,
        )})`;
        const isSame = and(asSeen, eq(users.status, "active"), isNull(users.deletedAt));
        const select = (db: Db) => db.select({ id: users.id }).from(users).where(isSame);
        const made = part.map(({ link }) => link);
        const ids = made.map(({ id }) => id);
        const rows = await engine.atomic((db) => ({
          before: [clock.tick(db)],
          decisive: select(db),
          after: [
            db.insert(loginLinks).values(made.map((link) => ({ ...link, usedAt: null }))),
            db.delete(loginLinks).where(and(inArray(loginLinks.id, ids), notInArray(loginLinks.userId, select(db)))),
          ],
          note: noteLinks(by, made),
        }));
        for (const { id } of rows) meant.add(id);
      }
      return meant;
    },
    async findLink(hash, now) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(loginLinks)
          .where(and(eq(loginLinks.hash, hash), isNull(loginLinks.usedAt), gt(loginLinks.expiresAt, now))),
      );
      return rows[0] === undefined ? null : toLink(rows[0]);
    },
    async consumeLink(id, at) {
      const rows = await engine.atomic((db) => ({
        decisive: db
          .update(loginLinks)
          .set({ usedAt: at })
          .where(and(eq(loginLinks.id, id), isNull(loginLinks.usedAt), gt(loginLinks.expiresAt, at)))
          .returning({ id: loginLinks.id }),
      }));
      return rows.length > 0;
    },
  };
}

/** Nobody where the user is another by now: what he may was judged by what was seen of him. */
function selectAsSeen({ schema: { users } }: Engine, db: Db, userId: string, { email, role }: Seen) {
  const isSame = and(eq(users.email, email), eq(users.role, role), eq(users.status, "active"), isNull(users.deletedAt));
  return db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.id, userId), isSame));
}

const OF_SESSION = { subjectKind: "session" } as const;

/** One for each session that was there: as it was, but for the end that it has now. */
function noteEnd(by: Origin | undefined, action: ChangeAction): Note<Schema["sessions"]["$inferSelect"]> {
  return {
    ...noteAll(by, []),
    tell: (ended) =>
      ended.map((row) => ({
        ...OF_SESSION,
        action,
        subjectId: row.id,
        before: toSession(row),
        after: null,
      })),
  };
}

/** Of those whose users were found. */
function noteLinks(by: Origin | undefined, links: readonly LinkRecord[]): Note<{ id: string }> {
  return {
    ...noteAll(by, []),
    tell(found) {
      const ids = new Set(found.map(({ id }) => id));
      return links.filter(({ userId }) => ids.has(userId)).map(tellLink);
    },
  };
}

function tellLink({ id, userId, kind, createdAt, expiresAt }: LinkRecord): Change {
  const after = { id, userId, kind, createdAt, expiresAt };
  return { action: "link.create", subjectKind: "link", subjectId: id, before: null, after };
}

export function toSession(row: Schema["sessions"]["$inferSelect"]): Session {
  const { id, userId, createdAt, lastSeenAt, expiresAt, userAgent, address } = row;
  return { id, userId, createdAt, lastSeenAt, expiresAt, userAgent, address };
}

export function toUser(row: Schema["users"]["$inferSelect"]): User {
  const { id, email, role, displayName, status, createdAt, updatedAt } = row;
  return { id, email, role, displayName, status, createdAt, updatedAt };
}

function toLink(row: Schema["loginLinks"]["$inferSelect"]): LinkRecord {
  const { id, userId, kind, hash, browserHash, createdAt, expiresAt } = row;
  return { id, userId, kind, hash, browserHash, createdAt, expiresAt };
}
