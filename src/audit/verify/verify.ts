// Verifies chains: reads what they say of themselves, has their rows gone through (by several hands, where there are), and gathers what
// is wrong. Knows no SQL, no worker and no output.

import { type Head, SIGNED_WHEN } from "../../ledger/index.ts";
import { type Finding, makeFinding, nameRows } from "./finding.ts";
import { judgeScan } from "./judge.ts";
import { checkMark } from "./mark.ts";
import type { ChainMark, ChainReader, ChainState, Extent, StoredHead } from "./reader.ts";
import { checkOrigin, checkSigned, type KeptHead, type Signed } from "./signed.ts";
import { type Scan, type Stretch, startScan } from "./scan.ts";
import type { CutChain } from "./sums.ts";

export interface VerifyInit {
  reader: ChainReader;
  /** Goes through one stretch; several may be asked for at once. */
  scan: (stretch: Stretch, onRows: (rows: number) => void) => Promise<Scan>;
  /** One chain only; null: all. */
  chain: string | null;
  /** Rows of requests that arrived in that time; null: no bound. Ends of chains are looked at in any case. */
  from: Date | null;
  to: Date | null;
  kept: readonly KeptHead[];
  /** Raw public keys that are known from elsewhere; null where none is. */
  trusted: ReadonlySet<string> | null;
  /** Raw public keys of this machine. */
  own: ReadonlySet<string>;
  /** What is still on its way to this database; null where nothing can be. */
  outbox: Pick<ChainReader, "chains" | "extent" | "heads"> | null;
  onProgress: (done: number, total: number) => void;
}

export interface ChainReport {
  chain: string;
  key: string;
  /** Rows gone through. */
  rows: number;
  /** First and last place of them; 0 where there is none. */
  from: number;
  to: number;
  /** Rows up to here are gone by right; 0 where none is. */
  removed_to: number;
  /** The furthest place that a signature covers. */
  signed_to: number;
  signed_at: Date | null;
}

export interface Verified {
  rows: number;
  chains: ChainReport[];
  /** Those of which rows are gone by right. */
  cutChains: CutChain[];
  findings: Finding[];
  notes: string[];
}

const STRETCH = 50_000;
const MAX_STRETCHES = 2_000;
/** Rows of no order that are named. */
const MAX_LOOSE = 200;

export async function verifyChains(init: VerifyInit): Promise<Verified> {
  const { reader } = init;
  const all = await reader.chains();
  const chosen = all.filter(({ chain }) => init.chain === null || chain === init.chain);
  const verified: Verified = { rows: 0, chains: [], cutChains: [], findings: [], notes: [] };
  const plans = [];
  for (const state of chosen) plans.push(await plan(state, init));
  const total = plans.reduce((sum, { expected }) => sum + expected, 0);
  init.onProgress(0, total);
  const onRows = (rows: number): void => {
    verified.rows += rows;
    init.onProgress(verified.rows, total);
  };
  for (const item of plans) {
    const { cut, report, findings, notes } = await verifyChain(item, init, onRows);
    verified.chains.push(report);
    if (report.removed_to > 0) verified.cutChains.push({ chain: report.chain, signedAt: cut.thereAt });
    verified.findings.push(...findings, ...(await checkOrigin(item.state, all, reader.link)));
    verified.notes.push(...notes);
  }
  const names = new Set([...all.map(({ chain }) => chain), ...(await listUnderWay(init))]);
  verified.findings.push(...missChains(init, names));
  if (init.chain === null) verified.findings.push(...(await findLoose(reader)));
  return verified;
}

interface Plan {
  /** As it was before the rows were looked at: all rows up to its end must be there. */
  state: ChainState;
  mark: ChainMark | null;
  stored: StoredHead[];
  extent: Extent;
  /** Of rows that are on their way. */
  waiting: Extent;
  range: { after: number; through: number };
  /** Roughly how many rows there are in the range. */
  expected: number;
}

const NOTHING: Extent = { rows: 0, least: 0, most: 0 };

