// Where rows of a quarter of an hour are, as columns: pages of the books that few rows fit are found by these. Knows no SQL.

import type { LedgerFilter } from "../../ledger/index.ts";
import type { PackedPart } from "../engine.ts";
import type { Description, RowPlace } from "../row-read.ts";
import { createColumns, openColumns, type Opened } from "./column.ts";
import { listPassing } from "./filter.ts";
import { openTerms, packTerms, TERMS } from "./sheet.ts";

/** Of how many descriptions there are; which one a row has; its chain; and, from the first of all on, its place in that and its time. */
const [DESCRIBED, OF, CHAINS, CHAIN, FIRST, SEQ, AT] = ["described", "of", "chains", "chain", "first", "seq", "at"];

export function packPlaces(places: readonly RowPlace[], startMs: number): PackedPart {
  const columns = createColumns();
  const described = new Map<Description, number>();
  const chains = new Map<string, number>();
  const number = <Value>(known: Map<Value, number>, value: Value): number => {
    let own = known.get(value);
    if (own === undefined) known.set(value, (own = known.size));
    return own;
  };
  columns.put(
    OF,
    places.map(({ group }) => number(described, group)),
  );
  columns.put(
    CHAIN,
    places.map(({ chain }) => number(chains, chain)),
  );
  const sign = packTerms(columns, [...described.keys()]);
  columns.putJson(DESCRIBED, described.size);
  columns.putJson(CHAINS, [...chains.keys()]);
  const first = places.reduce((least, { seq }) => Math.min(least, seq), Number.MAX_SAFE_INTEGER);
  columns.putJson(FIRST, first);
  columns.put(
    SEQ,
    places.map(({ seq }) => seq - first),
  );
  columns.put(
    AT,
    places.map(({ atMs }) => atMs - startMs),
  );
  return { body: columns.layDown(places.length), sign };
}

/** Those that the filter lets through, but for its times. */
export function findPlaces(packed: Uint8Array, startMs: number, filter: LedgerFilter): Omit<RowPlace, "group">[] {
  const opened = openColumns(packed);
  const described = opened.readJson(DESCRIBED) as number;
  const passes = new Uint8Array(described);
  for (const index of listPassing({ rows: described, ...openTerms(opened) }, filter)) passes[index] = 1;
  const of = opened.find(OF);
  const read = openPlaces(opened, startMs);
  const found: Omit<RowPlace, "group">[] = [];
  for (let row = 0; row < opened.rows; row++) if (passes[of?.[row] ?? 0] === 1) found.push(read(row));
  return found;
}

/** All of them, as they were packed; those that are described alike have the same object, which `known` finds again. */
export function unpackPlaces(packed: Uint8Array, startMs: number, known: Map<string, Description>): RowPlace[] {
  const opened = openColumns(packed);
  const { values, terms } = openTerms(opened);
  const described = Array.from({ length: opened.readJson(DESCRIBED) as number }, (_, index) => {
    const own = TERMS.map((term) => values(term)[terms[term]?.[index] ?? 0] ?? null);
    const name = JSON.stringify(own);
    const found = known.get(name) ?? readDescription(own);
    known.set(name, found);
    return found;
  });
  const of = opened.find(OF);
  const read = openPlaces(opened, startMs);
  return Array.from({ length: opened.rows }, (_, row) => ({
    ...read(row),
    group: described[of?.[row] ?? 0] as Description,
  }));
}

function readDescription(own: readonly unknown[]): Description {
  const named = Object.fromEntries(TERMS.map((term, index) => [term, own[index]]));
  const tags = typeof named["tags"] === "string" ? (JSON.parse(named["tags"]) as string[]) : null;
  return { ...named, tags } as unknown as Description;
}

function openPlaces({ find, readJson }: Opened, startMs: number): (row: number) => Omit<RowPlace, "group"> {
  const chains = readJson(CHAINS) as string[];
  const first = readJson(FIRST) as number;
  const [ofChain, seqs, times] = [find(CHAIN), find(SEQ), find(AT)];
  return (row) => ({
    chain: chains[ofChain?.[row] ?? 0] ?? "",
    seq: first + (seqs?.[row] ?? 0),
    atMs: startMs + (times?.[row] ?? 0),
  });
}
