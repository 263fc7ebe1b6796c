// A PostgreSQL database as an engine. Knows no table by name but the engine's own.

import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { GatewayError } from "../../ir/index.ts";
import type { Db, Engine, EngineOptions, Query, Steps } from "../engine.ts";
import { type Redact, createRedactor } from "../../lib/redact.ts";
import { appendChanges } from "../change.ts";
import { ANY_DATABASE, explainStoreError } from "../error.ts";
import { insertEntries, insertShipment, ping, readCounters, touchKeys } from "./hot.ts";
import { advanceRollups, packSheets, readSnapshot } from "./desk.ts";
import { migratePostgres } from "./migrate.ts";
import { createPool, isLoss, undeadlocked, withDeadline } from "./pool.ts";
import { schema } from "./schema.ts";
import { readValues, sheets } from "./sheet.ts";

const CONNECT_TIMEOUT_S = 5;
/** Connections of the hot statements: one for the ledger's writes, one for the poll. The rest are drizzle's. */
const HOT_CONNECTIONS = 2;
/** Requests wait for these, so they fail rather than wait longer. */
const HOT_DEADLINE_MS = 5000;
const DEADLINE_MS = 30_000;
/** Reports may have rows by the million to read. */
const REPORT_DEADLINE_MS = 300_000;
/** How long a close waits for queries that are running. */
const CLOSE_TIMEOUT_S = 5;

/** Throws a GatewayError that names host and database, never the password. */
export async function openPostgres(options: EngineOptions): Promise<Engine> {
  const place = describeDsn(options.location);
  const client = connect(options, HOT_CONNECTIONS);
  let isPooled = false;
  try {
    await reach(client);
    isPooled = await findPooler(client);
    await undeadlocked(() => migratePostgres(client, place));
  } catch (error) {
    throw explainStoreError(error, place);
  } finally {
    await client.end({ timeout: CLOSE_TIMEOUT_S });
  }
  return assemble(options, isPooled);
}

/** A pooler gives keys of its own to cancel by, in which the server's process is another one. */
async function findPooler(client: postgres.Sql): Promise<boolean> {
  const found = await client.unsafe<{ pid: number }[]>("select pg_backend_pid() as pid");
  return found[0]?.pid !== found.state.pid;
}

/** Thrown to undo a transaction that found nothing to do. */
class NothingFound extends Error {}

function assemble(options: EngineOptions, isPooled: boolean): Engine {
  const close = (client: postgres.Sql) => client.end({ timeout: CLOSE_TIMEOUT_S });
  // Two clients: drizzle changes how its client writes dates and JSON, and raw statements on the same one would fail.
  // What one connection of a pooler prepared, the next one may not know; and PgBouncer 1.18 never answers what it is sent before the answer to the last.
  const most = (connections: number): number => (isPooled ? connections : Number.POSITIVE_INFINITY);
  const hot = createPool(() => connect(options, HOT_CONNECTIONS, {}, !isPooled), close, most(HOT_CONNECTIONS));
  const redact = options.redact ?? createRedactor([]);
  const size = Math.max(1, options.database.maxConnections - HOT_CONNECTIONS);
  const common = createPool(
    () => {
      const client = connect(options, size);
      return { client, db: toDb(client) };
    },
    ({ client }) => close(client),
    most(size),
  );
  return {
    name: "postgres",
    schema,
    read: (build) => explained(common.repeat(DEADLINE_MS, ({ db }) => build(db))),
    readValues: (build) =>
      explained(
        common.repeat(DEADLINE_MS, ({ client, db }) => {
          const { sql, params } = build(db).toSQL();
          return client.unsafe(sql, params as postgres.ParameterOrJSON<never>[]).values();
        }),
      ),
    // Not repeated: it may have been committed when the connection broke.
    atomic: (build) => explained(common.once(DEADLINE_MS, ({ db }) => transact(db, build, redact))),
    readCounters: () => explained(hot.repeat(HOT_DEADLINE_MS, readCounters)),
    touchKeys: (uses) => explained(hot.repeat(HOT_DEADLINE_MS, (sql) => touchKeys(sql, uses))),
    // A row that is already there is left alone, so a repetition books nothing twice.
    append: (entries) => explained(hot.repeat(HOT_DEADLINE_MS, (sql) => insertEntries(sql, entries))),
    deliver: (shipment) => explained(hot.repeat(DEADLINE_MS, (sql) => insertShipment(sql, shipment))),
    snapshot: (work) => explained(common.repeat(REPORT_DEADLINE_MS, ({ db }) => readSnapshot(db, work))),
    // Not repeated, either: sums are added to what is there.
    advance: (find) => explained(common.once(REPORT_DEADLINE_MS, ({ db }) => advanceRollups(db, find))),
    values: readValues,
    sheets,
    // What was packed is there already, or it is packed again.
    pack: (find) => explained(common.once(REPORT_DEADLINE_MS, ({ db }) => packSheets(db, find))),
    ping: () => explained(hot.repeat(HOT_DEADLINE_MS, ping)),
    async close() {
      await Promise.all([hot.end(), common.end()]);
    },
  };
}

