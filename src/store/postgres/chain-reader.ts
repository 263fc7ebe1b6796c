// Chains in PostgreSQL, read for verification: over a connection that cannot write. Knows no rule of chains.

import { type Column, getTableColumns, type Table } from "drizzle-orm";
import type { ChainFields, ChainReader, ChainTable, NamedRow, RowRange } from "../../audit/verify/reader.ts";
import { type ChainRow, type HeadRow, findLoose, toChain, toHead } from "../chain-row.ts";
import { type Dialect, planText } from "../chain-text.ts";
import { explainStoreError } from "../error.ts";
import { connect, describeDsn } from "./open.ts";
import { ledgerEntries, ledgerRecounts } from "./schema.ts";

const IDS = { ledger_entries: "id", ledger_recounts: "entry_id" } as const;

/** `to_json` of text is as RFC 8785 has it; the order and numbers of stored JSON, and real numbers, are not. */
const DIALECT: Dialect = {
  toJson(column: Column, name: string) {
    const type = column.getSQLType();
    if (type === "double precision" || type === "jsonb") return null;
    if (type.startsWith("timestamp")) return `trim_scale(extract(epoch from ${name})::numeric * 1000)::text`;
    return `to_json(${name})::text`;
  },
  toValue: (column, name) => (column.getSQLType() === "jsonb" ? `${name}::text` : name),
};

const DATABASE = { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 };

export function openPostgresChains(location: string, fields: ChainFields): ChainReader {
  const plans = {
    ledger_entries: planText("ledger_entries", {
      columns: getTableColumns<Table>(ledgerEntries),
      fields: fields.ledger_entries,
      dialect: DIALECT,
    }),
    ledger_recounts: planText("ledger_recounts", {
      columns: getTableColumns<Table>(ledgerRecounts),
      fields: fields.ledger_recounts,
      dialect: DIALECT,
    }),
  } as const;
  const sql = connect({ location, database: DATABASE }, 1, { default_transaction_read_only: "on" });
  const all = async <T>(text: string, values: (number | string | null)[] = []): Promise<T[]> => {
    try {
      // The driver types rows by what they are not.
      return (await sql.unsafe(text, values)) as unknown as T[];
    } catch (error) {
      throw explainStoreError(error, describeDsn(location));
    }
  };
  const read = async (table: ChainTable, { chain, after, through, limit }: RowRange) => {
    const { select, toRow } = plans[table];
    const text = `select ${select} from ${table} where chain = $1 and seq > $2 and seq <= $3 order by seq limit $4`;
    try {
      const rows = await sql.unsafe(text, [chain, after, through, limit]).values();
      return (rows as unknown as unknown[][]).map(toRow);
    } catch (error) {
      throw explainStoreError(error, describeDsn(location));
    }
  };
  return {
    chains: async () => (await all<ChainRow>("select * from ledger_chains order by started_at, chain")).map(toChain),
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
    rows: read,
    async recheck(table, chain, seq): Promise<NamedRow | null> {
      const [row] = await read(table, { chain, after: seq - 1, through: seq, limit: 1 });
      const [named] = await all<{ id: string }>(
        `select ${IDS[table]} as id from ${table} where chain = $1 and seq = $2`,
        [chain, seq],
      );
      return row === undefined || named === undefined ? null : { ...row, id: named.id };
    },
    async loose(limit) {
      const search = { ask: all, mark: "$1", outside: OUTSIDE, limit };
      const entries = await findLoose("ledger_entries", { ...search, id: IDS.ledger_entries });
      return [...entries, ...(await findLoose("ledger_recounts", { ...search, id: IDS.ledger_recounts }))];
    },
    close: () => sql.end({ timeout: CLOSE_TIMEOUT_S }),
  };
}

const CLOSE_TIMEOUT_S = 5;

/** What stands in a chain's order; beyond it, numbers are not told apart. */
const IN_ORDER = `seq >= 1 and seq <= ${Number.MAX_SAFE_INTEGER}`;

const OUTSIDE = ["seq is null", "seq < 1", `seq > ${Number.MAX_SAFE_INTEGER}`];
