// Whether a record of changes is as it was sealed and signed, and if not, which rows. Knows no SQL and no output.

import { fingerprint, type Head, isSigned, nameHead, SIGNED_WHEN } from "../../ledger/index.ts";
import type { ChangeBook, ChangeChain, ChangeState, StoredChangeHead } from "./book.ts";
import { type ChangeFinding, nameChanges } from "./finding.ts";
import { findStrays, type Walk, walkChanges } from "./walk.ts";

/** A head from outside of the database: whoever can change the one may not be able to change the other. */
export interface KeptChangeHead {
  head: Head;
  /** Where it was read, for people. */
  origin: string;
}

export interface VerifyChangesInit {
  book: Pick<ChangeBook, "chains">;
  kept: readonly KeptChangeHead[];
  /** Raw public keys that are known from elsewhere; null where none is. */
  trusted: ReadonlySet<string> | null;
  /** Raw public key of this machine's gateway; null where it has none. */
  own: string | null;
  onProgress: (rows: number, total: number) => void;
}

export interface ChangeChainReport {
  database: string;
  chain: string;
  rows: number;
  /** The furthest place that a signature covers. */
  signed_to: number;
  signed_at: Date | null;
}

export interface VerifiedChanges {
  rows: number;
  chains: ChangeChainReport[];
  findings: ChangeFinding[];
  notes: string[];
}

export async function verifyChanges(init: VerifyChangesInit): Promise<VerifiedChanges> {
  const verified: VerifiedChanges = { rows: 0, chains: [], findings: [], notes: [] };
  const known = await Promise.all(init.book.chains.map(async (chain) => [chain, ...(await chain.former())]));
  const plans = await Promise.all(
    known.flat().map(async (chain) => {
      // In this order: a running gateway adds rows before it signs them.
      const heads = await chain.heads();
      return { chain, heads, state: await chain.state() };
    }),
  );
  const total = plans.reduce((sum, { state }) => sum + Math.max(0, state?.seq ?? 0), 0);
  const onRows = (rows: number): void => {
    verified.rows += rows;
    init.onProgress(verified.rows, total);
  };
  for (const plan of plans) {
    const { report, findings, notes } = await verifyOne(plan, init, onRows);
    if (report !== null) verified.chains.push(report);
    verified.findings.push(...findings);
    verified.notes.push(...notes);
  }
  verified.findings.push(
    ...missChains(
      init.kept,
      plans.flatMap(({ state }) => (state === null ? [] : [state.chain])),
    ),
  );
  return verified;
}

interface Plan {
  chain: ChangeChain;
  heads: readonly StoredChangeHead[];
  state: ChangeState | null;
}

interface Signed {
  findings: ChangeFinding[];
  /** Those whose signatures hold, from the database and from elsewhere. */
  good: Head[];
  newest: Head | null;
}

async function verifyOne({ chain, heads, state }: Plan, init: VerifyChangesInit, onRows: (rows: number) => void) {
  const { place } = chain;
  if (state === null) {
    const left = heads.slice(-1).map((head) => blameChain(place, head));
    return { report: null, findings: [...left, ...(await findStrays(chain, null))], notes: [] };
  }
  const signed = checkHeads({ place, state, heads }, init);
  const wanted = new Set([...signed.good.map(({ seq }) => seq), state.seq]);
  const walk = await walkChanges({ chain, state, wanted, onRows });
  const now = (await chain.state()) ?? state;
  const findings = [...signed.findings, ...walk.findings, ...checkEnd({ place, state, now }, walk, signed)];
  findings.push(...compareHeads({ place, state }, walk, signed));
  const report: ChangeChainReport = {
    database: place,
    chain: state.chain,
    rows: walk.rows,
    signed_to: signed.newest?.seq ?? 0,
    signed_at: signed.newest?.signedAt ?? null,
  };
  const from = (signed.newest?.seq ?? 0) + 1;
  const notes =
    from > walk.last ? [] : [`${nameChanges(from, walk.last)} not signed yet (${place} database): ${SIGNED_WHEN}.`];
  if (init.trusted === null) notes.push(...tellForeign(signed, init.own));
  return { report, findings, notes };
}

/** On one PostgreSQL that is how it should be; on one machine it is not. */
function tellForeign({ good }: Signed, own: string | null): string[] {
  const keys = new Set(good.map(({ publicKey }) => publicKey).filter((key) => key !== own));
  return [...keys].map((key) => `Some heads are signed by the key ${fingerprint(key)}, which is not this machine's.`);
}

function blameChain(place: string, { chain, seq, id }: StoredChangeHead): ChangeFinding {
  const text = `Chain ${chain} is missing: it was removed, and had come to row ${seq}, which is signed.`;
  return { kind: "chain_missing", place, chain, id, seq: 1, toSeq: seq, text };
}