/** All that `work` reads is of one moment, over a connection of its own, and may take its time. */
export async function openSnapshot<T>(location: string, work: (db: Db) => Promise<T>): Promise<T> {
  const database = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };
  const client = await reachWith(UNHURRIED, (settings) => connect({ location, database }, 1, settings));
  try {
    return await readSnapshot(toDb(client), work);
  } finally {
    await client.end({ timeout: CLOSE_TIMEOUT_S });
  }
}

/** Whatever the role or the database has for those whom somebody waits for. */
export const UNHURRIED = { idle_in_transaction_session_timeout: "0", statement_timeout: "0" };

/** A null that lies in JSON is left to its column, as that of SQLite is: drizzle takes one of the database for what no column need look at. */
export function toDb(client: postgres.Sql): Db {
  const db = drizzle({ client });
  client.options.parsers[JSONB] = (text: string): unknown => (text === "null" ? text : JSON.parse(text));
  return db;
}

/** Of the type, in PostgreSQL's own tables. */
const JSONB = 3802;

/** On this engine drizzle's transaction is one. Isolation is said, for a database may have another default and then refuse waiters. */
async function transact<Row>(db: Db, build: (db: Db) => Steps<Row>, redact: Redact): Promise<Row[]> {
  try {
    return await db.transaction(
      async (tx) => {
        const own = tx as unknown as Db;
        const steps = build(own);
        for (const query of steps.before ?? []) await query;
        const was = (await steps.note?.was) ?? [];
        const rows = await steps.decisive;
        if (rows.length === 0) throw new NothingFound();
        for (const query of steps.after ?? []) await query;
        if (steps.note !== undefined) {
          const { by, tell } = steps.note;
          await runAll(appendChanges({ name: "postgres", db: own, schema, redact }, by, tell(rows, was)));
        }
        return rows;
      },
      { isolationLevel: "read committed" },
    );
  } catch (error) {
    if (error instanceof NothingFound) return [];
    throw error;
  }
}

/** Each query of a series that goes on by what the one before answered. */
async function runAll(series: Generator<Query, unknown, unknown>): Promise<void> {
  for (let step = series.next(); step.done !== true; step = series.next(await step.value));
}

async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw explainStoreError(error, ANY_DATABASE);
  }
}

