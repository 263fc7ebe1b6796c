// A user as whoever judged what he may has seen him. Knows no rule.

import { and, eq, isNull } from "drizzle-orm";
import type { Seen } from "../identity/session.ts";
import type { Db, Engine } from "./engine.ts";

/** Nobody where the user is another by now: what he may was judged by what was seen of him. */
export function selectAsSeen({ schema: { users } }: Engine, db: Db, userId: string, { email, role }: Seen) {
  const isSame = and(eq(users.email, email), eq(users.role, role), eq(users.status, "active"), isNull(users.deletedAt));
  return db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.id, userId), isSame));
}
