// Signed heads of a chain, from the database and from elsewhere, against its rows and its own word. Knows no row's contents.

import { fingerprint, type Head, isSigned, nameHead, readPublicKey } from "../../ledger/index.ts";
import { type Finding, makeFinding } from "./finding.ts";
import type { ChainReader, ChainState, StoredHead } from "./reader.ts";
import { canonicalize } from "../../lib/canonical-json.ts";

/** A head from outside of the database: whoever can change the one may not be able to change the other. */
export interface KeptHead {
  head: Head;
  continues: string | null;
  /** Where it was read, for people. */
  origin: string;
}

export interface Signed {
  findings: Finding[];
  notes: string[];
  /** By place, only what a signature holds for. */
  hashes: Map<number, string>;
  /** Up to here rows may be missing; when that was signed, and when it was for the first time that they were there. */
  cut: { seq: number; hash: string; signedAt: Date; thereAt: Date };
  /** Up to here the hashes of payloads may be. */
  forgotten: number;
  /** The furthest that was signed; null where nothing was. */
  newest: Head | null;
}

interface SignedInit {
  reader: Pick<ChainReader, "link">;
  /** Of the database. */
  stored: readonly StoredHead[];
  state: ChainState;
  kept: readonly KeptHead[];
  /** Raw public keys that are known from elsewhere; null where none is. */
  trusted: ReadonlySet<string> | null;
  /** Raw public keys of this machine: what they signed away of another gateway's chain is gone by right. */
  own: ReadonlySet<string>;
  /** Of the rows that are there. */
  least: number;
  most: number;
  /** Places that are looked at. */
  range: { after: number; through: number };
}

export async function checkSigned(init: SignedInit): Promise<Signed> {
  const { state, kept, stored } = init;
  const signed: Signed = {
    findings: checkKey(init),
    notes: [],
    hashes: new Map(),
    cut: NO_CUT,
    forgotten: 0,
    newest: null,
  };
  const good: { head: Head; origin: string | null }[] = [];
  for (const head of stored) {
    const wrong = judgeHead(head, head.id, init);
    if (wrong === null) good.push({ head, origin: null });
    else signed.findings.push(wrong);
  }
  const known = new Set(stored.map(({ id }) => id));
  signed.findings.push(...findLost(stored, known, init));
  for (const { head, continues, origin } of kept) {
    if (!isSigned(head, continues) || !isOwnKey(head, init)) {
      signed.findings.push(blameKept(head, { continues, origin }, init));
      continue;
    }
    good.push({ head, origin });
    if (!known.has(nameHead(head))) signed.findings.push(missHead(state.chain, nameHead(head), head, origin));
    known.add(nameHead(head));
  }
  for (const { head } of good) {
    signed.hashes.set(head.seq, head.hash);
    if (head.reason === "cut" && head.seq > signed.cut.seq) signed.cut = makeCut(head, good);
    if (head.reason === "forget") signed.forgotten = Math.max(signed.forgotten, head.seq);
    if (signed.newest === null || head.seq > signed.newest.seq) signed.newest = head;
  }
  signed.findings.push(...(await compareRows(good, init)));
  return signed;
}

const NO_CUT: Signed["cut"] = { seq: 0, hash: "", signedAt: new Date(0), thereAt: new Date(0) };

function makeCut({ seq, hash, signedAt }: Head, good: readonly { head: Head }[]): Signed["cut"] {
  const later = good.flatMap(({ head }) => (head.seq >= seq ? [head.signedAt.getTime()] : []));
  return { seq, hash, signedAt, thereAt: new Date(Math.min(...later)) };
}

/** The chain's name holds its key's fingerprint, and every row attests the name. */
function checkKey({ state, trusted }: SignedInit): Finding[] {
  const { chain, keyId, publicKey } = state;
  const own = { chain, table: "ledger_chains", id: chain, kind: "key_replaced" } as const;
  const real = fingerprint(publicKey);
  const isKey = readPublicKey(publicKey) === publicKey;
  if (!isKey || real !== keyId || !chain.startsWith(`${keyId.slice(0, KEY_PREFIX)}-`)) {
    const said = `The public key of chain ${chain} was replaced: the chain is named after a key that begins with ${chain.split("-")[0]}.`;
    return [makeFinding({ ...own, expected: chain.split("-")[0] ?? null, found: real, text: said })];
  }
  if (trusted === null || trusted.has(publicKey)) return [];
  const said = `Chain ${chain} is signed by the key ${keyId}, which is none of those that were given: another gateway's (give its key too, or name one chain), or a forger's.`;
  return [makeFinding({ ...own, found: real, text: said })];
}

