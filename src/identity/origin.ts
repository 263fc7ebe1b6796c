// Where a change comes from, told of those who make it. Knows no HTTP.

import type { Origin } from "../lib/change.ts";
import type { Actor } from "./directory.ts";

/** As the door through which the actor came has noted it; else what is known of him by himself. `now`: epoch milliseconds. */
export function originOf(actor: Actor, now: number): Origin {
  if (actor.from !== undefined) return actor.from;
  const blank = { actorName: null, keyId: null, address: null, requestId: null, at: new Date(now) };
  if (actor.kind === "operator") return { ...blank, actor: "operator", actorId: null };
  return { ...blank, actor: "user", actorId: actor.userId };
}
