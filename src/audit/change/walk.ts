// Goes through the rows of one chain of changes: which were altered, taken out, moved or put in. Knows no signature and no SQL.

import { linkChange } from "../../lib/change.ts";
import type { ChangeChain, ChangeState, RawChange } from "./book.ts";
import { type ChangeFinding, nameChanges } from "./finding.ts";

export interface Walk {
  rows: number;
  /** The last place that holds a row; 0 where none does. */
  last: number;
  /** The hash that stands at each of the places that were asked for. */
  hashes: Map<number, string>;
  findings: ChangeFinding[];
}

interface WalkInit {
  chain: ChangeChain;
  /** As it was before the rows are looked at. */
  state: ChangeState;
  /** Places whose hashes are wanted. */
  wanted: ReadonlySet<number>;
  onRows: (rows: number) => void;
}

const AT_ONCE = 500;
/** A row's true place is looked for among so many. */
const MOST_CANDIDATES = 1_000;

export async function walkChanges({ chain, state, wanted, onRows }: WalkInit): Promise<Walk> {
  const walk: Walk = { rows: 0, last: 0, hashes: new Map(), findings: [] };
  const gaps: { from: number; to: number }[] = [];
  const suspects: RawChange[] = [];
  let before: { seq: number; hash: string; isSound: boolean } = { seq: 0, hash: "", isSound: true };
  for (;;) {
    const rows = await chain.rows(state.chain, before.seq, AT_ONCE);
    for (const row of rows) {
      const isNext = row.seq === before.seq + 1;
      if (!isNext) gaps.push({ from: before.seq + 1, to: row.seq - 1 });
      const isSound = row.isReadable && linkChange(row) === row.hash;
      if (!isSound) suspects.push(row);
      // Where the row before is named already, that this one does not hold on to it says nothing more.
      if (isNext && isSound && before.isSound && row.previous !== before.hash) {
        walk.findings.push(blameHash(chain, row, before.seq));
      }
      before = { seq: row.seq, hash: row.hash, isSound };
      if (wanted.has(row.seq)) walk.hashes.set(row.seq, row.hash);
    }
    walk.rows += rows.length;
    onRows(rows.length);
    if (rows.length < AT_ONCE) break;
  }
  walk.last = before.seq;
  walk.findings.push(...blameRows(chain, suspects, gaps), ...(await findStrays(chain, state)));
  return walk;
}

function blameHash({ place }: ChangeChain, { chain, seq, id }: RawChange, before: number): ChangeFinding {
  const text =
    before === 0
      ? `Row ${seq} (${id}) is not the first that was written: it names another one before it.`
      : `Row ${before} was altered and given a new hash, or row ${seq} (${id}) was: the one does not hold on to the other.`;
  return { kind: "hash_replaced", place, chain, id, seq: Math.max(before, 1), toSeq: seq, text };
}

/** Those that are at another place than they were written at, and those that say something else. */
function blameRows(
  { place }: ChangeChain,
  suspects: readonly RawChange[],
  gaps: readonly { from: number; to: number }[],
): ChangeFinding[] {
  const free = gaps.flatMap(({ from, to }) =>
    Array.from({ length: Math.min(to - from + 1, MOST_CANDIDATES) }, (_, at) => from + at),
  );
  const candidates = [...free, ...suspects.map(({ seq }) => seq)].slice(0, MOST_CANDIDATES);
  const moved = new Set<number>();
  const findings = suspects.map((row): ChangeFinding => {
    const { chain, id, seq } = row;
    const own = { place, chain, id, seq, toSeq: seq };
    const home = row.isReadable ? findHome(row, candidates) : null;
    if (home === null)
      return { ...own, kind: "altered", text: `Row ${seq} (${id}) was altered: it is not what was sealed.` };
    moved.add(home);
    return { ...own, kind: "moved", text: `Row ${seq} (${id}) was moved: it was sealed as row ${home}.` };
  });
  const [chain = null] = suspects.map((row) => row.chain);
  const removed = gaps.map(({ from, to }): ChangeFinding => {
    const text = `${nameChanges(from, to)} missing: removed${isAll(moved, from, to) ? ", or put elsewhere" : ""}.`;
    return { kind: "removed", place, chain, id: null, seq: from, toSeq: to, text };
  });
  return [...findings, ...removed].toSorted((left, right) => (left.seq ?? 0) - (right.seq ?? 0));
}

function isAll(moved: ReadonlySet<number>, from: number, to: number): boolean {
  for (let seq = from; seq <= to; seq++) if (!moved.has(seq)) return false;
  return true;
}

/** With the number of its true place a row gives the hash that it bears. */
function findHome(row: RawChange, candidates: readonly number[]): number | null {
  const near = [row.seq - 1, row.seq + 1, ...candidates];
  return near.find((seq) => seq !== row.seq && linkChange({ ...row, seq }) === row.hash) ?? null;
}

const MOST_STRAYS = 200;

export async function findStrays(chain: ChangeChain, state: ChangeState | null): Promise<ChangeFinding[]> {
  const { place } = chain;
  const strays = await chain.strays(state?.chain ?? null, MOST_STRAYS);
  return strays.map((row): ChangeFinding => {
    const text =
      state === null
        ? `Row ${row.seq} (${row.id}) belongs to a chain that nobody knows: the chain's own word was removed.`
        : `Row ${row.seq} (${row.id}) was put in, or taken out of its place: it has none in this chain.`;
    const kind = state === null ? "chain_missing" : "inserted";
    return { kind, place, chain: row.chain, id: row.id, seq: row.seq, toSeq: row.seq, text };
  });
}
