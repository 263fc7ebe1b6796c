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
  const read = ({ ofChain, unchained }: ParcelPlan, chain: string | null, limit: number) =>
    chain === null ? prepare(unchained).values(limit) : prepare(ofChain).values(chain, limit);
  return {
    take(kind, chain, limit) {
      const { careful, reals, ...quick } = plans[kind];
      let found: unknown[][];
      try {
        found = read(quick, chain, limit);
      } catch {
        // What somebody damaged must not hold up the rows around it.
        found = read(careful, chain, limit);
      }
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

interface ParcelPlan {
  ofChain: string;
  unchained: string;
}

function planParcel(kind: Parcel["kind"]) {
  const table: Table = TABLES[kind];
  const columns = Object.entries(getTableColumns(table));
  const key = `"${getTableColumns(table)[KEYS[kind]]?.name}"`;
  const isReal = ([, column]: (typeof columns)[number]): boolean => column.getSQLType() === "real";
  const reals = columns.filter(isReal);
  const isTaken = `${key} not in (select substr(id, ${kind.length + 2}) from ledger_refused where id like '${kind}/%')`;
  const select = (print: (column: Column) => string): ParcelPlan => {
    const members = columns.filter((each) => !isReal(each)).map(([field, column]) => `'${field}', ${print(column)}`);
    const selected = [key, "chain", "seq", "hash", `json_object(${members.join(", ")})`].concat(
      reals.map(([, { name }]) => `"${name}"`),
    );
    const from = `select ${selected.join(", ")} from ${getTableName(table)}`;
    return {
      ofChain: `${from} where chain = ? and ${isTaken} order by seq limit ?`,
      unchained: `${from} where chain is null and ${isTaken} limit ?`,
    };
  };
  return {
    ...select(printJson),
    careful: select(printCarefully),
    remove: `delete from ${getTableName(table)} where ${key} = ?`,
    reals: reals.map(([field]) => field),
  };
}

/** What is none of the column's own as a text: the other database has it then as it can, and whoever verifies it names the row. */
function printCarefully(column: Column): string {
  const { name, dataType } = column;
  const text = `case typeof("${name}") when 'blob' then hex("${name}") else "${name}" end`;
  if (dataType === "boolean" || dataType === "date") return printJson(column);
  if (dataType !== "json") return text;
  return `json(case when typeof("${name}") <> 'blob' and json_valid("${name}") then "${name}" else json_quote(${text}) end)`;
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
