// Chains in a SQLite file, read for verification: through a connection that cannot write. Knows no rule of chains.

import { Database } from "bun:sqlite";
import { getTableColumns, type Table } from "drizzle-orm";
import type {
  ChainRules,
  ChainReader,
  ChainTable,
  Extent,
  NamedRow,
  RawRow,
  RowRange,
} from "../../audit/verify/reader.ts";
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
import { planText, type TextPlan } from "./chain-text.ts";
import { migrations } from "./migration/index.ts";
import { ledgerEntries, ledgerRecounts } from "./schema.ts";

const TABLES = { ledger_entries: ledgerEntries, ledger_recounts: ledgerRecounts } as const;
const IDS = { ledger_entries: "id", ledger_recounts: "entry_id" } as const;
const BUSY_TIMEOUT_MS = 5000;

type Values = unknown[][];

/** Rows that are read at once: between two pages, a gateway that moves its log into the file gets its turn. */
const PAGE = 2_000;
/** Bytes that are no UTF-8 become this as they are read, and may not pass for it. */
const REPLACED = "\uFFFD";

export function openSqliteChains(location: string, rules: ChainRules): ChainReader {
  const db = openReader(location);
  const explained = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw explainStoreError(error, location);
    }
  };
  const prepareRows = (table: ChainTable, isCareful: boolean) => {
    const columns = getTableColumns<Table>(TABLES[table]);
    const plan = planText(table, { columns, rules, isCareful });
    return { plan, statement: explained(() => db.prepare(selectRows(table, plan))) };
  };
  const quick = {
    ledger_entries: prepareRows("ledger_entries", false),
    ledger_recounts: prepareRows("ledger_recounts", false),
  };
  const readCarefully = (table: ChainTable, { chain, after, through }: RowRange, limit: number) => {
    const { plan, statement } = prepareRows(table, true);
    try {
      return explained(() => (statement.values(chain, after, through, limit) as Values).map(plan.toRow));
    } finally {
      statement.finalize();
    }
  };
  const readPage = (table: ChainTable, range: RowRange): RawRow[] => {
    const { plan, statement } = quick[table];
    try {
      const rows = (statement.values(range.chain, range.after, range.through, PAGE) as Values).map(plan.toRow);
      if (!rows.some(({ text }) => text.includes(REPLACED))) return rows;
    } catch {
      // A blob among them is somebody's doing, and must not hide itself or the others.
    }
    return readCarefully(table, range, PAGE);
  };
  const all = <T>(sql: string, ...values: (number | string)[]): T[] =>
    explained(() => {
      const statement = db.prepare(sql);
      try {
        return statement.all(...values) as T[];
      } finally {
        statement.finalize();
      }
    });
  /** What this program does not know of rows must not pass for altered. */
  const refuseNewer = (): void => {
    if (all("select 1 from sqlite_master where name = 'tokligence_migrations'").length === 0) return;
    const applied = all<{ name: string }>(SELECT_APPLIED).map(({ name }) => name);
    pickPending(migrations, applied, location);
  };
  return {
    async chains() {
      refuseNewer();
      return all<ChainRow>("select * from ledger_chains order by started_at, chain").map(toChain);
    },
    async marked() {
      if (all("select 1 from sqlite_master where name = 'ledger_marks'").length === 0) return [];
      return all<{ chain: string }>("select chain from ledger_marks").map(({ chain }) => chain);
    },
    mark: async (chain) => all<MarkRow>("select * from ledger_marks where chain = ?", chain).map(toMark)[0] ?? null,
    heads: async (chain) =>
      all<HeadRow>("select * from ledger_heads where chain = ? order by seq, signed_at", chain).map(toHead),
    async extent(chain) {
      const [extent] = all<Extent>(
        `select count(*) as rows, coalesce(min(seq), 0) as least, coalesce(max(seq), 0) as most from (
           select seq from ledger_entries where chain = ?1 and ${IN_ORDER}
           union all select seq from ledger_recounts where chain = ?1 and ${IN_ORDER})`,
        chain,
      );
      return extent ?? { rows: 0, least: 0, most: 0 };
    },
    async window(chain, from, to) {
      const [found] = all<{ least: number | null; most: number | null }>(
        `select min(seq) as least, max(seq) as most from ledger_entries
          where chain = ? and ${IN_ORDER} and created_at >= ? and created_at < ?`,
        chain,
        from?.getTime() ?? 0,
        to?.getTime() ?? Number.MAX_SAFE_INTEGER,
      );
      const { least, most } = found ?? { least: null, most: null };
      return least === null || most === null ? null : { least, most };
    },
    async link(chain, seq) {
      const rows = (["ledger_entries", "ledger_recounts"] as const).flatMap((table) =>
        all<{ hash: string | null }>(`select hash from ${table} where chain = ? and seq = ?`, chain, seq),
      );
      return rows[0]?.hash ?? null;
    },
    *rows(table, { chain, after, through }) {
      for (let at = after; ;) {
        const page = readPage(table, { chain, after: at, through });
        if (page.length < PAGE) return void (yield page);
        // Others may be at the place of the last one: somebody put them there, and they must not fall between two pages.
        const last = page.findIndex(({ seq }) => seq === page.at(-1)?.seq);
        const whole = last === 0 ? page : page.slice(0, last);
        yield whole;
        at = whole.at(-1)?.seq ?? through;
      }
    },
    async recheck(table, chain, seq): Promise<NamedRow | null> {
      const [row] = readCarefully(table, { chain, after: seq - 1, through: seq }, 1);
      const [named] = all<{ id: string }>(
        `select ${IDS[table]} as id from ${table} where chain = ? and seq = ?`,
        chain,
        seq,
      );
      return row === undefined ? null : { ...row, id: String(named?.id) };
    },
    async loose(limit) {
      const search = {
        ask: <T>(sql: string, values: (number | string)[]) => all<T>(sql, ...values),
        mark: "?1",
        outside: OUTSIDE,
        limit,
      };
      const entries = await findLoose("ledger_entries", { ...search, id: IDS.ledger_entries });
      return [...entries, ...(await findLoose("ledger_recounts", { ...search, id: IDS.ledger_recounts }))];
    },
    unchained: () => countUnchained((sql, values) => all(sql, ...values)),
    async close() {
      quick.ledger_entries.statement.finalize();
      quick.ledger_recounts.statement.finalize();
      db.close();
    },
  };
}

/** What stands in a chain's order; a text in the place of a number is greater than any. */
const IN_ORDER = `seq >= 1 and seq <= ${Number.MAX_SAFE_INTEGER}`;

const OUTSIDE = ["seq is null", "seq < 1", `seq > ${Number.MAX_SAFE_INTEGER}`];

function selectRows(table: ChainTable, plan: TextPlan): string {
  return `select ${plan.select} from ${table} where chain = ? and seq > ? and seq <= ? order by seq limit ?`;
}

function openReader(location: string): Database {
  try {
    const db = new Database(location, { readonly: true });
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    return db;
  } catch (error) {
    throw explainStoreError(error, location);
  }
}