export const KEY_PREFIX = 16;

function isOwnKey(head: Head, { own, state, trusted }: SignedInit): boolean {
  if (fingerprint(head.publicKey).startsWith(state.chain.split("-")[0] ?? "-")) return true;
  // What has had its time may be removed by another gateway, where its key is known from elsewhere.
  return isRemoval(head) && (trusted ?? own).has(head.publicKey);
}

function isRemoval({ reason }: Head): boolean {
  return reason === "cut" || reason === "forget";
}

function tellRemoval(head: Head): string {
  if (!isRemoval(head)) return "";
  return ", or another gateway removed what had had its time: if that one is yours, give its key with --public-key";
}

function judgeHead(head: StoredHead, id: string, init: SignedInit): Finding | null {
  const own = { chain: head.chain, table: "ledger_heads", id, seq: head.seq, kind: "head_altered" } as const;
  if (!isSigned(head, init.state.continues)) {
    const origin = head.reason === "start" ? " (or the chain's word on what it continues was)" : "";
    return makeFinding({
      ...own,
      found: head.signature,
      text: `The head ${id} was altered${origin}: its signature does not hold.`,
    });
  }
  if (!isOwnKey(head, init)) {
    const said = `The head ${id} was signed by another key than the chain's: it was put in or replaced${tellRemoval(head)}.`;
    return makeFinding({ ...own, expected: init.state.keyId, found: fingerprint(head.publicKey), text: said });
  }
  if (id !== nameHead(head)) {
    return makeFinding({ ...own, expected: nameHead(head), found: id, text: `The head ${id} got another name.` });
  }
  return null;
}

/** Each head names the one before it, and a chain has its first one before it has rows. */
function findLost(stored: readonly StoredHead[], known: ReadonlySet<string>, { state, most }: SignedInit): Finding[] {
  const { chain } = state;
  if (stored.length === 0 && most > 0) {
    const said = `Chain ${chain} has rows and no signed head: they were removed, for a chain begins with one.`;
    return [makeFinding({ kind: "head_missing", chain, table: "ledger_heads", text: said })];
  }
  const lost = stored.flatMap(({ id, previous }) =>
    previous === null || known.has(previous) ? [] : [{ id, previous }],
  );
  return lost.map(({ id, previous }) => {
    const said = `The head ${previous} is missing: it was removed. ${id} names it as the one before.`;
    return makeFinding({ kind: "head_missing", chain, table: "ledger_heads", id: previous, text: said });
  });
}

function missHead(chain: string, id: string, { seq, signedAt }: Head, origin: string): Finding {
  const said = `The head ${id}, signed at ${signedAt.toISOString()}, is in ${origin} and not in the database: it was removed there.`;
  return makeFinding({ kind: "head_missing", chain, table: "ledger_heads", id, seq, text: said });
}

function blameKept(
  head: Head,
  { continues, origin }: Pick<KeptHead, "continues" | "origin">,
  { state }: SignedInit,
): Finding {
  const id = nameHead(head);
  const own = { chain: state.chain, table: "ledger_heads", id, seq: head.seq, kind: "head_altered" } as const;
  const start = `The head ${id} in ${origin} is not to be trusted:`;
  if (!isSigned(head, continues)) {
    const said = `${start} its signature does not hold, so it was altered since it was signed, or is forged.`;
    return makeFinding({ ...own, found: head.signature, text: said });
  }
  const said = `${start} it was signed by another key than the chain's${tellRemoval(head)}.`;
  return makeFinding({ ...own, expected: state.keyId, found: fingerprint(head.publicKey), text: said });
}

