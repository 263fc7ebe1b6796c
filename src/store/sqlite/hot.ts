// The statements that requests wait for or that run every moment, prepared once. Knows no transaction: the caller holds it.

import type { Database } from "bun:sqlite";
import type { LedgerEntry } from "../../ledger/index.ts";
import { prepareInsert } from "./insert.ts";
import { apiKeys, counters, ledgerEntries } from "./schema.ts";

export function prepareHot(writer: Database, reader: Database) {
  const insertEntry = prepareInsert<LedgerEntry>(writer, ledgerEntries);
  const used = apiKeys.lastUsedAt.name;
  const touch = writer.prepare<unknown, [at: number, id: string]>(
    `update api_keys set ${used} = ?1 where id = ?2 and (${used} is null or ${used} < ?1)`,
  );
  const count = reader.prepare<{ name: string; value: number }, []>(
    `select ${counters.name.name} as name, ${counters.value.name} as value from counters`,
  );
  return {
    insertEntries(entries: readonly LedgerEntry[]): void {
      for (const entry of entries) insertEntry.run(entry);
    },
    touchKeys(uses: readonly { id: string; at: Date }[]): void {
      for (const { id, at } of uses) touch.run(at.getTime(), id);
    },
    readCounters(): Map<string, number> {
      return new Map(count.all().map(({ name, value }) => [name, value]));
    },
    finalize(): void {
      insertEntry.finalize();
      touch.finalize();
      count.finalize();
    },
  };
}
