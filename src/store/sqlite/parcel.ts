// Rows of a SQLite file as JSON for another database, put together by SQLite itself: nothing of a row is unpacked on the way. Knows no network.

import type { Database, Statement } from "bun:sqlite";
import { type Column, getTableColumns, getTableName, type Table } from "drizzle-orm";
import type { Parcel } from "../shipper.ts";
import { ledgerEntries, ledgerRecounts } from "./schema.ts";

export interface ParcelDesk {
  /** The next rows of a chain in its order, without those that are refused; of rows without a chain, any. */
  take(kind: Parcel["kind"], chain: string | null, limit: number): Parcel[];
  drop(parcel: Parcel): void;
  finalize(): void;
}

const TABLES = { entry: ledgerEntries, recount: ledgerRecounts } as const;
const KEYS = { entry: "id", recount: "entryId" } as const;

/** What is selected before the numbers that are written here. */
type Values = [id: string, chain: string | null, seq: number | null, hash: string | null, json: string, ...number[]];

export function openParcels(db: Database): ParcelDesk {
  const prepared = new Map<string, Statement<unknown, (number | string)[]>>();
  // Where the file is the ledger itself, none is ever needed.
  const prepare = (sql: string): Statement<unknown, (number | string)[]> => {
    let statement = prepared.get(sql);
    if (statement === undefined) prepared.set(sql, (statement = db.prepare(sql)));
    return statement;
  };
  const plans = { entry: planParcel("entry"), recount: planParcel("recount") };
  return {
    take(kind, chain, limit) {
      const { ofChain, unchained, reals } = plans[kind];
      const found = chain === null ? prepare(unchained).values(limit) : prepare(ofChain).values(chain, limit);
      return (found as Values[]).map(([id, of, seq, hash, json, ...numbers]) => {
        // SQLite would round them.
        let text = json.slice(0, -1);
        for (const [index, field] of reals.entries()) text += `,"${field}":${numbers[index] ?? null}`;
        return { kind, id, chain: of, seq, hash, json: `${text}}` };
      });
    },
    drop({ kind, id }) {
      prepare(plans[kind].remove).run(id);
    },
    finalize() {
      for (const statement of prepared.values()) statement.finalize();
      prepared.clear();
    },
  };
}

function planParcel(kind: Parcel["kind"]) {
  const table: Table = TABLES[kind];
  const columns = Object.entries(getTableColumns(table));
  const key = `"${getTableColumns(table)[KEYS[kind]]?.name}"`;
  const isReal = ([, column]: (typeof columns)[number]): boolean => column.getSQLType() === "real";
  const reals = columns.filter(isReal);
  const members = columns.filter((each) => !isReal(each)).map(([field, column]) => `'${field}', ${printJson(column)}`);
  const selected = [key, "chain", "seq", "hash", `json_object(${members.join(", ")})`].concat(
    reals.map(([, { name }]) => `"${name}"`),
  );
  const from = `select ${selected.join(", ")} from ${getTableName(table)}`;
  const isTaken = `${key} not in (select substr(id, ${kind.length + 2}) from ledger_refused where id like '${kind}/%')`;
  return {
    ofChain: `${from} where chain = ? and ${isTaken} order by seq limit ?`,
    unchained: `${from} where chain is null and ${isTaken} limit ?`,
    remove: `delete from ${getTableName(table)} where ${key} = ?`,
    reals: reals.map(([field]) => field),
  };
}

function printJson({ name, dataType }: Column): string {
  switch (dataType) {
    case "json":
      return `json("${name}")`;
    case "boolean":
      return `json(case "${name}" when 1 then 'true' when 0 then 'false' end)`;
    case "date":
      return `strftime('%Y-%m-%dT%H:%M:%fZ', "${name}" / 1000.0, 'unixepoch')`;
    default:
      return `"${name}"`;
  }
}
