// Adds up sheets by any of what their sums are described by, and by pieces of time. Each value is looked up once a sheet, and each row costs
// some array reads. Knows no SQL.

import type { Dimension, LedgerFilter, Sums } from "../../ledger/index.ts";
import type { Classes } from "../../lib/spread.ts";
import { listPassing, type Only } from "./filter.ts";
import type { Sheet, Term, Value } from "./sheet.ts";
import { QUARTER_MS } from "./level.ts";
import { createColumnSums, createSpreads, type Placed } from "./sum.ts";

/** What rows are told apart by. */
export type Step = Dimension | Term;

/** Of each dimension but the model, which two of them name. */
const TERM_OF = {
  direction: "direction",
  endpoint: "endpoint",
  key: "apiKeyId",
  provider: "provider",
  status: "status",
  tag: "tags",
  user: "userId",
} as const satisfies Record<Exclude<Dimension, "model">, Term>;

interface CounterInit {
  steps: readonly Step[];
  filter: LedgerFilter;
  /** Of a term's values, those whose rows are added up; all where it is missing. */
  only?: Only | undefined;
  /** Whether calls are counted by how long they took; they are unless it says no. */
  isTimed?: boolean;
  /** The piece of time that sums of a moment count for. */
  toPiece: (ms: number) => number;
}

export interface Counted {
  /** One number for all that are described alike. */
  node: number;
  piece: number;
  /** As the steps are. */
  values: Value[];
  sums: Sums;
  /** Its own, for it may be added to. */
  latency: Classes;
  ttft: Classes;
}

export interface Counter {
  add(sheet: Sheet, startMs: number): void;
  each(): Generator<Counted, void>;
}

/** Two whole numbers as one: small ones, which are looked up faster, as long as both are; and no two alike. */
function join(at: number, id: number): number {
  return at < 2 ** 19 && id < 2 ** 12 ? at * 2 ** 12 + id : 2 ** 31 + at * 2 ** 26 + id;
}

export function createCounter({ steps, filter, only, isTimed = true, toPiece }: CounterInit): Counter {
  const known = steps.map(() => new Map<Value, number>());
  const names = steps.map((): Value[] => []);
  /** From what a row was told apart by so far, and the next value, to what it is told apart by then. */
  const paths = steps.map(() => new Map<number, number>());
  const nodes: (readonly number[])[] = [];
  /** Of each node, the groups of its pieces; -1 where there is none. */
  const groupsOf: Int32Array[] = [];
  const pieces: number[] = [];
  const pieceIds = new Map<number, number>();
  const groups: { piece: number; node: number }[] = [];
  const sums = createColumnSums();
  const spreads = { latency: createSpreads(), ttft: createSpreads() };

  const identify = (step: number, value: Value): number => {
    const own = known[step] ?? new Map<Value, number>();
    let id = own.get(value);
    if (id === undefined) {
      own.set(value, (id = own.size));
      names[step]?.push(value);
    }
    return id;
  };
  const findNode = (ids: readonly number[]): number => {
    let at = 0;
    for (const [step, id] of ids.entries()) {
      const own = paths[step] ?? new Map<number, number>();
      const key = join(at, id);
      let next = own.get(key);
      if (next === undefined) {
        own.set(key, (next = own.size));
        if (step === ids.length - 1) {
          nodes.push([...ids]);
          groupsOf.push(new Int32Array(0));
        }
      }
      at = next;
    }
    return at;
  };
  const identifyPiece = (ms: number): number => {
    const piece = toPiece(ms);
    let id = pieceIds.get(piece);
    if (id === undefined) {
      pieceIds.set(piece, (id = pieces.length));
      pieces.push(piece);
    }
    return id;
  };
  const findGroup = (node: number, piece: number): number => {
    let own = groupsOf[node] ?? new Int32Array(0);
    if (piece >= own.length) {
      const grown = new Int32Array(Math.max(piece + 1, own.length * 2)).fill(-1);
      grown.set(own);
      groupsOf[node] = own = grown;
    }
    let group = own[piece] ?? -1;
    if (group === -1) {
      own[piece] = group = groups.length;
      groups.push({ piece, node });
    }
    return group;
  };
  /** Rows that the filter lets through, and their groups. */
  const placeRows = (sheet: Sheet, startMs: number): Placed => {
    const rows = listPassing(sheet, filter, only);
    const placed = new Int32Array(rows.length);
    if (rows.length === 0) return { rows, groups: placed };
    const readers = steps.map((step, index) => readStep(sheet, step, (value) => identify(index, value)));
    const ids = readers.map(() => -1);
    const moments = sheet.moments;
    /** By the quarter that a row is of. */
    const pieceOf: number[] = [];
    let [node, piece, group] = [-1, -1, -1];
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index] ?? 0;
      let isOther = false;
      for (let step = 0; step < readers.length; step++) {
        const id = readers[step]?.(row) ?? 0;
        if (id === ids[step]) continue;
        ids[step] = id;
        isOther = true;
      }
      if (isOther || node === -1) node = findNode(ids);
      const moment = moments === null ? 0 : (moments[row] ?? 0);
      const own = (pieceOf[moment] ??= identifyPiece(startMs + moment * QUARTER_MS));
      if (isOther || own !== piece || group === -1) group = findGroup(node, (piece = own));
      placed[index] = group;
    }
    return { rows, groups: placed };
  };

  return {
    add(sheet, startMs) {
      const placed = placeRows(sheet, startMs);
      if (placed.rows.length === 0) return;
      sums.add(sheet.sums, placed, groups.length);
      if (!isTimed) return;
      spreads.latency.add(sheet.latency, placed, groups.length);
      spreads.ttft.add(sheet.ttft, placed, groups.length);
    },
    *each() {
      for (const [group, { piece, node }] of groups.entries())
        yield {
          node,
          piece: pieces[piece] ?? 0,
          values: (nodes[node] ?? []).map((id, step) => names[step]?.[id] ?? null),
          sums: sums.read(group),
          latency: spreads.latency.read(group),
          ttft: spreads.ttft.read(group),
        };
    },
  };
}

/** What a row has of that, as `identify` names it. */
function readStep(sheet: Sheet, step: Step, identify: (value: Value) => number): (row: number) => number {
  if (step === "model") {
    const asked = sheet.values("modelAsked").map(identify);
    // No name is none.
    const served = sheet.values("modelServed").map((value) => (value === null || value === "" ? -1 : identify(value)));
    const [ofAsked, ofServed] = [sheet.terms.modelAsked, sheet.terms.modelServed];
    return (row) => {
      const id = served[ofServed === null ? 0 : (ofServed[row] ?? 0)] ?? -1;
      return id === -1 ? (asked[ofAsked === null ? 0 : (ofAsked[row] ?? 0)] ?? 0) : id;
    };
  }
  const term = step in TERM_OF ? TERM_OF[step as keyof typeof TERM_OF] : (step as Term);
  const ids = Int32Array.from(sheet.values(term), identify);
  const places = sheet.terms[term];
  return places === null ? () => ids[0] ?? 0 : (row) => ids[places[row] ?? 0] ?? 0;
}
