// Accounts at an identity provider, and browsers that are there, in a database, whichever engine it is. Knows no rule of who gets in.

import { and, asc, eq, gt, inArray, isNotNull, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { Errand, OutsideIdentity, OutsideStore, OwnedIdentity } from "../identity/outside.ts";
import type { Change } from "../lib/change.ts";
import { cleanText } from "../lib/text.ts";
import { noteAll, noteRows } from "./change.ts";
import type { Engine } from "./engine.ts";
import { createClock } from "./revision.ts";
import type { Schema } from "./schema.ts";
import { toUser } from "./session.ts";

export function createOutsideStore(engine: Engine): OutsideStore {
  return { ...createErrands(engine), ...createIdentities(engine) };
}

type ErrandPart = "consumeErrand" | "createErrand" | "findErrand";

function createErrands(engine: Engine): Pick<OutsideStore, ErrandPart> {
  const { signInErrands: table } = engine.schema;
  return {
    async createErrand(errand) {
      await engine.atomic((db) => ({
        // Whoever sets out clears up after those who never came back.
        before: [db.delete(table).where(lt(table.expiresAt, errand.createdAt))],
        decisive: db
          .insert(table)
          .values({ ...errand, usedAt: null })
          .returning({ id: table.id }),
      }));
    },
    async findErrand(hash, now) {
      const rows = await engine.read((db) =>
        db
          .select()
          .from(table)
          .where(and(eq(table.hash, hash), isNull(table.usedAt), gt(table.expiresAt, now))),
      );
      return rows[0] === undefined ? null : toErrand(rows[0]);
    },
    async consumeErrand(id, at) {
      const rows = await engine.atomic((db) => ({
        decisive: db
          .update(table)
          .set({ usedAt: at })
          .where(and(eq(table.id, id), isNull(table.usedAt), gt(table.expiresAt, at)))
          .returning({ id: table.id }),
      }));
      return rows.length > 0;
    },
  };
}

function createIdentities(engine: Engine): Pick<OutsideStore, Exclude<keyof OutsideStore, ErrandPart>> {
  const { outsideIdentities: table, users } = engine.schema;
  const clock = createClock(engine.schema);
  const findWhere = async (condition: SQL | undefined): Promise<OwnedIdentity | null> => {
    const rows = await engine.read((db) =>
      db
        .select({ identity: table, user: users })
        .from(table)
        .innerJoin(users, eq(users.id, table.userId))
        .where(condition),
    );
    const [found] = rows;
    if (found === undefined) return null;
    return { identity: found.identity, user: toUser(found.user), isDeleted: found.user.deletedAt !== null };
  };
  const toRow = (identity: OutsideIdentity) => ({ ...identity, subject: cleanText(identity.subject) });
  return {
    findIdentity: (issuer, subject) => findWhere(and(eq(table.issuer, issuer), eq(table.subject, cleanText(subject)))),
    async wasPurged({ issuer, subject, email }) {
      const { auditChanges: changes } = engine.schema;
      const says = (name: string, text: string): SQL => sql`${changes.before} ->> ${sql.raw(`'${name}'`)} = ${text}`;
      const isHis = [
        and(eq(changes.action, "user.purge"), says("email", email)),
        and(eq(changes.action, "identity.purge"), says("issuer", issuer), says("subject", cleanText(subject))),
      ];
      const found = await Promise.all(
        isHis.map((condition) =>
          engine.read((db) => db.select({ id: changes.id }).from(changes).where(condition).limit(1)),
        ),
      );
      return found.flat().length > 0;
    },
    findIdentityById: (id) => findWhere(eq(table.id, cleanText(id))),
    async createIdentity(identity, by) {
      await engine.atomic((db) => ({
        before: [
          db
            .delete(table)
            .where(
              and(
                eq(table.issuer, identity.issuer),
                eq(table.subject, cleanText(identity.subject)),
                inArray(table.userId, db.select({ id: users.id }).from(users).where(isNotNull(users.deletedAt))),
              ),
            ),
        ],
        decisive: db.insert(table).values(toRow(identity)).returning({ id: table.id }),
        note: noteAll(by, [tellConnected(identity)]),
      }));
    },
    async createUserWithIdentity(user, identity, by) {
      await engine.atomic((db) => ({
        before: [clock.tick(db)],
        decisive: db
          .insert(users)
          .values({ ...user, deletedAt: null, revision: clock.now })
          .returning({ id: users.id }),
        after: [db.insert(table).values(toRow(identity))],
        note: noteAll(by, [
          { action: "user.create", subjectKind: "user", subjectId: user.id, before: null, after: user },
          tellConnected(identity),
        ]),
      }));
    },
    async touchIdentity(id, { email, at }) {
      await engine.atomic((db) => ({
        decisive: db.update(table).set({ email, lastUsedAt: at }).where(eq(table.id, id)).returning({ id: table.id }),
      }));
    },
    listIdentities: (userId) =>
      engine.read((db) =>
        db
          .select()
          .from(table)
          .where(eq(table.userId, cleanText(userId)))
          .orderBy(asc(table.createdAt), asc(table.id)),
      ),
    async deleteIdentity(id, userId, by) {
      const isIt = and(eq(table.id, cleanText(id)), eq(table.userId, userId));
      const rows = await engine.atomic((db) => ({
        decisive: db.delete(table).where(isIt).returning({ id: table.id }),
        note: noteRows({
          by,
          action: "identity.disconnect",
          kind: "identity",
          was: db.select().from(table).where(isIt),
          isGone: true,
        }),
      }));
      return rows.length > 0;
    },
  };
}

function tellConnected(identity: OutsideIdentity): Change {
  const { id } = identity;
  return { action: "identity.connect", subjectKind: "identity", subjectId: id, before: null, after: identity };
}

function toErrand(row: Schema["signInErrands"]["$inferSelect"]): Errand {
  const { id, hash, issuer, returnTo, userId, createdAt, expiresAt } = row;
  return { id, hash, issuer, returnTo, userId, createdAt, expiresAt };
}