function checkHeads(
  { place, state, heads }: { place: string; state: ChangeState; heads: readonly StoredChangeHead[] },
  { kept, trusted }: VerifyChangesInit,
): Signed {
  const signed: Signed = { findings: [], good: [], newest: null };
  const add = (head: Head): void => {
    signed.good.push(head);
    if (signed.newest === null || head.seq > signed.newest.seq) signed.newest = head;
  };
  const blame = (kind: "head_altered" | "head_missing" | "key_unknown", head: Head, text: string): void => {
    const id = nameHead(head);
    signed.findings.push({ kind, place, chain: head.chain, id, seq: head.seq, toSeq: head.seq, text });
  };
  const known = new Set(heads.map(({ id }) => id));
  for (const head of heads) {
    const { id, previous } = head;
    if (head.chain !== state.chain) blame("head_altered", head, `The head ${id} is none of chain ${state.chain}.`);
    else if (!isSigned(head, null) || id !== nameHead(head))
      blame("head_altered", head, `The head ${id} was altered: its signature does not hold.`);
    else if (trusted !== null && !trusted.has(head.publicKey))
      blame("key_unknown", head, `The head ${id} is signed by the key ${fingerprint(head.publicKey)}, ${NOT_GIVEN}.`);
    else add(head);
    if (previous !== null && !known.has(previous)) {
      const seq = Number(previous.split("/").at(-2));
      const text = `The head ${previous} is missing: it was removed. ${id} names it as the one before.`;
      signed.findings.push({ kind: "head_missing", place, chain: head.chain, id: previous, seq, toSeq: seq, text });
      known.add(previous);
    }
  }
  for (const { head, origin } of kept.filter((each) => each.head.chain === state.chain)) {
    const id = nameHead(head);
    if (!isSigned(head, null)) {
      blame("head_altered", head, `The head ${id} in ${origin} was altered: its signature does not hold.`);
      continue;
    }
    if (trusted !== null && !trusted.has(head.publicKey)) continue;
    add(head);
    const when = head.signedAt.toISOString();
    if (!known.has(id))
      blame(
        "head_missing",
        head,
        `The head ${id}, signed at ${when}, is in ${origin} and was removed from the database.`,
      );
  }
  return signed;
}

const NOT_GIVEN = "which is none of those that were given: another gateway's (give its key, too), or a forger's";

/** Whether the chain ends where it says, and where signatures say. */
function checkEnd(
  { place, state, now }: { place: string; state: ChangeState; now: ChangeState },
  { last, hashes }: Walk,
  { newest }: Signed,
): ChangeFinding[] {
  const { chain } = state;
  const own = { place, chain, id: null };
  const findings: ChangeFinding[] = [];
  const promised = Math.max(state.seq, newest?.seq ?? 0);
  if (last < promised) {
    const isProved = newest !== null && newest.seq > last;
    const word = isProved
      ? `It had come to row ${newest.seq} at ${newest.signedAt.toISOString()}, which is signed.`
      : `Its own word is that it has come to row ${state.seq}.`;
    const text = `${nameChanges(last + 1, promised)} missing at the end: removed. ${word}`;
    findings.push({ ...own, kind: "truncated", seq: last + 1, toSeq: promised, text });
  }
  if (newest !== null && newest.seq > now.seq) {
    const text = `The chain's own word, that it has come to row ${now.seq}, was altered: row ${newest.seq} is signed.`;
    findings.push({ ...own, kind: "chain_altered", seq: now.seq, toSeq: newest.seq, text });
  } else if (last > now.seq) {
    const text = `${nameChanges(now.seq + 1, last)} behind the end of the chain: put in, or its own word was altered.`;
    findings.push({ ...own, kind: "inserted", seq: now.seq + 1, toSeq: last, text });
  }
  const found = hashes.get(state.seq);
  if (found !== undefined && found !== state.hash) {
    const text = `Row ${state.seq} was given a new hash, or the chain's own word on its end was altered: they do not agree.`;
    findings.push({ ...own, kind: "hash_replaced", seq: state.seq, toSeq: state.seq, text });
  }
  return findings;
}

/** The first head that the rows do not give tells between which two something was made anew. */
function compareHeads(
  { place, state }: { place: string; state: ChangeState },
  { hashes }: Walk,
  { good }: Signed,
): ChangeFinding[] {
  let agreed = 0;
  for (const head of good.toSorted((left, right) => left.seq - right.seq)) {
    const found = hashes.get(head.seq);
    if (found === undefined) continue;
    if (found === head.hash) {
      agreed = head.seq;
      continue;
    }
    const when = head.signedAt.toISOString();
    const text = `Rows ${agreed + 1} to ${head.seq} are not those that were signed at ${when}: some were rewritten, and hashes were made anew.`;
    const where = { place, chain: state.chain, id: nameHead(head), seq: agreed + 1, toSeq: head.seq };
    return [{ ...where, kind: "rewritten", text }];
  }
  return [];
}

/** Heads that were kept of chains that are not there any more. */
function missChains(kept: readonly KeptChangeHead[], names: readonly string[]): ChangeFinding[] {
  const lost = new Map<string, KeptChangeHead>();
  for (const one of kept) {
    const { chain, seq } = one.head;
    if (names.includes(chain) || !isSigned(one.head, null)) continue;
    if (seq >= (lost.get(chain)?.head.seq ?? 0)) lost.set(chain, one);
  }
  return [...lost.values()].map(({ head, origin }): ChangeFinding => {
    const text = `Chain ${head.chain} is missing: it had come to row ${head.seq} at ${head.signedAt.toISOString()}, as ${origin} says. The database was replaced, or its record removed.`;
    const own = { place: "unknown", chain: head.chain, id: nameHead(head) };
    return { ...own, kind: "chain_missing", seq: 1, toSeq: head.seq, text };
  });
}
