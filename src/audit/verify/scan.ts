// Goes through a stretch of one chain, row by row: does each follow from the hash that stands before it? What does not is handed on;
// what became of it is judged elsewhere. Holds a bounded number of rows. Knows no SQL.

import { digestText, linkTo } from "../../ledger/index.ts";
import { mergeRows } from "./merge.ts";
import type { ChainReader, NamedRow, RawRow } from "./reader.ts";

export interface Stretch {
  chain: string;
  /** Exclusive. */
  after: number;
  /** Inclusive. */
  through: number;
  /** Hash of the row before, where it is known from elsewhere. */
  previous?: string;
  /** Up to here the hashes of payloads may be gone: that was signed. */
  forgotten: number;
}

/** A row that does not follow from the one before, or of which that cannot be told. */
export interface Suspect extends Pick<NamedRow, "hash" | "id" | "seq" | "table" | "text"> {
  /** The hash that stands in the row before; null where there is none. */
  previous: string | null;
  /** Another row has the same place. */
  isDouble: boolean;
}

/** Rows that follow from the one before, once another place is put into them: all by the same distance. */
export interface Shift {
  from: number;
  to: number;
  by: number;
}

export interface Scan {
  rows: number;
  /** Places without a row, within the stretch and before its last row. */
  gaps: { from: number; to: number }[];
  suspects: Suspect[];
  shifts: Shift[];
  /** Suspects beyond those that are held: places only. */
  more: { from: number; to: number; rows: number } | null;
  /** Rows whose payload hashes are not those that were attested. */
  payloads: { id: string; seq: number }[];
  /** Rows whose payload hashes are gone, and no others with some between them, where that was never signed. */
  stripped: { from: number; to: number; rows: number }[];
  /** Place of the last row; `after` where there is none. */
  last: number;
}

/** Of one stretch. */
const MAX_SUSPECTS = 200;
/** How far rows are looked for that were moved all together. */
const MAX_SHIFT = 8;

/** Nothing was looked at yet behind this place. */
export function startScan(after: number): Scan {
  return {
    rows: 0,
    gaps: [],
    suspects: [],
    shifts: [],
    more: null,
    payloads: [],
    stripped: [],
    last: after,
  };
}

/** In this thread, one stretch after another, however many are asked for at once: a reader has few connections, and each reads for one. */
export function scanInTurn(
  reader: Parameters<typeof scanStretch>[0],
): (stretch: Stretch, onRows: (rows: number) => void) => Promise<Scan> {
  let last: Promise<unknown> = Promise.resolve();
  return (stretch, onRows) => {
    const next = last.then(() => scanStretch(reader, stretch, onRows));
    last = next.catch(() => undefined);
    return next;
  };
}

export async function scanStretch(
  reader: Pick<ChainReader, "link" | "recheck" | "rows">,
  stretch: Stretch,
  onRows: (rows: number) => void,
): Promise<Scan> {
  const { chain, after, through } = stretch;
  const scan = startScan(after);
  const previous = after === 0 ? "" : (stretch.previous ?? (await reader.link(chain, after)));
  const walk: Walk = { chain, reader, scan, previous, earlier: null, shift: 0, isStripped: false };
  for await (const rows of mergeRows(reader, { chain, after, through })) {
    for (const row of rows) {
      const fits = follows(walk, row);
      const isReal = fits || (await look(walk, row));
      // Of an altered row the digest of payloads is no evidence.
      if (row.payload === "altered" || (fits && row.payload !== "none"))
        await lookAtPayload(walk, row, stretch.forgotten);
      if (!isReal) continue;
      walk.earlier = row.seq === scan.last ? walk.earlier : walk.previous;
      walk.previous = row.hash;
      scan.last = row.seq;
    }
    scan.rows += rows.length;
    onRows(rows.length);
  }
  return scan;
}

interface Walk {
  chain: string;
  reader: Pick<ChainReader, "link" | "recheck" | "rows">;
  scan: Scan;
  /** Hash of the row before; null where it is not there. */
  previous: string | null;
  /** Of the one before that. */
  earlier: string | null;
  /** By which the last row that was moved was moved. */
  shift: number;
  /** The last row with payloads has lost their hashes, and should have them. */
  isStripped: boolean;
}

