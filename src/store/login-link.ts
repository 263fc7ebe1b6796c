// Links to sign in by, in a database, whichever engine it is. Knows no rules of how people sign in; those are in identity/.

import { and, eq, gt, inArray, isNull, notInArray, sql } from "drizzle-orm";
import type { LinkRecord, SessionStore } from "../identity/session.ts";
import type { Change, Origin } from "../lib/change.ts";
import { selectAsSeen } from "./as-seen.ts";
import { type Note, noteAll } from "./change.ts";
import { chunk } from "./chunk.ts";
import type { Db, Engine } from "./engine.ts";
import { createClock } from "./revision.ts";
import type { Schema } from "./schema.ts";

export type LinkPart = "consumeLink" | "createLink" | "createLinks" | "findLink";

export function createLinks(engine: Engine): Pick<SessionStore, LinkPart> {
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

function toLink(row: Schema["loginLinks"]["$inferSelect"]): LinkRecord {
  const { id, userId, kind, hash, browserHash, createdAt, expiresAt } = row;
  return { id, userId, kind, hash, browserHash, createdAt, expiresAt };
}
