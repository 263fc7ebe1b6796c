// Drizzle on a connection of bun:sqlite, run at once. Knows no table.

import type { Database, Statement } from "bun:sqlite";
import type { SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import type { Db, Query, ReadValues } from "../engine.ts";

/**
 * Drizzle on a connection, and the end of the statements it prepared and forgets: a file with one open never really closes.
 * Preparing and running happen in one go, so between two queries none is in use.
 */
export function toDb(client: Database): { db: Db; release(): void } {
  const open: Statement[] = [];
  const prepare = (text: string) => {
    const statement = client.prepare(text);
    open.push(statement);
    return statement;
  };
  // The only cast of the queries: the common part of drizzle has one shape and two types.
  const db = drizzle({ client: { prepare } as unknown as Database }) as unknown as Db;
  return {
    db,
    release() {
      for (const statement of open.splice(0)) statement.finalize();
    },
  };
}

/** Rows as lists of what SQLite gives. */
export const readValues: ReadValues = async (db, query) =>
  (db as unknown as { values(query: SQL): Promise<unknown[][]> }).values(query);

/** Runs a builder at once instead of in a later microtask. */
export function runNow<T>(query: Query<T>): T {
  const builder = query as unknown as { prepare(): { execute(): { sync(): T } } };
  return builder.prepare().execute().sync();
}
