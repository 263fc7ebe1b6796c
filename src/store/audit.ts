// The books as auditors read them: many rows in a row, past all filters of the reports. Knows neither exports nor packs.

import { and, desc, eq, gte, lt } from "drizzle-orm";
import type { AuditBooks } from "../audit/index.ts";
import type { SealedEntry } from "../ledger/index.ts";
import type { Engine } from "./engine.ts";

const PAGE = 1_000;

export function createAuditStore(engine: Engine): AuditBooks {
  const { ledgerEntries: entries } = engine.schema;
  return {
    async *calls(from, to) {
      let cursor: string | null = null;
      for (;;) {
        const older = cursor === null ? undefined : lt(entries.id, cursor);
        const page: SealedEntry[] = await engine.read((db) =>
          db
            .select()
            .from(entries)
            .where(and(older, gte(entries.createdAt, from), lt(entries.createdAt, to), eq(entries.kind, "call")))
            .orderBy(desc(entries.id))
            .limit(PAGE),
        );
        if (page.length > 0) yield page;
        if (page.length < PAGE) return;
        cursor = page.at(-1)?.id ?? null;
      }
    },
  };
}
