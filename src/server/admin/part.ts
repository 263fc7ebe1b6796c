// What the admin resources share: the doors that they are given, and who acts.

import { type Actor, type Caller, type Directory, originOf as originOfActor } from "../../identity/index.ts";
import type { Origin } from "../../lib/change.ts";

export interface AdminParts {
  directory: Directory;
  /** Largest body in bytes. */
  limit: () => number;
  /** After a change: brings this process's memory up to date before the answer goes out. */
  changed: () => Promise<void>;
}

export function actorOf(caller: Caller): Actor {
  return { kind: "user", userId: caller.userId, role: caller.role, from: caller.from };
}

/** What is recorded of who makes a change by this request, and from where: for stores that are called without a directory in between. */
export function originOf(caller: Caller): Origin {
  return originOfActor(actorOf(caller), Date.now());
}
