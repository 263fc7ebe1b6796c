// Rows copied into a table of PostgreSQL, in transactions of any length. Knows no rule of what moves.

import type { Writable } from "node:stream";
import type postgres from "postgres";
import type { Load, Mark } from "../transfer/end.ts";
import type { TablePlan } from "../transfer/plan.ts";
import { printLines } from "./copy-text.ts";

interface LoadInit {
  /** Of one connection. */
  sql: postgres.Sql;
  table: TablePlan;
  putMark: (sql: postgres.Sql, mark: Mark) => PromiseLike<unknown>;
}

interface Copying {
  write(text: string): Promise<void>;
  /** The server has been told that this was all; what it says to that is the answer to the next statement. */
  end(): Promise<void>;
}

export function startLoad({ sql, table, putMark }: LoadInit): Load {
  const names = table.columns.map(({ name }) => `"${name}"`).join(", ");
  let copying: Copying | null = null;
  return {
    async add(rows) {
      if (copying === null) {
        await sql.unsafe("begin");
        copying = await startCopy(sql, `copy ${table.name} (${names}) from stdin`);
      }
      await copying.write(printLines(table, rows));
    },
    async commit(mark) {
      await copying?.end();
      copying = null;
      // Where a row was refused, this is, too.
      await putMark(sql, mark);
      await sql.unsafe("commit");
    },
    async abort() {
      const left = copying;
      copying = null;
      await left?.end().catch(() => undefined);
      await sql.unsafe("rollback").catch(() => undefined);
    },
  };
}

async function startCopy(sql: postgres.Sql, statement: string): Promise<Copying> {
  const stream: Writable = await sql.unsafe(statement).writable();
  let failure: Error | null = null;
  const told = Promise.withResolvers<void>();
  stream.on("error", (error) => {
    failure ??= error;
    told.resolve();
  });
  stream.on("close", () => told.resolve());
  // The driver tells the stream's end only where the server agreed (postgres.js 3.4.9), so it is not waited for.
  // oxlint-disable-next-line no-underscore-dangle -- as Node names what is done at a stream's end
  const finish = stream._final.bind(stream);
  // oxlint-disable-next-line no-underscore-dangle -- likewise
  stream._final = (done) => {
    finish(done);
    told.resolve();
  };
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        if (failure !== null) return reject(failure);
        stream.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    async end() {
      stream.end();
      await told.promise;
      if (failure !== null) throw failure;
    },
  };
}
