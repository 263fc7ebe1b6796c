// An engine whose database may not be there yet: whoever asks it for something makes it try again. Knows no query.

import { GatewayError } from "../ir/index.ts";
import type { Engine } from "./engine.ts";

export interface Deferred {
  engine: Engine;
  /** Why it could not be opened so far; null once it is. */
  missing(): GatewayError | null;
  /** Throws where the reason is another one than that nobody answers: that will not mend itself. */
  tryNow(): Promise<void>;
}

/** Opens it when it is first asked for something. */
export function defer(
  described: Pick<Engine, "name" | "schema" | "sheets" | "values">,
  open: () => Promise<Engine>,
): Deferred {
  let opened: Engine | null = null;
  let missing: GatewayError | null = null;
  let opening: Promise<Engine> | null = null;

  const find = async (): Promise<Engine> => {
    if (opened !== null) return opened;
    opening ??= open().finally(() => {
      opening = null;
    });
    try {
      opened = await opening;
      missing = null;
      return opened;
    } catch (error) {
      if (error instanceof GatewayError) missing = error;
      throw error;
    }
  };

  return {
    missing: () => missing,
    async tryNow() {
      try {
        await find();
      } catch (error) {
        if (!(error instanceof GatewayError && error.code === "store_unreachable")) throw error;
      }
    },
    engine: {
      ...described,
      read: async (build) => (await find()).read(build),
      readValues: async (build) => (await find()).readValues(build),
      atomic: async (build) => (await find()).atomic(build),
      readCounters: async () => (await find()).readCounters(),
      touchKeys: async (uses) => (await find()).touchKeys(uses),
      append: async (entries) => (await find()).append(entries),
      deliver: async (shipment) => (await find()).deliver(shipment),
      snapshot: async (work) => (await find()).snapshot(work),
      advance: async (query) => (await find()).advance(query),
      pack: async (query) => (await find()).pack(query),
      ping: async () => (await find()).ping(),
      async close() {
        await opening?.catch(() => undefined);
        await opened?.close();
      },
    },
  };
}
