// What the admin resources share: the doors that they are given, who acts, and how much is asked for.

import {
  type Actor,
  type Caller,
  type Directory,
  type PageWish,
  originOf as originOfActor,
} from "../../identity/index.ts";
import type { Origin } from "../../lib/change.ts";
import { ifThere } from "../reach.ts";
import { readLimit } from "../usage-query.ts";

export interface AdminParts {
  directory: Directory;
  /** Largest body in bytes. */
  limit: () => number;
  /** After a change: brings this process's memory up to date before the answer goes out. */
  changed: () => Promise<void>;
  /** Whether a budget or a rate limit names this key. */
  isMetered: (keyId: string) => Promise<boolean>;
}

/** `limit`, of which the usual is 100 here, and `cursor`. */
export function readPageWish(query: URLSearchParams): PageWish {
  return { limit: query.has("limit") ? readLimit(query) : 100, cursor: query.get("cursor") };
}

export function actorOf(caller: Caller): Actor {
  const { userId, role, keyId, sessionId, scopes, limits, from } = caller;
  return { kind: "user", userId, role, keyId, sessionId, scopes, isLimited: limits !== null, from };
}

/** Likewise, of whoever may let somebody in: neither a budget or a rate limit on his key nor its end would bind who comes in. */
export async function hostOf(
  caller: Caller,
  { directory, isMetered }: Pick<AdminParts, "directory" | "isMetered">,
): Promise<Actor> {
  const actor = actorOf(caller);
  if (actor.kind === "operator" || actor.isLimited === true || caller.keyId === "") return actor;
  const own = await ifThere(directory.getKey(caller.keyId));
  return { ...actor, isLimited: own.some(({ expiresAt }) => expiresAt !== null) || (await isMetered(caller.keyId)) };
}

/** What is recorded of who makes a change by this request, and from where: for stores that are called without a directory in between. */
export function originOf(caller: Caller): Origin {
  return originOfActor(actorOf(caller), Date.now());
}
