// `tokligence admin cache show`: where answers are kept, under which rules, and how many there are. What they saved, `usage summary` tells.

import { defineCommand } from "citty";
import { SHARED_ARGS } from "../../flags.ts";
import { printJson, printTable, say } from "../../output.ts";
import { OF_THE_SERVER, withShelf } from "./shelf.ts";

export default defineCommand({
  meta: { name: "show", description: "Show where answers are kept, and how many there are" },
  args: SHARED_ARGS,
  async run({ args }) {
    const found = await withShelf(args, async ({ cache, idempotency }, shelf) => {
      const size = await shelf?.size();
      return {
        store: cache.store,
        ...(cache.store === "sqlite" ? { file: cache.path } : {}),
        scope: cache.scope,
        ttl_seconds: cache.ttlMs / 1000,
        entries: size?.entries ?? null,
        bytes: size?.bytes ?? null,
        // Redis has limits of its own.
        max_bytes: cache.store === "redis" ? null : cache.maxBytes,
        max_entry_bytes: cache.maxEntryBytes,
        idempotency: idempotency.isOn ? "on" : "off",
        idempotency_window_seconds: idempotency.windowMs / 1000,
      };
    });
    if (args.json === true) printJson({ cache: found });
    else {
      const rows = Object.entries(found).map(([what, value]) => ({ what: what.replaceAll("_", " "), value }));
      printTable(rows, ["what", "value"]);
    }
    if (found.store === "memory") say(`note: ${OF_THE_SERVER}`);
  },
});
