// What the admin resources share: the doors that they are given, and who acts.

import type { Actor, Caller, Directory } from "../../identity/index.ts";

export interface AdminParts {
  directory: Directory;
  /** Largest body in bytes. */
  limit: () => number;
  /** After a change: brings this process's memory up to date before the answer goes out. */
  changed: () => Promise<void>;
}

export function actorOf(caller: Caller): Actor {
  return { kind: "user", userId: caller.userId, role: caller.role };
}
