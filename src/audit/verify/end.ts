// Whether a chain ends where it says, and where signatures say: rows that are missing there, and rows that were put in behind. Knows no SQL.

import type { Head } from "../../ledger/index.ts";
import { type Finding, makeFinding, nameRows } from "./finding.ts";
import type { ChainReader, ChainState, Extent } from "./reader.ts";
import type { Scan } from "./scan.ts";
import type { Signed } from "./signed.ts";

/** What is held against each other. */
interface Ends {
  /** As it was before the rows were looked at. */
  state: ChainState;
  extent: Extent;
  /** Of rows that are on their way. */
  waiting: Extent;
}

/** Rows behind the end that are named. */
const MAX_NAMED = 200;

/** How far the chain has come, by its own word or a signed one. */
export function promise({ seq }: ChainState, { newest }: Pick<Signed, "newest">): number {
  return Math.max(seq, newest?.seq ?? 0);
}

/** Whether the chain ends where it says, and where signatures say. */
export async function checkEnd(
  { extent, state, waiting }: Ends,
  { cut, newest }: Signed,
  scan: Scan,
  reader: ChainReader,
): Promise<Finding[]> {
  const { chain } = state;
  const promised = promise(state, { newest });
  const stored = Math.max(extent.most, cut.seq);
  // What is on its way goes on where the rest ends; else something is missing in between.
  const isNext = waiting.least <= stored + 1;
  const there = isNext ? Math.max(stored, waiting.most) : stored;
  const findings: Finding[] = [];
  if (there < promised) {
    const said = `${nameRows(there + 1, isNext ? promised : waiting.least - 1)} missing at the end of the chain: removed. ${
      newest !== null && newest.seq > there
        ? `It had come to ${newest.seq} at ${newest.signedAt.toISOString()}, which is signed.`
        : `Its own word is that it has come to ${state.seq}.`
    }`;
    const last = isNext ? promised : waiting.least - 1;
    findings.push(makeFinding({ kind: "truncated", chain, seq: there + 1, toSeq: last, text: said }));
  }
  if (newest !== null && newest.seq > state.seq) {
    const now = await readState(state, reader);
    if (Math.max(now.seq, there) < newest.seq || (now.seq < newest.seq && waiting.rows === 0))
      findings.push(blameState(state, newest));
  } else if (extent.most > state.seq) {
    const now = await readState(state, reader);
    findings.push(...(await nameInserted(chain, { from: now.seq + 1, to: extent.most }, reader)));
  }
  if (state.seq === 0 || extent.most < state.seq || state.seq <= cut.seq) return findings;
  const found = await reader.link(chain, state.seq);
  const isKnown = scan.suspects.some(({ seq }) => seq === state.seq);
  if (found === null || found === state.hash || isKnown) return findings;
  const [{ id, table }] = await findRows(chain, state.seq, reader);
  const said = `Row ${state.seq} (${id}) was altered and given a new hash, or the chain's own word on its end was: they do not agree.`;
  const own = { chain, table, id, seq: state.seq, expected: state.hash, found } as const;
  return [...findings, makeFinding({ ...own, kind: "altered", text: said })];
}

async function readState(state: ChainState, reader: ChainReader): Promise<ChainState> {
  return (await reader.chains()).find(({ chain }) => chain === state.chain) ?? state;
}

function blameState(state: ChainState, newest: Head): Finding {
  const { chain, seq } = state;
  const place = seq < 0 ? "no row that can be" : `row ${seq}`;
  const said = `Chain ${chain} says that it has come to ${place}, and had come to ${newest.seq} at ${newest.signedAt.toISOString()}, which is signed: its word was altered.`;
  return makeFinding({
    kind: "chain_altered",
    chain,
    table: "ledger_chains",
    id: chain,
    expected: String(newest.seq),
    found: String(seq),
    text: said,
  });
}

async function nameInserted(
  chain: string,
  { from, to }: { from: number; to: number },
  reader: ChainReader,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  // There may be one row a million places behind: only places that have a row are looked at.
  const places = await listPlaces(chain, { after: from - 1, through: to }, reader);
  const named = places.slice(0, MAX_NAMED);
  for (const seq of named) {
    for (const { id, table } of await findRows(chain, seq, reader)) {
      if (id === null) continue;
      const said = `Row ${seq} (${id}) was put in behind the end of the chain, which is ${from - 1}.`;
      findings.push(makeFinding({ kind: "inserted", chain, table, id, seq, text: said }));
    }
  }
  const next = places[named.length];
  if (next === undefined) return findings;
  const said = `${nameRows(next, to)} behind the end of the chain: put in.`;
  return [...findings, makeFinding({ kind: "inserted", chain, seq: next, toSeq: to, text: said })];
}

/** Places of that range that have a row, in order: as many as are named, and at least one more where there is one. */
async function listPlaces(
  chain: string,
  range: { after: number; through: number },
  reader: ChainReader,
): Promise<number[]> {
  const places = new Set<number>();
  for (const table of ["ledger_entries", "ledger_recounts"] as const) {
    let found = 0;
    for await (const rows of reader.rows(table, { chain, ...range })) {
      for (const { seq } of rows) places.add(seq);
      found += rows.length;
      if (found > MAX_NAMED) break;
    }
  }
  return [...places].sort((left, right) => left - right);
}

type Found = Pick<Finding, "id" | "table">;

async function findRows(chain: string, seq: number, reader: ChainReader): Promise<[Found, ...Found[]]> {
  const rows: Found[] = [];
  for (const table of ["ledger_entries", "ledger_recounts"] as const) {
    const row = await reader.recheck(table, chain, seq);
    if (row !== null) rows.push({ id: row.id, table });
  }
  const [first, ...rest] = rows;
  return first === undefined ? [{ id: null, table: "ledger_entries" }] : [first, ...rest];
}