async function plan(state: ChainState, { outbox, reader, from, to }: VerifyInit): Promise<Plan> {
  const { chain } = state;
  // In this order: a running gateway adds rows before it signs them, sends them on before it forgets them, and signs away before it marks.
  const mark = await reader.mark(chain);
  const signed = (await outbox?.heads(chain)) ?? [];
  const waiting = (await outbox?.extent(chain)) ?? NOTHING;
  const stored = [...signed, ...(await reader.heads(chain))];
  const extent = await reader.extent(chain);
  const found = { state, mark, stored: withoutCopies(stored), extent, waiting };
  const whole = { after: 0, through: extent.most };
  if (from === null && to === null) return { ...found, range: whole, expected: extent.rows };
  const window = await reader.window(chain, from, to);
  if (window === null) return { ...found, range: { after: 0, through: 0 }, expected: 0 };
  // Recounts of the last calls come behind them.
  const range = { after: from === null ? 0 : window.least - 1, through: to === null ? extent.most : window.most };
  return { ...found, range, expected: Math.min(extent.rows, range.through - range.after) };
}

/** A head may be on its way and there already. */
function withoutCopies(heads: readonly StoredHead[]): StoredHead[] {
  const byId = new Map(heads.map((head) => [head.id, head]));
  return [...byId.values()].sort(
    (left, right) => left.seq - right.seq || left.signedAt.getTime() - right.signedAt.getTime(),
  );
}

async function verifyChain(item: Plan, init: VerifyInit, onRows: (rows: number) => void) {
  const { extent, mark, range, state, stored } = item;
  const { own, reader, trusted } = init;
  const { chain } = state;
  const kept = init.kept.filter(({ head }) => head.chain === chain);
  const { least, most } = extent;
  const signed = await checkSigned({ reader, stored, state, kept, trusted, own, least, most, range });
  // Rows whose time was over are not there to be gone through.
  const after = Math.max(range.after, Math.min(signed.cut.seq, least - 1));
  const stretch = { chain, after, through: range.through, forgotten: signed.forgotten };
  const scan = merge(await scanAll(stretch, signed, init, onRows), after);
  const findings = [
    ...signed.findings,
    ...judgeScan(scan, {
      chain,
      signed: signed.hashes,
      cutSeq: signed.cut.seq,
      end: state,
      promised: promise(state, signed),
    }),
    ...(await checkEnd(item, signed, scan, init)),
    ...(await checkMark({ state, mark, extent, signed, reader })),
  ];
  const found = withoutEchoes(findings);
  const report: ChainReport = {
    chain,
    key: state.keyId,
    rows: scan.rows,
    from: scan.rows === 0 ? 0 : after + 1,
    to: scan.rows === 0 ? 0 : scan.last,
    removed_to: Math.min(signed.cut.seq, Math.max(0, (extent.rows === 0 ? signed.cut.seq + 1 : least) - 1)),
    signed_to: signed.newest?.seq ?? 0,
    signed_at: signed.newest?.signedAt ?? null,
  };
  return {
    cut: signed.cut,
    report,
    findings: found,
    notes: [...signed.notes, ...tellUnsigned(extent, signed.newest, chain), ...tellWaiting(item)],
  };
}

/** Where a signed place holds a row that is named as none of its own, that it is not the signed one says nothing more. */
function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const strange = findings.filter(({ kind }) => ["hash_replaced", "inserted", "moved", "renumbered"].includes(kind));
  const isStrange = (place: number | null): boolean =>
    place !== null &&
    strange.some(({ seq, toSeq }) => seq !== null && toSeq !== null && seq <= place && place <= toSeq);
  return findings.filter(({ kind, toSeq }) => kind !== "rewritten" || !isStrange(toSeq));
}

function tellUnsigned({ most }: Extent, newest: Head | null, chain: string): string[] {
  const from = (newest?.seq ?? 0) + 1;
  return from > most ? [] : [`${nameRows(from, most)} not signed yet (chain ${chain}): ${SIGNED_WHEN}.`];
}

/** They are part of the chain, and neither looked at nor in any report. */
function tellWaiting({ extent, state, waiting }: Plan): string[] {
  if (waiting.most <= extent.most) return [];
  const rows = nameRows(Math.max(waiting.least, extent.most + 1), waiting.most);
  return [`${rows} still in the outbox, and on the books once a gateway has shipped them (chain ${state.chain}).`];
}

/** As many stretches as make sense; a place that is far out makes them longer, not more. */
async function scanAll(
  { chain, after, through, forgotten }: Stretch,
  { cut }: Signed,
  init: VerifyInit,
  onRows: (rows: number) => void,
): Promise<{ stretch: Stretch; scan: Scan }[]> {
  const length = Math.max(STRETCH, Math.ceil((through - after) / MAX_STRETCHES));
  const stretches: Stretch[] = [];
  for (let at = after; at < through; at += length) {
    const stretch: Stretch = { chain, after: at, through: Math.min(at + length, through), forgotten };
    // The row itself is gone, its hash was signed.
    if (at === cut.seq && at > 0) stretch.previous = cut.hash;
    stretches.push(stretch);
  }
  return Promise.all(stretches.map(async (stretch) => ({ stretch, scan: await init.scan(stretch, onRows) })));
}

