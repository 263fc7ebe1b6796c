// The door: from where a request comes, whether its key may come from there, and how often somebody may show keys that open nothing. A key that is good
// passes, whoever else fails at the same address. Knows no route.

import type { Config } from "../config/value.ts";
import type { Caller, Tries } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import { findParty } from "../lib/address.ts";
import type { Log } from "../telemetry/log.ts";
import { createPeerFinder, type PeerFinder } from "./peer.ts";
import { hasKey } from "./request.ts";

export interface Entry {
  /** How browsers know us beside the address that was asked; null where only so. */
  publicUrl: string | null;
  findPeer: PeerFinder;
  /** What is answered where nobody was let in: 429 instead of 401 once there were too many in a minute. */
  refused(error: unknown, request: Request, from: string | null): Promise<unknown>;
}

const MINUTE_S = 60;

export function createEntry(
  { log, tries }: { log: Log; tries: Tries },
  config: () => Pick<Config, "entry" | "signIn">,
): Entry {
  let of = config().entry;
  let findPeer = createPeerFinder(of.trustedProxies);
  const renew = (): void => {
    const next = config().entry;
    if (next === of) return;
    of = next;
    findPeer = createPeerFinder(of.trustedProxies);
  };
  return {
    publicUrl: config().signIn.publicUrl,
    findPeer(headers, socket) {
      renew();
      return findPeer(headers, socket);
    },
    async refused(error, request, from) {
      const most = of.badKeysPerMinute;
      if (most === 0 || from === null || !isBadKey(error) || !hasKey(request)) return error;
      const { used, leftMs } = await tries.count({ name: "bad-key", most, windowS: MINUTE_S }, findParty(from));
      if (used <= most) return error;
      if (used === most + 1) {
        log.warn("Keys that open nothing come from one address, one after another", { from });
      }
      return new GatewayError({
        kind: "rate_limited",
        code: "too_many_bad_keys",
        message: "Too many API keys that do not work came from your address. Wait a minute, and send one that does.",
        retryAfterMs: leftMs,
      });
    },
  };
}

function isBadKey(error: unknown): boolean {
  return error instanceof GatewayError && error.kind === "unauthenticated" && error.code === "invalid_api_key";
}

/** Throws forbidden where the key may not come from there. */
export function requireRange({ limits }: Pick<Caller, "limits">, peer: () => string | null): void {
  if (limits === null || limits.ips === null) return;
  const from = peer();
  if (from !== null && limits.ips(from)) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "ip_not_allowed",
    message: "This API key may not be used from your address.",
  });
}
