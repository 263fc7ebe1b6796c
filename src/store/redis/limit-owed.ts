// What was let in while Redis was away or late, of each window: it is told of once it is there. Knows no deadline.

import type { RedisClient } from "bun";
import { ADJUST } from "./limit-script.ts";

export interface Owed {
  /** An amount below nothing was given back. */
  add(key: string, amount: number, endsMs: number | null): void;
  /** Tells of all, in this moment; what is not taken is owed on. Never rejects. */
  pay(client: RedisClient): Promise<void>;
}

/** By more keys than these nobody is called in a minute without Redis. */
const MOST_KEYS = 100_000;

export function createOwed(windowS: number): Owed {
  const owed = new Map<string, { amount: number; endsMs: number }>();

  const add: Owed["add"] = (key, amount, endsMs) => {
    if (amount === 0 || endsMs === null) return;
    const known = owed.get(key);
    // Two windows end a window's length apart.
    const isSame = known !== undefined && Math.abs(known.endsMs - endsMs) < windowS * 500;
    if (owed.size >= MOST_KEYS) owed.clear();
    owed.set(key, { amount: amount + (isSame ? known.amount : 0), endsMs });
  };

  return {
    add,
    async pay(client) {
      const all = [...owed];
      owed.clear();
      const tell = async ([key, { amount, endsMs }]: (typeof all)[number]): Promise<void> => {
        const leftMs = Math.round(endsMs - Date.now());
        if (amount <= 0 || leftMs <= 0) return;
        try {
          await client.send("EVAL", [ADJUST, "1", key, String(Math.round(amount)), String(windowS), String(leftMs)]);
        } catch {
          add(key, amount, endsMs);
        }
      };
      await Promise.all(all.map(tell));
    },
  };
}
