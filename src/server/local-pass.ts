// Commands at this very machine, which show a pass in place of a key: from here alone, through no proxy, and as the root administrator of the database that
// the gateway works on. Knows no route.

import { type Caller, type KeyRing, type PassGate, hasRank } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import { readUrl } from "./request.ts";
import type { RouteContext } from "./route.ts";

export interface LocalPasses {
  gate: PassGate;
  /** Whether an address is one of this machine's own. */
  isOwn(address: string): boolean;
}

export const PASS_HEADER = "x-tokligence-local-pass";

/** What proxies add: what comes through one may come from anywhere. */
const PROXY_HEADERS = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];

interface Parts {
  passes: LocalPasses;
  ring: Pick<KeyRing, "resolveUser">;
  /** Epoch milliseconds. */
  now: number;
}

/** Throws unauthenticated. */
export function admitPass(
  pass: string,
  { request, requestId, socket }: Pick<RouteContext, "request" | "requestId" | "socket">,
  { passes, ring, now }: Parts,
): Caller {
  const { address } = socket() ?? { address: "" };
  if (!passes.isOwn(address) || PROXY_HEADERS.some((name) => request.headers.has(name))) {
    throw refuse("A pass of this machine is good on this machine alone, and through no proxy. Use an API key.");
  }
  const { pathname, search } = readUrl(request);
  const holder = passes.gate.open(pass, { method: request.method, target: pathname + search });
  const caller = holder === null ? null : ring.resolveUser(holder.userId);
  if (holder === null || caller === null || typeof caller === "string" || !hasRank(caller.role, "root_admin")) {
    throw refuse("This gateway works with another database or home folder than the command that asks it.");
  }
  const who = { actor: "operator", actorId: null, actorName: holder.name, keyId: null } as const;
  return { ...caller, from: { ...who, address, requestId, at: new Date(now) } };
}

function refuse(message: string): GatewayError {
  return new GatewayError({ kind: "unauthenticated", code: "invalid_pass", message });
}
