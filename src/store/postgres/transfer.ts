// A PostgreSQL database as an end of a move: rows by copying them out and in. Knows no rule of what moves.

import type postgres from "postgres";
import { explainStoreError } from "../error.ts";
import { isEarlier } from "../migration.ts";
import { CREATE_ACCOUNT, INDEX_PART, type StoredMark, toAccount } from "../transfer/account.ts";
import type { End, EndOptions, Mark, RowQuery, Snapshot } from "../transfer/end.ts";
import { type ColumnPlan, TABLES, type TablePlan } from "../transfer/plan.ts";
import type { Cell, Row } from "../transfer/row.ts";
import { makeLineReader, pickColumns, printMoment } from "./copy-text.ts";
import { readCopy } from "./copy.ts";
import { startLoad } from "./load.ts";
import { listEarlier } from "./migrate.ts";
import { connect, describeDsn, openPostgres, reach } from "./open.ts";
import { planPrint } from "./print-row.ts";

const DATABASE = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };
const CLOSE_TIMEOUT_S = 5;
/** What gateways call themselves, and what a move does. */
const GATEWAY = "tokligence";
const SELF = "tokligence migrate";

/** Rows by the million are put in order, and nothing else is done on this connection. */
const UNHURRIED =
  "set local idle_in_transaction_session_timeout = 0; set local statement_timeout = 0; set local work_mem = '128MB'";

/** A page and how far it goes are lost together, if at all: until the end nothing waits for the server's disk. */
const HASTE = { synchronous_commit: "off" };

export function openPostgresEnd({ location, isTarget }: EndOptions): End {
  const place = describeDsn(location);
  const settings = { application_name: SELF, ...(isTarget ? HASTE : { default_transaction_read_only: "on" }) };
  let opened: postgres.Sql | null = null;
  const open = (): postgres.Sql => (opened ??= connect({ location, database: DATABASE }, 1, settings));
  const attempt = async <T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> => {
    try {
      return await work(open());
    } catch (error) {
      throw explainStoreError(error, place);
    }
  };
  return {
    engine: "postgres",
    place,
    name: nameDatabase(location),
    look: () =>
      attempt(async (sql) => {
        await reach(sql);
        return look(sql);
      }),
    prepare: () => attempt(async () => (await openPostgres({ location, database: DATABASE })).close()),
    async snapshot(work) {
      // A connection of its own, for it is held all along.
      const client = connect({ location, database: DATABASE }, 1, settings);
      try {
        return (await client.begin("isolation level repeatable read read only", async (tx) => {
          await tx.unsafe(UNHURRIED);
          return work(readFrom(tx));
        })) as Awaited<ReturnType<typeof work>>;
      } catch (error) {
        throw explainStoreError(error, place);
      } finally {
        await client.end({ timeout: CLOSE_TIMEOUT_S });
      }
    },
    account: () =>
      attempt(async (sql) => {
        if (!(await hasTable(sql, "tokligence_copies"))) return null;
        return toAccount(await sql<StoredMark[]>`select part, last, is_done from tokligence_copies`);
      }),
    begin: (source) =>
      attempt(async (sql) => {
        await sql.begin(async (tx) => {
          await tx.unsafe(CREATE_ACCOUNT);
          await dropIndexes(tx);
          await putMark(tx, { part: "", last: source, isDone: false });
        });
      }),
    load(table) {
      const own = startLoad({ sql: open(), table, putMark });
      return {
        add: (rows) => attempt(() => own.add(rows)),
        commit: (mark) => attempt(() => own.commit(mark)),
        abort: own.abort,
      };
    },
    write: (table, rows, mark) =>
      attempt(async (sql) => {
        await sql.begin(async (tx) => {
          if (rows.length > 0) await tx.unsafe(printUpsert(table), [printRows(table, rows)]);
          if (mark !== null) await putMark(tx, mark);
        });
      }),
    remove: (table, ids) =>
      attempt(async (sql) => {
        const list = JSON.stringify(ids);
        await sql.unsafe(
          `delete from ${table.name} where "${table.id}" in (select json_array_elements_text($1::text::json))`,
          [list],
        );
      }),
    findUser: () => attempt((sql) => findUser(sql, place)),
    settle: (tell) =>
      attempt(async (sql) => {
        await buildIndexes(sql, tell);
        // From here on, and all that was before.
        await sql.unsafe("set synchronous_commit = on");
        await sql.unsafe(`analyze ${TABLES.map(({ name }) => name).join(", ")}`);
      }),
    async close() {
      await opened?.end({ timeout: CLOSE_TIMEOUT_S });
    },
  };
}

/** Whoever logs in with whatever password. */
function nameDatabase(dsn: string): string {
  if (!URL.canParse(dsn)) return "postgres:";
  const { hostname, port, pathname, searchParams } = new URL(dsn);
  const host = hostname === "" ? (searchParams.get("host") ?? "local") : hostname;
  return `postgres:${host}:${port === "" ? "5432" : port}${pathname}`;
}

async function look(sql: postgres.Sql): ReturnType<End["look"]> {
  if (await hasTable(sql, "tokligence_migrations")) return "ours";
  if (isEarlier(await listEarlier(sql))) return "older-edition";
  const [{ tables }] = await sql<[{ tables: string }]>`
    select count(*) as tables from pg_class
    where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm')`;
  return tables === "0" ? "empty" : "foreign";
}

async function hasTable(sql: postgres.Sql, name: string): Promise<boolean> {
  const [found] = await sql<[{ exists: boolean }]>`select to_regclass(${name}) is not null as exists`;
  return found.exists;
}

