// How often one may knock: by address of the caller and by the e-mail that is asked for. Knows no route.

import type { Tries, TryRule } from "../../identity/index.ts";
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
const PEERS: TryRule = { name: "peer", most: 30, windowS: QUARTER_HOUR_S };
const OUTSIDE: TryRule = { name: "outside", most: 300, windowS: QUARTER_HOUR_S };
const EMAILS: TryRule = { name: "email", most: 5, windowS: QUARTER_HOUR_S };

export function createThrottle(tries: Tries): Throttle {
  const count = async (rule: TryRule, subject: string): Promise<void> => {
    const { used, leftMs } = await tries.count(rule, subject);
    if (used <= rule.most) return;
    throw new GatewayError({
      kind: "rate_limited",
      code: "too_many_sign_ins",
      message: `Too many tries to sign in. Try again in ${printMinutes(leftMs)}.`,
      retryAfterMs: leftMs,
    });
  };
  return {
    async knock({ peer, email, isOutside = false }) {
      if (peer !== null) await count(isOutside ? OUTSIDE : PEERS, findParty(peer));
      // Hashed: whoever sends long ones fills no memory.
      if (email !== null) await count(EMAILS, String(Bun.hash(email.trim().toLowerCase())));
    },
    async forgive({ peer, isOutside = false }) {
      if (peer !== null) await tries.forgive(isOutside ? OUTSIDE : PEERS, findParty(peer));
    },
  };
}

function printMinutes(ms: number): string {
  const minutes = Math.max(1, Math.ceil(ms / 60_000));
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}
