// What became of rows that do not follow from the one before: altered, moved, exchanged, put in, taken out. Works on what a scan held
// and on signed heads; reads nothing.

import { type ChainHead, digestText, linkTo } from "../../ledger/index.ts";
import { type Finding, makeFinding, nameRows } from "./finding.ts";
import { replaceSeq, type Scan, type Suspect } from "./scan.ts";

export interface Evidence {
  chain: string;
  /** Hashes that were signed, by place. */
  signed: ReadonlyMap<number, string>;
  /** Up to here rows may be missing: a signed head says that their time was over. */
  cutSeq: number;
  /** The last link, by the chain's own word. */
  end: Pick<ChainHead, "hash" | "seq">;
  /** How far the chain has come: behind it nothing can be missing. */
  promised: number;
}

/** Rows are compared with so many others, nearest first: the work grows with the third power. */
const MAX_COMPARED = 60;
const MAX_COMPARED_OF_MANY = 20;
const NEAR = 8;
/** Stretches of missing rows that are named. */
const MAX_GAPS = 10_000;

export function judgeScan(scan: Scan, evidence: Evidence): Finding[] {
  const { chain } = evidence;
  const shifted = new Map(scan.shifts.map(({ by, from }) => [from, by]));
  const verdicts = scan.suspects.map((suspect, index) => judge(suspect, makeBench(scan, index, evidence), evidence));
  blameHashes(verdicts, evidence);
  const findings = verdicts.flatMap(({ suspect, finding }) => {
    if (finding === null) return [];
    const by = shifted.get(suspect.seq + 1);
    if (finding.kind !== "altered" || by === undefined) return [finding];
    // The first of rows that were moved together: what was before it is gone, so it cannot prove its place.
    if (by > 0) return [];
    const said = `Row ${suspect.seq} (${suspect.id}) was put in: those behind it were sealed for the places before theirs.`;
    return [{ ...finding, kind: "inserted" as const, text: said }];
  });
  return [
    ...findings,
    ...judgeGaps(scan, evidence),
    ...scan.shifts.map((shift) => judgeShift(shift, chain)),
    ...scan.payloads.map(({ id, seq }) =>
      makeFinding({
        kind: "payload_altered",
        chain,
        id,
        seq,
        text: `Row ${seq} (${id}): the hashes of request and response are not those that it attests: they were altered.`,
      }),
    ),
    ...scan.stripped.map((stripped) => judgeStripped(stripped, chain)),
    ...(scan.more === null ? [] : [judgeMore(scan.more, chain)]),
  ];
}

interface Bench {
  /** Hashes that may have stood before a row. */
  candidates: readonly string[];
  /** Places that a row may have come from. */
  places: readonly number[];
  suspects: readonly Suspect[];
}

/** For the suspect of that index. */
function makeBench(scan: Scan, index: number, { signed }: Evidence): Bench {
  const most = scan.suspects.length <= MAX_COMPARED ? MAX_COMPARED : MAX_COMPARED_OF_MANY;
  const suspects = takeAround(scan.suspects, index, most);
  const hashes = suspects.flatMap((suspect) => [suspect.hash, suspect.previous, expectHash(suspect)]);
  const before = suspects.map(({ seq }) => signed.get(seq - 1));
  const { seq: place = 0 } = scan.suspects[index] ?? {};
  const gaps = takeAround(scan.gaps, findNext(scan.gaps, place), most);
  const missing = gaps.flatMap(({ from, to }) => (to - from < NEAR ? listPlaces(from, to) : [from, to]));
  return {
    candidates: [...new Set([...hashes, ...before])].filter((hash) => typeof hash === "string"),
    places: [...new Set([...suspects.map(({ seq }) => seq), ...missing])],
    suspects,
  };
}

/** All of them, where they are no more than that. */
function takeAround<Each>(all: readonly Each[], index: number, most: number): readonly Each[] {
  const start = all.length <= most ? 0 : Math.max(0, index - most / 2);
  return all.slice(start, start + most);
}

/** Index of the first that lies behind that place, of many in order. */
function findNext(gaps: Scan["gaps"], place: number): number {
  let [low, high] = [0, gaps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((gaps[middle]?.from ?? 0) > place) high = middle;
    else low = middle + 1;
  }
  return low;
}