/** Stretches put together again. */
function merge(parts: readonly { stretch: Stretch; scan: Scan }[], after: number): Scan {
  const whole = startScan(after);
  for (const { stretch, scan } of parts) {
    // What is missing at the end of the stretch before.
    if (scan.rows > 0 && whole.last < stretch.after) addGap(whole, { from: whole.last + 1, to: stretch.after });
    for (const gap of scan.gaps) addGap(whole, gap);
    whole.rows += scan.rows;
    whole.suspects.push(...scan.suspects);
    whole.payloads.push(...scan.payloads);
    whole.stripped.push(...scan.stripped);
    for (const shift of scan.shifts) addShift(whole, shift);
    if (scan.more !== null) {
      const { from, to, rows } = scan.more;
      whole.more = { from: whole.more?.from ?? from, to, rows: (whole.more?.rows ?? 0) + rows };
    }
    if (scan.rows > 0) whole.last = scan.last;
  }
  return whole;
}

function addGap({ gaps }: Scan, { from, to }: Scan["gaps"][number]): void {
  const last = gaps.at(-1);
  if (last !== undefined && last.to >= from - 1) last.to = Math.max(last.to, to);
  else gaps.push({ from, to });
}

function addShift({ shifts }: Scan, { from, to, by }: Scan["shifts"][number]): void {
  const last = shifts.at(-1);
  if (last !== undefined && last.by === by && last.to === from - 1) last.to = to;
  else shifts.push({ from, to, by });
}

/** How far the chain has come, by its own word or a signed one. */
function promise({ seq }: ChainState, { newest }: Pick<Signed, "newest">): number {
  return Math.max(seq, newest?.seq ?? 0);
}

/** Whether the chain ends where it says, and where signatures say. */
async function checkEnd(item: Plan, { cut, newest }: Signed, scan: Scan, init: VerifyInit): Promise<Finding[]> {
  const { extent, state, waiting } = item;
  const { chain } = state;
  const { reader } = init;
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
    const now = await readState(item, reader);
    if (Math.max(now.seq, there) < newest.seq || (now.seq < newest.seq && waiting.rows === 0))
      findings.push(blameState(state, newest));
  } else if (extent.most > state.seq) {
    const now = await readState(item, reader);
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

async function readState({ state }: Plan, reader: ChainReader): Promise<ChainState> {
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
  const named = places.slice(0, MAX_LOOSE);
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
      if (found > MAX_LOOSE) break;
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

/** Chains of which not even the first head has arrived. */
async function listUnderWay({ outbox }: VerifyInit): Promise<string[]> {
  const names: string[] = [];
  for (const { chain } of (await outbox?.chains()) ?? [])
    if (((await outbox?.heads(chain)) ?? []).some(({ reason }) => reason === "start")) names.push(chain);
  return names;
}

/** Heads from elsewhere of chains that are not there. */
function missChains({ kept, chain }: VerifyInit, names: ReadonlySet<string>): Finding[] {
  const lost = new Map<string, KeptHead>();
  for (const item of kept) {
    const { head } = item;
    if (names.has(head.chain) || (chain !== null && head.chain !== chain)) continue;
    if (head.seq >= (lost.get(head.chain)?.head.seq ?? 0)) lost.set(head.chain, item);
  }
  return [...lost].map(([name, { head, origin }]) => {
    const said = `Chain ${name} is missing: it had come to row ${head.seq} at ${head.signedAt.toISOString()} (${origin}).`;
    return makeFinding({ kind: "chain_missing", chain: name, table: "ledger_chains", id: name, text: said });
  });
}

async function findLoose(reader: ChainReader): Promise<Finding[]> {
  const rows = await reader.loose(MAX_LOOSE);
  return rows.map(({ table, id, chain, createdAt }) => {
    const why = chain === null ? "it is on no chain" : `it has no place on a chain that is known (${chain})`;
    const when = Number.isNaN(createdAt.getTime()) ? "no time that there is" : createdAt.toISOString();
    const said = `Row ${id} of ${when} was put in, or taken out of its place: ${why}.`;
    return makeFinding({ kind: "inserted", chain, table, id, text: said });
  });
}
