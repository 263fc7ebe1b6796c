// How often one may knock: by address of the caller and by the e-mail that is asked for. Knows no route.

import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import { GatewayError } from "../../ir/index.ts";

export interface Knock {
  /** Null where it is unknown. */
  peer: string | null;
  /** Null where none is said. */
  email: string | null;
}

const QUARTER_HOUR_S = 900;
/** People mistype; programs that guess need millions. */
const PER_PEER = 30;
const PER_EMAIL = 5;

/** Rejects with rate_limited; what is asked for is the same for addresses that are known and those that are not. */
export function createThrottle(): (knock: Knock) => Promise<void> {
  const peers = new RateLimiterMemory({ keyPrefix: "peer", points: PER_PEER, duration: QUARTER_HOUR_S });
  const emails = new RateLimiterMemory({ keyPrefix: "email", points: PER_EMAIL, duration: QUARTER_HOUR_S });
  return async ({ peer, email }) => {
    try {
      if (peer !== null) await peers.consume(peer);
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
  };
}
