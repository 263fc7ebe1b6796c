// Verifies chains: reads what they say of themselves, has their rows gone through (by several hands, where there are), and gathers what
// is wrong. Knows no SQL, no worker and no output.

import { type Head, SIGNED_WHEN } from "../../ledger/index.ts";
import { checkEnd, promise } from "./end.ts";
import { type Finding, makeFinding, nameRows } from "./finding.ts";
import { judgeScan } from "./judge.ts";
import { checkMark } from "./mark.ts";
import type { ChainMark, ChainReader, ChainState, Extent, StoredHead } from "./reader.ts";
import type { Scan, Stretch } from "./scan.ts";
import { checkOrigin, checkSigned, type KeptHead, type Signed } from "./signed.ts";
import { type ScanOne, scanAll } from "./stretch.ts";
import type { CutChain } from "./sums.ts";

export interface VerifyInit {
  reader: ChainReader;
  scan: ScanOne;
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

/** Rows of no order that are named. */
const MAX_LOOSE = 200;

export async function verifyChains(init: VerifyInit): Promise<Verified> {
  const { reader } = init;
  // First, for a chain may begin meanwhile.
  const marked = init.chain === null ? await reader.marked() : [];
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
  verified.findings.push(...missChains(init, names), ...marked.flatMap((chain) => blameStray(chain, names)));
  if (init.chain === null) {
    verified.findings.push(...(await findLoose(reader)));
    verified.notes.push(...tellUnchained(await reader.unchained()));
  }
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
  const stretch: Stretch = { chain, after, through: range.through, forgotten: signed.forgotten };
  const hash = signed.hashes.get(after);
  // The row itself is gone, its hash was signed.
  if (after > 0 && after < least && hash !== undefined) stretch.previous = hash;
  const scan = await scanAll(stretch, { scan: init.scan, onRows });
  const findings = [
    ...signed.findings,
    ...judgeScan(scan, {
      chain,
      signed: signed.hashes,
      cutSeq: signed.cut.seq,
      end: state,
      promised: promise(state, signed),
    }),
    ...(await checkLeft(chain, signed.cut.seq, scan, reader)),
    ...(await checkEnd(item, signed, scan, reader)),
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
    notes: [
      ...signed.notes,
      ...tellUnproved(extent, signed, chain),
      ...tellUnsigned(extent, signed.newest, chain),
      ...tellWaiting(item),
    ],
  };
}

/** Rows go by age from the first on: none of those before one that did is left. A removal may go on meanwhile. */
async function checkLeft(
  chain: string,
  cutSeq: number,
  { gaps }: Scan,
  reader: Pick<ChainReader, "extent">,
): Promise<Finding[]> {
  const gap = gaps.findLast(({ from }) => from <= cutSeq);
  const { least, rows } = gap === undefined ? NOTHING : await reader.extent(chain);
  if (gap === undefined || rows === 0 || least >= gap.from) return [];
  const said = `${nameRows(least, gap.from - 1)} there, and those from ${gap.from} to ${Math.min(gap.to, cutSeq)} went by age, oldest first: put in.`;
  return [makeFinding({ kind: "inserted", chain, seq: least, toSeq: gap.from - 1, text: said })];
}

/** The contents of the first row prove nothing where the one before it is gone, and are proved by nothing where it has had its time itself. */
function tellUnproved({ rows, least }: Extent, { cut, hashes }: Signed, chain: string): string[] {
  if (rows === 0 || least === 1 || least > cut.seq || hashes.has(least - 1)) return [];
  return [
    `Row ${least} cannot be checked (chain ${chain}): the one before it went by age, and its own removal was signed, too. A gateway removes it at its next round; if it stays, it was put in.`,
  ];
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

function tellUnchained(calls: number): string[] {
  if (calls === 0) return [];
  const what = calls === 1 ? "1 call is" : `${calls} calls are`;
  return [`${what} of before there was a chain: nothing attests them, so nobody can tell what was altered or put in.`];
}

/** It concerns no row, and somebody put it there, or took its chain away. */
function blameStray(chain: string, names: ReadonlySet<string>): Finding[] {
  if (names.has(chain)) return [];
  const said = `How far chain ${chain} is summed up is noted, and there is no such chain: the note was put in, or the chain was removed.`;
  return [makeFinding({ kind: "chain_altered", chain, table: "ledger_marks", id: chain, text: said })];
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
