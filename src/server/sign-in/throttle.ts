// How often one may knock: by address of the caller and by the e-mail that is asked for. Knows no route.

import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { GatewayError } from "../../ir/index.ts";
import { findParty } from "../../lib/address.ts";

export interface Knock {
  /** Null where it is unknown. */
  peer: string | null;
  /** Null where none is said. */
  email: string | null;
  /** Where the secret is kept elsewhere: an identity provider has doors of its own, and a whole office may come through one address. */
  isOutside?: boolean;
}

export interface Throttle {
  /** Rejects with rate_limited; what is asked for is the same for addresses that are known and those that are not. */
  knock(knock: Knock): Promise<void>;
  /** Whoever got in has not guessed: the knock does not count. */
  forgive(knock: Pick<Knock, "isOutside" | "peer">): Promise<void>;
}

const QUARTER_HOUR_S = 900;
/** People mistype; programs that guess need millions. */
const PER_PEER = 30;
const PER_PEER_OUTSIDE = 300;
const PER_EMAIL = 5;

export function createThrottle(): Throttle {
  const limit = (keyPrefix: string, points: number) =>
    new RateLimiterMemory({ keyPrefix, points, duration: QUARTER_HOUR_S });
  const peers = limit("peer", PER_PEER);
  const outside = limit("outside", PER_PEER_OUTSIDE);
  const emails = limit("email", PER_EMAIL);
  return {
    async knock({ peer, email, isOutside = false }) {
      try {
        if (peer !== null) await (isOutside ? outside : peers).consume(findParty(peer));
        // Hashed: whoever sends long ones fills no memory.
        if (email !== null) await emails.consume(String(Bun.hash(email.trim().toLowerCase())));
      } catch (refused) {
        if (!(refused instanceof RateLimiterRes)) throw refused;
        throw new GatewayError({
          kind: "rate_limited",
          code: "too_many_sign_ins",
          message: "Too many tries to sign in. Wait a while, then try again.",
          retryAfterMs: refused.msBeforeNext,
        });
      }
    },
    async forgive({ peer, isOutside = false }) {
      if (peer !== null) await (isOutside ? outside : peers).reward(findParty(peer));
    },
  };
}
