// Chains in PostgreSQL, read for verification: over a connection that cannot write, unless a pooler keeps it from saying so. Knows no rule of chains.

import { getTableColumns, type Table } from "drizzle-orm";
import type { ChainRules, ChainReader, ChainTable, NamedRow, RawRow, RowRange } from "../../audit/verify/reader.ts";
import {
  type ChainRow,
  type HeadRow,
  type MarkRow,
  countUnchained,
  findLoose,
  toChain,
  toHead,
  toMark,
} from "../chain-row.ts";
import { explainStoreError } from "../error.ts";
import { pickPending, SELECT_APPLIED } from "../migration.ts";
import { planCopy } from "./copy-row.ts";
import { readCopy } from "./copy.ts";
import { migrations } from "./migration/index.ts";
import { connect, describeDsn, reachWith, UNHURRIED } from "./open.ts";
import { ledgerEntries, ledgerRecounts } from "./schema.ts";

const IDS = { ledger_entries: "id", ledger_recounts: "entry_id" } as const;

/** The rows of both tables come side by side, and one of them may be looked at again meanwhile. */
const CONNECTIONS = 3;
const SETTINGS = { ...UNHURRIED, default_transaction_read_only: "on", jit: "off" };
const DATABASE = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };

export async function openPostgresChains(location: string, rules: ChainRules): Promise<ChainReader> {
  const plans = {
    ledger_entries: planCopy({
      table: "ledger_entries",
      columns: getTableColumns<Table>(ledgerEntries),
      rules,
      id: "id",
    }),
    ledger_recounts: planCopy({
      table: "ledger_recounts",
      columns: getTableColumns<Table>(ledgerRecounts),
      rules,
      id: "entryId",
    }),
  } as const;
  const explained = async <T>(work: PromiseLike<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      throw explainStoreError(error, describeDsn(location));
    }
  };
  const sql = await explained(
    reachWith(SETTINGS, (settings) => connect({ location, database: DATABASE }, CONNECTIONS, settings)),
  );
  // The driver types rows by what they are not.
  const all = async <T>(text: string, values: (number | string | null)[] = []): Promise<T[]> =>
    (await explained(sql.unsafe(text, values))) as unknown as T[];
  const copy = (table: ChainTable, { chain, after, through }: RowRange, take: (piece: Buffer) => void) => {
    // A copy takes no values of its own; so written, the name can be nothing but a text.
    const name = `convert_from(decode('${Buffer.from(chain).toString("hex")}', 'hex'), 'UTF8')`;
    const where = `chain = ${name} and seq > ${toPlace(after)} and seq <= ${toPlace(through)}`;
    const rows = `select ${plans[table].select} from ${table} where ${where} order by ${table}.seq`;
    return readCopy(sql, `copy (${rows}) to stdout (format binary)`, take);
  };
  /** What this program does not know of rows must not pass for altered. */
  const refuseNewer = async (): Promise<void> => {
    if ((await all("select 1 where to_regclass('tokligence_migrations') is not null")).length === 0) return;
    const applied = (await all<{ name: string }>(SELECT_APPLIED)).map(({ name }) => name);
    pickPending(migrations, applied, describeDsn(location));
  };
  return {
    async chains() {
      await refuseNewer();
      return (await all<ChainRow>("select * from ledger_chains order by started_at, chain")).map(toChain);
    },
    async marked() {
      if ((await all("select 1 where to_regclass('ledger_marks') is not null")).length === 0) return [];
      return (await all<{ chain: string }>("select chain from ledger_marks")).map(({ chain }) => chain);
    },
    async mark(chain) {
      const rows = await all<MarkRow>("select * from ledger_marks where chain = $1", [chain]);
      return rows.map(toMark)[0] ?? null;
    },
    async heads(chain) {
      const rows = await all<HeadRow>("select * from ledger_heads where chain = $1 order by seq, signed_at", [chain]);
      return rows.map(toHead);
    },
    async extent(chain) {
      const [extent] = await all<{ rows: string; least: string | null; most: string | null }>(
        `select count(*) as rows, min(seq) as least, max(seq) as most from (
           select seq from ledger_entries where chain = $1 and ${IN_ORDER}
           union all select seq from ledger_recounts where chain = $1 and ${IN_ORDER}) as places`,
        [chain],
      );
      return { rows: Number(extent?.rows), least: Number(extent?.least), most: Number(extent?.most) };
    },
    async window(chain, from, to) {
      const [found] = await all<{ least: string | null; most: string | null }>(
        `select min(seq) as least, max(seq) as most from ledger_entries where chain = $1 and ${IN_ORDER}
            and created_at >= coalesce($2::text::timestamptz, '-infinity') and created_at < coalesce($3::text::timestamptz, 'infinity')`,
        [chain, from?.toISOString() ?? null, to?.toISOString() ?? null],
      );
      const { least, most } = found ?? { least: null, most: null };
      return least === null || most === null ? null : { least: Number(least), most: Number(most) };
    },
    async link(chain, seq) {
      const [row] = await all<{ hash: string | null }>(
        `select hash from ledger_entries where chain = $1 and seq = $2
           union all select hash from ledger_recounts where chain = $1 and seq = $2`,
        [chain, seq],
      );
      return row?.hash ?? null;
    },
    async *rows(table, range) {
      const { take } = plans[table].makeReader(range.chain);
      let batch: RawRow[] = [];
      const pieces = copy(table, range, (piece) => take(piece, (row) => void batch.push(row)));
      try {
        for await (const _ of pieces) {
          // More come while these are used.
          const rows = batch;
          batch = [];
          yield rows;
        }
      } catch (error) {
        throw explainStoreError(error, describeDsn(location));
      }
    },
    async recheck(table, chain, seq): Promise<NamedRow | null> {
      const { take } = plans[table].makeReader(chain);
      const named: NamedRow[] = [];
      const range = { chain, after: seq - 1, through: seq };
      const pieces = copy(table, range, (piece) => take(piece, (_, name) => void named.push(name())));
      try {
        for await (const _ of pieces);
      } catch (error) {
        throw explainStoreError(error, describeDsn(location));
      }
      return named[0] ?? null;
    },
    async loose(limit) {
      const search = { ask: all, mark: "$1", outside: OUTSIDE, limit };
      const entries = await findLoose("ledger_entries", { ...search, id: IDS.ledger_entries });
      return [...entries, ...(await findLoose("ledger_recounts", { ...search, id: IDS.ledger_recounts }))];
    },
    unchained: () => countUnchained(all),
    close: () => sql.end({ timeout: CLOSE_TIMEOUT_S }),
  };
}

const CLOSE_TIMEOUT_S = 5;

/** What stands in a chain's order; beyond it, numbers are not told apart. */
const IN_ORDER = `seq >= 1 and seq <= ${Number.MAX_SAFE_INTEGER}`;

const OUTSIDE = ["seq is null", "seq < 1", `seq > ${Number.MAX_SAFE_INTEGER}`];

function toPlace(place: number): string {
  return String(Math.max(-1, Math.min(Math.trunc(place), Number.MAX_SAFE_INTEGER)));
}
