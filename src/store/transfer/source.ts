// Rows of one database or two as those of the one that they go to. Knows no engine.

import { makePrinter } from "./digest.ts";
import type { RowQuery, Snapshot } from "./end.ts";
import type { Part, TablePlan } from "./plan.ts";
import { type Row, compareIds, readId } from "./row.ts";

export interface Source {
  count(part: Part): Promise<number>;
  rows(part: Part, query: RowQuery): AsyncIterable<Row[]>;
  /** As a snapshot does. */
  print(part: Part, add: (printed: Uint8Array | string) => void): AsyncIterable<number>;
  total(part: Part, columns: readonly string[]): Promise<Record<string, bigint>>;
}

/** @param snapshots the first holds the users, the last one the books */
export function joinSources(snapshots: readonly Snapshot[]): Source {
  const at = (index: number): Snapshot => snapshots[index] as Snapshot;
  return {
    async count(part) {
      const { table, from } = part;
      if (table.home === "both") return (await readNamed(part, from.map(at))).length;
      let rows = 0;
      for (const index of from) rows += await at(index).count(table);
      return rows;
    },
    async *rows(part, query) {
      const { table, from } = part;
      if (table.home === "both") {
        const all = await readNamed(part, from.map(at));
        const { after = null } = query;
        yield after === null ? all : all.filter((row) => compareIds(readId(table, row), after) > 0);
        return;
      }
      const isJoined = from.length > 1;
      const streams = from.map((index) =>
        changeRows(
          at(index).rows(table, isJoined ? unbounded(table, query) : query),
          isJoined && index > 0 && isChain(table),
        ),
      );
      yield* query.isOrdered && isJoined ? mergeRows(table, streams, query.after ?? null) : chainRows(streams);
    },
    async *print(part, add) {
      const { table, from } = part;
      if (table.home === "both") yield* printRows(table, [await readNamed(part, from.map(at))], add);
      else
        for (const index of from) {
          if (from.length === 1 || index === 0 || !isChain(table)) yield* at(index).print(table, add);
          // Some of its ids are others there.
          else yield* printRows(table, changeRows(at(index).rows(table, { isOrdered: false }), true), add);
        }
    },
    async total({ table, from }, columns) {
      const sums: Record<string, bigint> = {};
      for (const index of from)
        for (const [name, sum] of Object.entries(await at(index).total(table, columns)))
          sums[name] = (sums[name] ?? 0n) + sum;
      return sums;
    },
  };
}

/** A chain of changes that comes to lie beside another one is known by its own name: from then on nobody adds to it. */
const isChain = ({ name }: TablePlan): boolean => name === "audit_chain";

/** Their ids are others there. */
function unbounded(table: TablePlan, query: RowQuery): RowQuery {
  return isChain(table) ? { ...query, after: null } : query;
}

const OWN_CHAIN = "changes";

async function* changeRows(pages: AsyncIterable<Row[]>, isFormer: boolean): AsyncGenerator<Row[]> {
  for await (const rows of pages) {
    // Its name is the second column.
    yield isFormer
      ? rows.map(([id = null, chain = null, ...rest]) => [id === OWN_CHAIN ? chain : id, chain, ...rest])
      : rows;
  }
}

async function* chainRows(streams: readonly AsyncIterable<Row[]>[]): AsyncGenerator<Row[]> {
  for (const stream of streams) yield* stream;
}

async function* printRows(
  table: TablePlan,
  pages: AsyncIterable<Row[]> | Iterable<Row[]>,
  add: (printed: string) => void,
): AsyncGenerator<number> {
  const print = makePrinter(table);
  for await (const rows of pages) {
    for (const row of rows) add(print(row));
    yield rows.length;
  }
}

/** Counters of all databases: one that stands in two has come further in one of them. */
async function readNamed({ table, isLeftOut }: Part, snapshots: readonly Snapshot[]): Promise<Row[]> {
  const all = new Map<string, Row>();
  for (const snapshot of snapshots) {
    for await (const rows of snapshot.rows(table, { isOrdered: true })) {
      for (const row of rows) {
        const known = all.get(readId(table, row));
        if (known === undefined || Number(row[1]) > Number(known[1])) all.set(readId(table, row), row);
      }
    }
  }
  const rows = [...all.values()].filter((row) => isLeftOut?.(readId(table, row)) !== true);
  return rows.toSorted((left, right) => compareIds(readId(table, left), readId(table, right)));
}

/** Two ordered streams as one. */
async function* mergeRows(
  table: TablePlan,
  streams: readonly AsyncIterable<Row[]>[],
  after: string | null,
): AsyncGenerator<Row[]> {
  const isChanged = isChain(table);
  const walks = streams.map((stream) => openWalk(table, isChanged ? sortAll(table, stream) : stream));
  let page: Row[] = [];
  try {
    await Promise.all(walks.map((walk) => walk.move()));
    for (;;) {
      const next = walks.filter(({ row }) => row !== null).toSorted((left, right) => compareIds(left.id, right.id))[0];
      if (next === undefined || next.row === null) break;
      if (after === null || compareIds(next.id, after) > 0) page.push(next.row);
      await next.move();
      if (page.length < table.pageRows) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  } finally {
    await Promise.all(walks.map((walk) => walk.close()));
  }
}

/** Few, and in another order once they have other ids. */
async function* sortAll(table: TablePlan, stream: AsyncIterable<Row[]>): AsyncGenerator<Row[]> {
  const all: Row[] = [];
  for await (const rows of stream) all.push(...rows);
  yield all.toSorted((left, right) => compareIds(readId(table, left), readId(table, right)));
}

export interface Walk {
  /** Null before the first and behind the last one. */
  row: Row | null;
  id: string;
  move(): Promise<void>;
  /** What was not read is left. */
  close(): Promise<void>;
}

/** Row by row, in the order of ids. */
export function openWalk(table: TablePlan, pages: AsyncIterable<Row[]>): Walk {
  const iterator = pages[Symbol.asyncIterator]();
  let page: Row[] = [];
  let at = -1;
  const walk: Walk = {
    row: null,
    id: "",
    async move() {
      at++;
      while (at >= page.length) {
        const next = await iterator.next();
        if (next.done === true) {
          [walk.row, walk.id] = [null, ""];
          return;
        }
        page = next.value;
        at = 0;
      }
      const row = page[at] as Row;
      [walk.row, walk.id] = [row, readId(table, row)];
    },
    async close() {
      await iterator.return?.();
    },
  };
  return walk;
}