function listPlaces(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** What its contents give behind the row that stands before it now. */
function expectHash({ previous, text }: Suspect): string | null {
  return previous === null ? null : linkTo(previous, digestText(text));
}

interface Verdict {
  suspect: Suspect;
  /** Null where the row itself is as it was sealed. */
  finding: Finding | null;
  /** The hash that it proves to have stood before it. */
  behind: string | null;
}

function judge(suspect: Suspect, bench: Bench, { chain, signed }: Evidence): Verdict {
  const { hash, id, seq, table, text } = suspect;
  const own = { chain, table, id, seq };
  const name = `Row ${seq} (${id})`;
  const blame = (finding: Finding): Verdict => ({ suspect, finding, behind: null });
  if (suspect.isDouble) {
    const said = `${name} was put in: another row has its place.`;
    return blame(makeFinding({ ...own, kind: "inserted", found: hash, text: said }));
  }
  const behind = findBehind(text, hash, bench);
  if (behind !== null) return { suspect, finding: null, behind };
  const places = [...bench.places, ...listPlaces(seq - NEAR, seq + NEAR)].filter((place) => place !== seq && place > 0);
  const from = places.find((place) => findBehind(replaceSeq(text, place), hash, bench) !== null);
  if (from !== undefined) {
    const said = `${name} was moved: it was sealed as row ${from}.`;
    return blame(makeFinding({ ...own, kind: "moved", expected: String(from), found: String(seq), text: said }));
  }
  const twin = bench.suspects.find(
    (other) => other !== suspect && findBehind(replaceSeq(text, other.seq), other.hash, bench) !== null,
  );
  if (twin !== undefined) {
    const said = `${name} was moved: its contents were sealed as row ${twin.seq}.`;
    return blame(makeFinding({ ...own, kind: "moved", expected: String(twin.seq), found: String(seq), text: said }));
  }
  const expected = expectHash(suspect);
  // Rows are missing before it: that is said of them, and nothing can be said of this one.
  if (expected === null && hash !== null) return { suspect, finding: null, behind: null };
  const isBeforeSigned = signed.get(seq - 1) === suspect.previous;
  const said = isBeforeSigned
    ? `${name} was altered: its contents do not give its hash.`
    : `${name} was altered: its contents do not give its hash. (Or the row before it was, and was given a new hash of its own.)`;
  return blame(makeFinding({ ...own, kind: "altered", expected, found: hash, text: said }));
}

/** The hash behind which the text gives the row's hash; null where there is none. */
function findBehind(text: string, hash: string | null, { candidates }: Bench): string | null {
  if (hash === null) return null;
  const digest = digestText(text);
  return candidates.find((candidate) => linkTo(candidate, digest) === hash) ?? null;
}

/** A row whose contents give the hash that the next one was sealed behind is as it was: only its hash is another. */
function blameHashes(verdicts: readonly Verdict[], { end }: Evidence): void {
  const proved = new Map<number, string | null>([[end.seq, end.hash]]);
  for (const { behind, suspect } of verdicts) proved.set(suspect.seq - 1, behind);
  for (const verdict of verdicts) {
    const { finding, suspect } = verdict;
    const expected = expectHash(suspect);
    if (finding?.kind !== "altered" || expected === null || proved.get(suspect.seq) !== expected) continue;
    verdict.finding = {
      ...finding,
      kind: "hash_replaced",
      text: `Row ${suspect.seq} (${suspect.id}): its hash was altered; its contents are as they were sealed.`,
    };
  }
}

function judgeGaps({ gaps, suspects }: Scan, { chain, cutSeq, promised }: Evidence): Finding[] {
  const places = new Set(suspects.map(({ seq }) => seq));
  const missing = gaps
    .map(({ from, to }) => ({ from: Math.max(from, cutSeq + 1), to }))
    .filter(({ from, to }) => from <= Math.min(to, promised));
  const findings = missing.slice(0, MAX_GAPS).map(({ from, to }) => {
    const rest = places.has(to + 1) ? ` Row ${to + 1} cannot be checked without, and is taken as it is.` : "";
    const said = `${nameRows(from, to)} missing: removed, or moved elsewhere.${rest}`;
    return makeFinding({ kind: "removed", chain, seq: from, toSeq: to, text: said });
  });
  const more = missing.slice(MAX_GAPS);
  const [first, last] = [more[0], more.at(-1)];
  if (first === undefined || last === undefined) return findings;
  const rows = more.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const said = `${rows} more rows between ${first.from} and ${last.to} are missing: removed, or moved elsewhere.`;
  return [...findings, makeFinding({ kind: "removed", chain, seq: first.from, toSeq: last.to, text: said })];
}

function judgeShift({ from, to, by }: Scan["shifts"][number], chain: string): Finding {
  const what = by > 0 ? `${by} removed` : `${-by} put in`;
  const said = `${nameRows(from, to)} out of place by ${Math.abs(by)}: before row ${from}, ${what}, and those behind got new numbers.`;
  return makeFinding({ kind: "renumbered", chain, seq: from, toSeq: to, text: said });
}

/** Rows without payloads may lie between them. */
function judgeStripped({ from, to, rows }: Scan["stripped"][number], chain: string): Finding {
  const which = from === to ? `Row ${from} has` : `${rows} rows between ${from} and ${to} have`;
  const said = `${which} lost the hashes of request and response, and no signed head says that their time was over: they were removed.`;
  return makeFinding({ kind: "payload_removed", chain, seq: from, toSeq: to, text: said });
}

function judgeMore({ from, to, rows }: NonNullable<Scan["more"]>, chain: string): Finding {
  const said = `${rows} more rows between ${from} and ${to} do not follow from those before them.`;
  return makeFinding({ kind: "altered", chain, seq: from, toSeq: to, text: said });
}