/** Throws a GatewayError that repeats nothing of the DSN. */
export function connect(
  { location, database }: EngineOptions,
  max: number,
  settings: Settings = {},
  prepare = false,
): postgres.Sql {
  // By this the driver would take the server that is asked for, which can be written, for another one.
  const { default_transaction_read_only: _, ...others } = settings;
  const own = location.includes("target_session_attrs=") ? others : settings;
  try {
    const client = postgres(location, {
      max,
      // 0 stands for "never" in both.
      idle_timeout: database.maxIdleMs / 1000,
      max_lifetime: database.maxLifetimeMs === 0 ? null : database.maxLifetimeMs / 1000,
      connect_timeout: CONNECT_TIMEOUT_S,
      prepare,
      // A connection that ends while the driver asks for these would be nobody's failure, and end a whole thread. No column holds a list.
      fetch_types: false,
      // Dates are read as this style writes them, whatever the role or the database has.
      connection: { application_name: "tokligence", DateStyle: "ISO", TimeZone: "UTC", ...own },
      onnotice: () => {},
    });
    client.begin = guardBegin(client.begin) as typeof client.begin;
    return client;
  } catch {
    // Without the cause: the driver's message repeats the DSN, password and all.
    throw new GatewayError({
      kind: "not_configured",
      message:
        "The DSN of the database cannot be read; it looks like postgres://user:password@host:5432/database, with special characters percent-encoded.",
    });
  }
}

type Work = (tx: postgres.TransactionSql) => unknown;

/**
 * Of a transaction whose connection is gone the driver 3.4.9 still sends what comes next, such as its `rollback`, to nowhere: that ends the process, or never
 * comes back. So nothing of it comes next.
 */
function guardBegin(begin: (options: string, work: Work) => Promise<unknown>) {
  return async (...args: [Work] | [string, Work]): Promise<unknown> => {
    const [options, work] = args.length === 1 ? ["", args[0]] : args;
    const state: { cause: Error | null; end: Error | null } = { cause: null, end: null };
    const ended = Promise.withResolvers<void>();
    const pass = <T>(part: T): T => {
      if (state.end !== null) throw state.end;
      return part;
    };
    const running = begin(options, async (tx) => {
      try {
        return await work(
          new Proxy(tx, {
            apply: (target, self, values) => Reflect.apply(pass(target), self, values),
            get: (target, key) => Reflect.get(pass(target), key),
          }),
        );
      } catch (error) {
        if (error instanceof Error && isLoss(error)) {
          state.cause = error;
          // It may be another connection, such as the one that is written to from this one.
          await withDeadline(ended.promise, END_MS).catch(() => undefined);
        }
        // The end of the connection has ended the transaction.
        return state.end === null ? Promise.reject(error) : new Promise(() => undefined);
      }
    });
    try {
      return await running;
    } catch (error) {
      state.end = error instanceof Error ? error : new Error(String(error));
      ended.resolve();
      throw state.cause ?? state.end;
    }
  };
}

/** A server that says that it ends a connection does so within moments. */
const END_MS = 1_000;

/**
 * Rejects where there is no connection in time. The driver counts each try by itself, and where one is closed before the login, as proxies do
 * whose server is down, it tries again without end.
 */
export async function reach(client: postgres.Sql): Promise<void> {
  try {
    await withDeadline(client`select 1`, CONNECT_TIMEOUT_S * 1000);
  } catch (error) {
    await client.end({ timeout: 0 });
    throw error;
  }
}

/**
 * A client that is connected, with settings that nothing depends on: a pooler may refuse them, and is then asked without.
 */
export async function reachWith(settings: Settings, open: (settings: Settings) => postgres.Sql): Promise<postgres.Sql> {
  const client = open(settings);
  try {
    await reach(client);
    return client;
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("unsupported startup parameter"))) throw error;
  }
  const plain = open({});
  await reach(plain);
  return plain;
}

/** Of the server's, for each connection. */
type Settings = Readonly<Record<string, string>>;

/** Host and database of a DSN for messages. Where it is not certain which part is the password, none of it is shown. */
export function describeDsn(dsn: string): string {
  const url = URL.canParse(dsn) ? new URL(dsn) : null;
  if (url === null || url.hash !== "" || url.pathname.includes("@")) return "PostgreSQL";
  return `PostgreSQL at ${url.host === "" ? "the local socket" : url.host}${url.pathname}`;
}
