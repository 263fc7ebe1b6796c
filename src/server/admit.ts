// Who comes in, and whether he may do what he came for. Knows no route by name.

import { type Caller, type KeyRing, hasRank } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import type { Clock } from "../lib/clock.ts";
import { type Entry, requireRange } from "./entry.ts";
import { type LocalPasses, PASS_HEADER, admitPass } from "./local-pass.ts";
import { type Permit, isPermitted } from "./permit.ts";
import { identify } from "./request.ts";
import type { RouteContext } from "./route.ts";

export interface AdmitParts {
  ring: KeyRing;
  clock: Clock;
  entry: Entry;
  /** Missing where no command at this machine is let in without a key. */
  localPasses?: LocalPasses;
}

/** Who calls, from where he may; at once where it is known. See `identify`. */
export function admit(
  { ring, entry, clock, localPasses: passes }: AdmitParts,
  context: Pick<RouteContext, "peer" | "request" | "requestId" | "socket">,
  takesSession: boolean,
): Caller | Promise<Caller> {
  const { request, peer } = context;
  const pass = takesSession && passes !== undefined ? request.headers.get(PASS_HEADER) : null;
  if (pass !== null && passes !== undefined) return admitPass(pass, context, { passes, ring, now: clock.wallMs() });
  const refuse = async (error: unknown): Promise<never> => {
    throw await entry.refused(error, request, peer());
  };
  const check = (caller: Caller): Caller => {
    requireRange(caller, peer);
    return caller;
  };
  try {
    const found = identify(request, ring, takesSession ? entry : null);
    return found instanceof Promise ? found.then(check).catch(refuse) : check(found);
  } catch (error) {
    return refuse(error);
  }
}

export function authorize(caller: Caller, permit: Permit | undefined): void {
  if (permit !== undefined && isPermitted(caller, permit)) return;
  const needed = typeof permit === "object" ? permit : null;
  const isShort = needed !== null && !hasRank(caller.role, needed.role);
  const who = caller.sessionId === null ? "This API key" : "This session";
  throw new GatewayError({
    kind: "forbidden",
    code: isShort ? "insufficient_role" : "insufficient_scope",
    message: isShort
      ? `${who} may not do that: it takes a user of the role ${needed.role}, or one above it.`
      : `${who} may not do that: it takes the scope ${needed?.anyOf.join(" or ") ?? "of an administrator"}, and an owner whose role allows it.`,
  });
}
