// What was compared, as commands print it. Knows no database.

import type { Compared, Side } from "../../store/transfer/compare.ts";

const SHORT_DIGEST = 16;

export interface PrintedTable {
  table: string;
  rows: number;
  digest: string;
}

/** Those that hold something. */
export function printRows(compared: readonly Compared[]): PrintedTable[] {
  const tables = compared.map(({ part, target }) => ({
    table: part.table.name,
    rows: target.rows,
    digest: target.sum.slice(0, SHORT_DIGEST),
  }));
  return tables.filter(({ rows }) => rows > 0);
}

export function printCompared(compared: readonly Compared[]): object[] {
  return compared.map(({ part, source, target, isEqual }) => ({
    table: part.table.name,
    equal: isEqual,
    source: printSide(source),
    target: printSide(target),
  }));
}

function printSide({ rows, sum, totals, heads }: Side): object {
  return {
    rows,
    digest: sum,
    ...(Object.keys(totals).length === 0 ? {} : { sums: printTotals(totals) }),
    ...(heads.size === 0 ? {} : { heads: Object.fromEntries(heads) }),
  };
}

/** Beyond what a number of JSON holds exactly they are texts. */
function printTotals(totals: Side["totals"]): Record<string, number | string> {
  return Object.fromEntries(
    Object.entries(totals).map(([name, sum]) => [name, Number.isSafeInteger(Number(sum)) ? Number(sum) : String(sum)]),
  );
}

/** Names of tables, with their counts where these differ already. */
export function describeDifferences(compared: readonly Compared[]): string {
  return compared
    .filter(({ isEqual }) => !isEqual)
    .map(({ part, source, target }) =>
      source.rows === target.rows
        ? part.table.name
        : `${part.table.name} (${source.rows} rows, and ${target.rows} there)`,
    )
    .join(", ");
}
