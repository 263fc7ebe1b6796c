// Rows whose places in their chain other rows have where they go on to, out of the file again as the lines that they once were. Knows no chain.

import type { Database } from "bun:sqlite";
import { eq, inArray } from "drizzle-orm";
import type { BookRules } from "../../ledger/index.ts";
import { chunk } from "../chunk.ts";
import { isPlaceTaken } from "../error.ts";
import { runNow, toDb } from "./query.ts";
import { ledgerEntries, ledgerRecounts, ledgerRefused } from "./schema.ts";

type Encoders = Pick<BookRules, "encodeEntry" | "encodeRecount">;

/** A row, and by what name it was refused. */
interface Found {
  name: string;
  id: string;
  kind: "entry" | "recount";
  seq: number;
  line: string;
}

/** In the order of their chain. The caller holds the transaction. */
export function takeOut(db: Database, rules: Encoders): string[] {
  const { db: orm, release } = toDb(db);
  const all: Found[] = [];
  try {
    const refused = runNow(orm.select().from(ledgerRefused)).filter(({ reason }) => isPlaceTaken(reason));
    for (const part of chunk(refused)) {
      const found = part.flatMap(({ id }) => findRow(orm, rules, id) ?? []);
      const idsOf = (kind: Found["kind"]): string[] => found.flatMap((each) => (each.kind === kind ? [each.id] : []));
      const names = found.map(({ name }) => name);
      runNow(orm.delete(ledgerEntries).where(inArray(ledgerEntries.id, idsOf("entry"))));
      runNow(orm.delete(ledgerRecounts).where(inArray(ledgerRecounts.entryId, idsOf("recount"))));
      runNow(orm.delete(ledgerRefused).where(inArray(ledgerRefused.id, names)));
      all.push(...found);
      release();
    }
  } finally {
    release();
  }
  return all.toSorted((left, right) => left.seq - right.seq).map(({ line }) => line);
}

/** Null where it is not there, or damaged: then it stays refused. */
function findRow(orm: ReturnType<typeof toDb>["db"], rules: Encoders, name: string): Found | null {
  const id = name.slice(name.indexOf("/") + 1);
  try {
    if (name.startsWith("entry/")) {
      const [row] = runNow(orm.select().from(ledgerEntries).where(eq(ledgerEntries.id, id)));
      return row === undefined ? null : { name, id, kind: "entry", seq: row.seq ?? 0, line: rules.encodeEntry(row) };
    }
    const [row] = runNow(orm.select().from(ledgerRecounts).where(eq(ledgerRecounts.entryId, id)));
    return row === undefined ? null : { name, id, kind: "recount", seq: row.seq ?? 0, line: rules.encodeRecount(row) };
  } catch {
    return null;
  }
}
