// Sessions in a database, whichever engine it is, and beside them the links that lead to them. Knows no rules of how people sign in; those are in identity/.

import { and, count, desc, eq, gt, inArray, isNotNull, isNull, lt, ne, sql } from "drizzle-orm";
import type { User } from "../identity/model.ts";
import type { Session, SessionStore } from "../identity/session.ts";
import { cleanText } from "../lib/text.ts";
import type { ChangeAction, Origin } from "../lib/change.ts";
import { type Note, noteAll } from "./change.ts";
import { selectAsSeen } from "./as-seen.ts";
import type { Engine } from "./engine.ts";
import { type LinkPart, createLinks } from "./login-link.ts";
import { createClock } from "./revision.ts";
import type { Schema } from "./schema.ts";

export function createSessionStore(engine: Engine): SessionStore {
  return { ...createSessions(engine), ...createLinks(engine) };
}

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

export function toSession(row: Schema["sessions"]["$inferSelect"]): Session {
  const { id, userId, createdAt, lastSeenAt, expiresAt, userAgent, address } = row;
  return { id, userId, createdAt, lastSeenAt, expiresAt, userAgent, address };
}

export function toUser(row: Schema["users"]["$inferSelect"]): User {
  const { id, email, role, displayName, status, createdAt, updatedAt } = row;
  return { id, email, role, displayName, status, createdAt, updatedAt };
}