/** The first head that the rows do not give tells between which two something was made anew. */
async function compareRows(
  good: readonly { head: Head; origin: string | null }[],
  init: SignedInit,
): Promise<Finding[]> {
  const { reader, state, range } = init;
  let agreed = 0;
  let disputed = 0;
  let first: { head: Head; origin: string | null; found: string } | null = null;
  for (const { head, origin } of good.toSorted((left, right) => left.head.seq - right.head.seq)) {
    if (head.seq === 0 || head.seq > init.most) continue;
    if (head.seq <= range.after || head.seq > range.through) continue;
    const found = await reader.link(state.chain, head.seq);
    if (found === null) continue;
    if (found !== head.hash) {
      disputed++;
      first ??= { head, origin, found };
    } else if (first === null) agreed = head.seq;
  }
  if (first === null) return [];
  const { head, origin, found } = first;
  const from = Math.max(agreed, init.least - 1) + 1;
  const more = disputed > 1 ? ` ${disputed - 1} later heads do not agree either.` : "";
  const where = origin === null ? "" : ` (${origin})`;
  const said = `Rows ${from} to ${head.seq} are not those that were signed at ${head.signedAt.toISOString()}${where}: some were rewritten, and hashes were made anew.${more}`;
  return [
    makeFinding({
      kind: "rewritten",
      chain: state.chain,
      seq: from,
      toSeq: head.seq,
      expected: head.hash,
      found,
      text: said,
    }),
  ];
}

/** A chain says when it began; one that took over from another names its last row. Chains of earlier days know less. */
export async function checkOrigin(
  state: ChainState,
  chains: readonly ChainState[],
  link: ChainReader["link"],
): Promise<Finding[]> {
  if (state.continues === null) return [];
  const word = readWord(state.continues);
  const own = { chain: state.chain, table: "ledger_chains", id: state.chain } as const;
  if (word === null) {
    const said = `What chain ${state.chain} says that it continues cannot be read: it was altered.`;
    return [makeFinding({ ...own, kind: "chain_altered", found: state.continues, text: said })];
  }
  const { origin, startedAt } = word;
  if (startedAt !== null && startedAt !== state.startedAt.getTime()) {
    const said = `Chain ${state.chain} began at ${printTime(startedAt)}, which is signed, and not at ${printTime(state.startedAt.getTime())}: its time was altered.`;
    const times = { expected: printTime(startedAt), found: printTime(state.startedAt.getTime()) };
    return [makeFinding({ ...own, ...times, kind: "chain_altered", text: said })];
  }
  if (origin === null) return [];
  if (!chains.some(({ chain }) => chain === origin.chain)) {
    const said = `Chain ${origin.chain} is missing: it was removed. Chain ${state.chain} continues it from row ${origin.seq}.`;
    return [makeFinding({ ...own, kind: "chain_missing", id: origin.chain, chain: origin.chain, text: said })];
  }
  if (origin.seq === 0) return [];
  const found = await link(origin.chain, origin.seq);
  if (found === null || found === origin.hash) return [];
  const said = `Row ${origin.seq} of chain ${origin.chain} is not the one that chain ${state.chain} continues: it was rewritten.`;
  return [
    makeFinding({ kind: "rewritten", chain: origin.chain, seq: origin.seq, expected: origin.hash, found, text: said }),
  ];
}

interface Word {
  origin: { chain: string; seq: number; hash: string } | null;
  /** Epoch milliseconds. */
  startedAt: number | null;
}

function readWord(text: string): Word | null {
  try {
    const { chain, seq, hash, startedAt } = JSON.parse(text);
    if (canonicalize({ chain, seq, hash, startedAt }) !== text) return null;
    if (startedAt !== undefined && typeof startedAt !== "number") return null;
    const found = { startedAt: startedAt ?? null };
    if (chain === undefined && seq === undefined && hash === undefined) return { ...found, origin: null };
    if (typeof chain !== "string" || typeof seq !== "number" || typeof hash !== "string") return null;
    return { ...found, origin: { chain, seq, hash } };
  } catch {
    return null;
  }
}

/** A column may hold what is no time at all. */
function printTime(ms: number): string {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? "no time that there is" : time.toISOString();
}