async function findUser(sql: postgres.Sql, place: string): Promise<string | null> {
  const [{ users }] = await sql<[{ users: string }]>`
    select count(*) as users from pg_stat_activity
    where datname = current_database() and application_name = ${GATEWAY} and pid <> pg_backend_pid()`;
  return users === "0" ? null : `a gateway is connected to ${place}`;
}

function readFrom(sql: postgres.TransactionSql): Snapshot {
  return {
    async count({ name }) {
      const [found] = await sql.unsafe<{ rows: string }[]>(`select count(*) as rows from ${name}`);
      return Number(found?.rows ?? 0);
    },
    rows: (table, query) => readRows(sql, table, query),
    async *print(table, add) {
      let rows = 0;
      const { select, take } = planPrint(table, add);
      const copy = `copy (select ${select} from ${table.name}) to stdout (format binary)`;
      for await (const _ of readCopy(sql, copy, (piece) => void (rows += take(piece)))) {
        yield rows;
        rows = 0;
      }
    },
    async total({ name }, columns) {
      const sums = columns.map((column) => `coalesce(sum("${column}"), 0)::text as "${column}"`);
      const [found] = await sql.unsafe<Record<string, string>[]>(`select ${sums.join(", ")} from ${name}`);
      return Object.fromEntries(columns.map((column) => [column, BigInt(found?.[column] ?? 0)]));
    },
  };
}

async function* readRows(
  sql: postgres.TransactionSql,
  table: TablePlan,
  { after = null, isOrdered }: RowQuery,
): AsyncGenerator<Row[]> {
  // Its bytes say the order, as in a file, wherever the database was made.
  const id = `"${table.id}" collate "C"`;
  // A copy takes no values of its own; so written, the id can be nothing but a text.
  const place = `convert_from(decode('${Buffer.from(after ?? "").toString("hex")}', 'hex'), 'UTF8')`;
  const where = after === null ? "" : ` where ${id} > ${place}`;
  const order = isOrdered || after !== null ? ` order by ${id}` : "";
  const copy = `copy (select ${pickColumns(table)} from ${table.name}${where}${order}) to stdout`;
  const reader = makeLineReader(table);
  for await (const _ of readCopy(sql, copy, reader.take)) yield reader.read();
}

/** Those that promise nothing: to put each row into them costs more than all else together. */
async function dropIndexes(sql: postgres.TransactionSql): Promise<void> {
  const found = await sql<{ name: string; definition: string }[]>`
    select own.relname as name, pg_get_indexdef(own.oid) as definition
    from pg_index join pg_class as own on own.oid = indexrelid join pg_class as whole on whole.oid = indrelid
    where whole.relnamespace = current_schema()::regnamespace and not indisunique
      and whole.relname in ${sql(TABLES.map(({ name }) => name))}
    order by own.relname`;
  for (const { name, definition } of found) {
    await putMark(sql, { part: `${INDEX_PART}${name}`, last: definition, isDone: false });
    await sql`drop index ${sql(name)}`;
  }
}

async function buildIndexes(sql: postgres.Sql, tell: (done: number, total: number) => void): Promise<void> {
  const missing = await sql<StoredMark[]>`
    select part, last, is_done from tokligence_copies where part like ${`${INDEX_PART}%`} order by part`;
  await sql.unsafe("set maintenance_work_mem = '256MB'");
  for (const [done, { part, last: definition }] of missing.entries()) {
    tell(done, missing.length);
    await sql.begin(async (tx) => {
      await tx.unsafe(definition);
      await tx`delete from tokligence_copies where part = ${part}`;
    });
  }
}

function printUpsert({ name, columns, id }: TablePlan): string {
  const names = columns.map((column) => `"${column.name}"`);
  const changed = names.filter((column) => column !== `"${id}"`).map((column) => `${column} = excluded.${column}`);
  const fields = columns.map(({ type }, at) => `c${at} ${type}`);
  return `insert into ${name} (${names.join(", ")}) select ${columns.map((_, at) => `c${at}`).join(", ")}
    from json_to_recordset($1::text::json) as r(${fields.join(", ")})
    on conflict ("${id}") do update set ${changed.join(", ")}`;
}

/** One JSON text for any number of rows: no limit on parameters. */
function printRows({ columns }: TablePlan, rows: readonly Row[]): string {
  const printed = rows.map((row) => {
    const cells = row.flatMap((cell, at) => (cell === null ? [] : [`"c${at}":${printCell(columns[at]?.kind, cell)}`]));
    return `{${cells.join(",")}}`;
  });
  return `[${printed.join(",")}]`;
}

function printCell(kind: ColumnPlan["kind"] | undefined, cell: Exclude<Cell, null>): string {
  if (kind === "json") return checkJson(String(cell));
  if (kind === "time") return JSON.stringify(printMoment(cell));
  return JSON.stringify(cell);
}

/** What is none could pass for the next field. */
function checkJson(text: string): string {
  if (text === "[]" || text === "{}") return text;
  try {
    JSON.parse(text);
    return text;
  } catch {
    throw new Error("it holds JSON that cannot be read");
  }
}

function putMark(sql: postgres.ISql, { part, last, isDone }: Mark): PromiseLike<unknown> {
  return sql`
    insert into tokligence_copies (part, last, is_done) values (${part}, ${last}, ${isDone ? 1 : 0})
    on conflict (part) do update set last = excluded.last, is_done = excluded.is_done`;
}
