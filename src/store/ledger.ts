// The books in a database, whichever engine it is: rows in pages. Knows neither prices nor who may read them.

import { and, asc, eq, gte, inArray, or, sql } from "drizzle-orm";
import { invalidRequest } from "../ir/index.ts";
import type { Direction, LedgerStore, SealedEntry } from "../ledger/index.ts";
import { cleanText } from "../lib/text.ts";
import { chooseRemoval, readMarks } from "./chain-mark.ts";
import { chunk } from "./chunk.ts";
import type { Engine } from "./engine.ts";
import { type Past, readPage } from "./ledger-page.ts";
import { readReport } from "./report/report.ts";
import { createRetention } from "./retention.ts";
import { MAX_MS } from "./row-guard.ts";
import { rebuildSums } from "./rollup/rebuild.ts";
import { hasUnsummed } from "./rollup/rollup.ts";
import { createRollUp } from "./rollup/step.ts";
import { pickSums } from "./sums.ts";

export function createLedgerStore(engine: Engine): LedgerStore {
  const { ledgerEntries: table, ledgerPayloads } = engine.schema;
  return {
    append: (entries) => engine.append(entries),
    async findIds(ids) {
      const found = new Set<string>();
      for (const some of chunk(ids)) {
        const rows = await engine.read((db) => db.select({ id: table.id }).from(table).where(inArray(table.id, some)));
        for (const { id } of rows) found.add(id);
      }
      return found;
    },
    listEnds: (keyId, also) => {
      const { chain, seq, hash, keyId: signer } = engine.schema.ledgerChains;
      const isAsked = or(eq(signer, keyId), also === null ? undefined : eq(chain, also));
      return engine.read((db) => db.select({ chain, seq, hash }).from(engine.schema.ledgerChains).where(isAsked));
    },
    page: (filter, limit, cursor) =>
      engine.snapshot(async (db) => {
        const past = cursor === null ? null : readCursor(cursor);
        // One more than asked for tells whether there is a next page.
        const found = await readPage(engine, db, { filter, past, order: "newest", most: limit + 1 });
        const { entries, nextCursor } = cut(found, limit);
        const ids = entries.filter(({ kind }) => kind === "call").map(({ id }) => id);
        const corrections = await db
          .select()
          .from(table)
          .where(inArray(table.corrects, ids))
          .orderBy(asc(table.createdAt), asc(table.id));
        const removedBefore = chooseRemoval(await readMarks(engine, db), filter.from);
        return { entries, corrections, nextCursor, removedBefore };
      }),
    async corrections(ids) {
      if (ids.length === 0) return [];
      return engine.read((db) =>
        db
          .select()
          .from(table)
          .where(inArray(table.corrects, [...ids]))
          .orderBy(asc(table.createdAt), asc(table.id)),
      );
    },
    readOldest: (filter, limit, cursor) =>
      engine.snapshot(async (db) => {
        const past = cursor === null ? null : readCursor(cursor);
        const found = await readPage(engine, db, { filter, past, order: "oldest", most: limit + 1 });
        return cut(found, limit);
      }),
    listUntold: (since) =>
      engine.snapshot(async (db) => {
        const hasAnswer = sql`cast(${table.attempts} as text) like '%"answerId"%'`;
        const entries: SealedEntry[] = await db
          .select()
          .from(table)
          .where(and(gte(table.createdAt, since), eq(table.usageSource, "estimate"), hasAnswer))
          .limit(MAX_UNTOLD);
        const ids = entries.map(({ id }) => id);
        return { entries, corrections: await db.select().from(table).where(inArray(table.corrects, ids)) };
      }),
    report: (query) => readReport(engine, query),
    async summarize(filter) {
      const { groups } = await readReport(engine, { filter, by: [], edges: [] });
      const find = (side: Direction) => groups.find(({ direction }) => direction === side)?.sums ?? pickSums({});
      return { consume: find("consume"), supply: find("supply") };
    },
    async findPayload(entryId) {
      const rows = await engine.snapshot((db) =>
        db
          .select()
          .from(ledgerPayloads)
          .where(eq(ledgerPayloads.entryId, cleanText(entryId))),
      );
      return rows[0] ?? null;
    },
    async putPayloads(payloads) {
      if (payloads.length === 0) return;
      await engine.atomic((db) => ({
        decisive: db
          .insert(ledgerPayloads)
          .values([...payloads])
          .onConflictDoNothing()
          .returning({ id: ledgerPayloads.entryId }),
      }));
    },
    ...createRetention(engine),
    hasUnsummed: () => hasUnsummed(engine),
    rollUp: createRollUp(engine),
    async listOddMarks() {
      const marks = await engine.read((db) => readMarks(engine, db));
      return marks.flatMap(({ chain, isOdd }) => (isOdd ? [chain] : [])).toSorted();
    },
    rebuildSums: (onDay) => rebuildSums(engine, onDay),
  };
}

/** More calls than are cut within the time in which a provider is asked. */
const MAX_UNTOLD = 5_000;

function cut(found: SealedEntry[], limit: number): { entries: SealedEntry[]; nextCursor: string | null } {
  const entries = found.slice(0, limit);
  const last = found.length > limit ? entries.at(-1) : undefined;
  return { entries, nextCursor: last === undefined ? null : `${last.createdAt.getTime().toString(36)}.${last.id}` };
}

const CURSOR = /^(?<at>[0-9a-z]{1,10})\.(?<id>[!-~]{1,200})$/u;

function readCursor(text: string): Past {
  const { at = "", id = "" } = CURSOR.exec(text)?.groups ?? {};
  const moment = new Date(Number.parseInt(at, 36));
  if (id !== "" && moment.getTime() < MAX_MS) return { at: moment, id };
  throw invalidRequest("The cursor is none of ours; give back a page's next cursor as it came.", "cursor");
}
