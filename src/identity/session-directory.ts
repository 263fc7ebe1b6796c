// Other people's sessions: listed and ended by administrators. Knows no SQL and no HTTP.

import { type DirectoryContext, missing } from "./context.ts";
import type { Actor, Directory } from "./directory.ts";
import { ROLES } from "./model.ts";
import { type Page, type PageWish, readPage } from "./page.ts";
import { originOf } from "./origin.ts";
import { requireAdmin, requireReach } from "./permission.ts";
import { type OwnedSession, type Session, toSessionMoment } from "./session.ts";

/** Failures are GatewayErrors: `forbidden`, `not_found`, `invalid_request` for a cursor that is none. A root admin's are a root admin's to end. */
export interface SessionDirectory {
  /** Newest first; of all users where `user`, an id or e-mail, is null. */
  page(actor: Actor, user: string | null, page: PageWish): Promise<Page<OwnedSession>>;
  /** Null for one that is over already. */
  end(actor: Actor, id: string): Promise<Session | null>;
  /** All of a user but the one from which it is asked; answers how many. */
  endOf(actor: Actor, idOrEmail: string, but: string | null): Promise<number>;
  /** Everyone's within the actor's reach, but the one from which it is asked; answers how many. */
  endAll(actor: Actor, but: string | null): Promise<number>;
}

export function createSessionDirectory({
  store,
  now,
  directory,
}: Pick<DirectoryContext, "now" | "store"> & { directory: Pick<Directory, "getUser"> }): SessionDirectory {
  return {
    async page(actor, user, page) {
      requireAdmin(actor);
      const userId = user === null ? null : (await directory.getUser(user)).id;
      return readPage(page, {
        order: "session",
        read: (place) => store.pageSessions({ userId, ...toSessionMoment(now()) }, place),
        placeOf: ({ session }) => session.id,
      });
    },
    async end(actor, id) {
      requireAdmin(actor);
      const session = await store.findSession(id.trim());
      if (session === null) {
        const isOver =
          (await store.findOverSession(id.trim())) !== null || (await store.wasRemoved("session", id.trim()));
        if (isOver) return null;
        throw missing("There is no such session.");
      }
      requireReach(actor, (await directory.getUser(session.userId)).role);
      await store.endSession(session.id, null, new Date(now()), { by: originOf(actor, now()) });
      return session;
    },
    async endOf(actor, idOrEmail, but) {
      requireAdmin(actor);
      const user = await directory.getUser(idOrEmail);
      requireReach(actor, user.role);
      return store.endSessions(user.id, but, new Date(now()), originOf(actor, now()));
    },
    async endAll(actor, but) {
      requireAdmin(actor);
      const reachesRoots = actor.kind === "operator" || actor.role === "root_admin";
      const roles = ROLES.filter((role) => reachesRoots || role !== "root_admin");
      return store.endSessionsOf(roles, but, new Date(now()), originOf(actor, now()));
    },
  };
}
