// A PostgreSQL database that is only looked at: how it is reached, and how it is set up. Knows no table by name.

import type postgres from "postgres";
import type { EngineOptions } from "../engine.ts";
import { ANY_DATABASE, explainStoreError } from "../error.ts";
import { type Glance, judgeSchema, makeReader } from "../glance.ts";
import { SELECT_APPLIED } from "../migration.ts";
import { migrations } from "./migration/index.ts";
import { connect, describeDsn, reachWith, toDb } from "./open.ts";
import { createTurns } from "./pool.ts";
import { schema } from "./schema.ts";

export interface PostgresFacts {
  engine: "postgres";
  /** Host and database, never the password. */
  place: string;
  /** As the server writes it, `15.4`. */
  version: string;
  versionNumber: number;
  /** Of the quickest of a few questions. */
  latencyMs: number;
  /** How far its clock is ahead of ours. */
  skewMs: number;
  /** What it allows those who are no superusers, and how many are open now. */
  maxConnections: number;
  connections: number;
  /** A standby, or one that only reads. */
  isReadOnly: boolean;
  isTls: boolean;
  /** The other ends of connections to this database, as far as they may be seen. */
  clientPorts: number[];
}

const QUESTIONS = 3;
/** Nobody waits longer for a single statement. */
const STATEMENT_TIMEOUT_MS = 5_000;

export async function glanceAtPostgres({ location }: EngineOptions): Promise<Glance> {
  const place = describeDsn(location);
  const database = { maxConnections: 2, maxIdleMs: 0, maxLifetimeMs: 0 };
  const settings = { default_transaction_read_only: "on", statement_timeout: String(STATEMENT_TIMEOUT_MS) };
  const open = (): Promise<postgres.Sql> => reachWith(settings, (taken) => connect({ location, database }, 1, taken));
  const clients: postgres.Sql[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(clients.map((each) => each.end({ timeout: 1 })));
  };
  try {
    const client = await open();
    clients.push(client);
    // Another one: drizzle changes how its client writes dates and JSON.
    const second = await open();
    clients.push(second);
    const facts = { engine: "postgres" as const, place, ...(await readSetup(client)), ...(await readClock(client)) };
    const [{ exists }] = await client<
      [{ exists: boolean }]
    >`select to_regclass('tokligence_migrations') is not null as exists`;
    const applied = exists ? await client.unsafe<{ name: string }[]>(SELECT_APPLIED) : [];
    const tables = await client<{ name: string }[]>`
      select relname as name from pg_class
      where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') order by relname`;
    const db = toDb(second);
    // One after the other: a pooler may lose what comes before the answer to the last.
    const take = createTurns(1);
    return {
      engine: makeReader({
        name: "postgres",
        schema,
        async read(build) {
          try {
            return await take(() => build(db));
          } catch (error) {
            throw explainStoreError(error, ANY_DATABASE);
          }
        },
      }),
      schema: judgeSchema(
        { known: migrations, schema },
        { applied: applied.map(({ name }) => name), tables: tables.map(({ name }) => name) },
      ),
      facts,
      close,
    };
  } catch (error) {
    await close();
    throw explainStoreError(error, place);
  }
}

interface Setup {
  version: string;
  number: number;
  most: number;
  reserved: number;
  open: number;
  standby: boolean;
  tls: boolean | null;
  frozen: boolean;
  ports: number[] | null;
}

async function readSetup(sql: postgres.Sql) {
  const [row] = await sql<[Setup]>`
    select current_setting('server_version') as version,
           current_setting('server_version_num')::int as number,
           current_setting('max_connections')::int as most,
           current_setting('superuser_reserved_connections')::int as reserved,
           (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as open,
           pg_is_in_recovery() as standby,
           (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as tls,
           coalesce((select 'default_transaction_read_only=on' = any(setconfig) from pg_db_role_setting
                     where setdatabase = (select oid from pg_database where datname = current_database())
                     limit 1), false) as frozen,
           (select json_agg(client_port) from pg_stat_activity
            where datname = current_database() and client_port > 0 and pid <> pg_backend_pid()) as ports`;
  return {
    version: row.version,
    versionNumber: row.number,
    maxConnections: row.most - row.reserved,
    // The two that ask are gone in a moment.
    connections: Math.max(0, row.open - 2),
    isReadOnly: row.standby || row.frozen,
    isTls: row.tls === true,
    clientPorts: row.ports ?? [],
  };
}

/** By the quickest question, whose answer is nearest to its middle. */
async function readClock(sql: postgres.Sql): Promise<{ latencyMs: number; skewMs: number }> {
  let best = { latencyMs: Number.POSITIVE_INFINITY, skewMs: 0 };
  for (let asked = 0; asked < QUESTIONS; asked++) {
    const [wall, from] = [Date.now(), performance.now()];
    const [{ ms }] = await sql<[{ ms: number }]>`select extract(epoch from clock_timestamp())::float8 * 1000 as ms`;
    const latencyMs = performance.now() - from;
    if (latencyMs < best.latencyMs) best = { latencyMs, skewMs: Math.round(ms - (wall + latencyMs / 2)) };
  }
  return { ...best, latencyMs: Math.round(best.latencyMs * 10) / 10 };
}