function follows({ previous, scan }: Walk, row: RawRow): boolean {
  if (row.seq !== scan.last + 1 || previous === null || row.hash === null) return false;
  return linkTo(previous, row.digest) === row.hash;
}

/** Once more and with care; then it is a suspect, or rows are missing before it. False where its place is another row's. */
async function look(walk: Walk, row: RawRow): Promise<boolean> {
  const { scan, reader, chain } = walk;
  const named = await reader.recheck(row.table, chain, row.seq);
  // What is gone by now cannot be looked at any more.
  const careful = named ?? { ...row, id: "", text: "" };
  const suspect = { ...careful, previous: walk.previous, isDouble: false };
  if (row.seq <= scan.last) return lookTwice(walk, suspect);
  if (row.seq > scan.last + 1) {
    scan.gaps.push({ from: scan.last + 1, to: Math.ceil(row.seq) - 1 });
    walk.previous = null;
    scan.last = row.seq - 1;
  }
  if (!follows(walk, careful) && !noteShift(walk, careful)) hold(scan, { ...suspect, previous: walk.previous });
  return true;
}

/** Two rows at one place: at most one of them was sealed for it. */
function lookTwice({ earlier, scan }: Walk, suspect: Suspect): boolean {
  const { hash, seq, text } = suspect;
  const first = scan.suspects.find((other) => other.seq === seq);
  if (first !== undefined && earlier !== null && linkTo(earlier, digestText(text)) === hash) {
    first.isDouble = true;
    return true;
  }
  hold(scan, { ...suspect, isDouble: true });
  return false;
}

function hold(scan: Scan, { table, id, seq, hash, text, previous, isDouble }: Suspect): void {
  if (scan.suspects.length < MAX_SUSPECTS) {
    scan.suspects.push({ table, id, seq, hash, text, previous, isDouble });
    return;
  }
  scan.more ??= { from: seq, to: seq, rows: 0 };
  scan.more.to = seq;
  scan.more.rows++;
}

/** Rows behind one that was taken out and hidden by new numbers are all off by the same. */
function noteShift(walk: Walk, row: NamedRow): boolean {
  const { previous, scan } = walk;
  if (previous === null || row.hash === null) return false;
  const distances = [walk.shift, ...Array.from({ length: MAX_SHIFT }, (_, index) => [index + 1, -index - 1]).flat()];
  const by = distances.find(
    (distance) => distance !== 0 && linkTo(previous, digestText(replaceSeq(row.text, row.seq + distance))) === row.hash,
  );
  if (by === undefined) return false;
  walk.shift = by;
  const last = scan.shifts.at(-1);
  if (last !== undefined && last.by === by && last.to === row.seq - 1) last.to = row.seq;
  else scan.shifts.push({ from: row.seq, to: row.seq, by });
  return true;
}

/** The bytes as they would be at another place. */
export function replaceSeq(text: string, seq: number): string {
  return text.replace(/,"seq":\d+(?=[,}])/u, `,"seq":${seq}`);
}

async function lookAtPayload(walk: Walk, row: RawRow, forgotten: number): Promise<void> {
  const { scan, reader, chain } = walk;
  const wasStripped = walk.isStripped;
  walk.isStripped = row.payload === "deleted" && row.seq > forgotten;
  if (walk.isStripped) {
    const last = scan.stripped.at(-1);
    if (last !== undefined && (wasStripped || scan.stripped.length >= MAX_SUSPECTS)) {
      last.to = row.seq;
      last.rows++;
    } else scan.stripped.push({ from: row.seq, to: row.seq, rows: 1 });
  }
  if (row.payload !== "altered" || scan.payloads.length >= MAX_SUSPECTS) return;
  const named = await reader.recheck(row.table, chain, row.seq);
  scan.payloads.push({ id: named?.id ?? "", seq: row.seq });
}
