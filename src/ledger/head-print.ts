// A signed head outside the database: one JSON object, which proves itself to whoever knows the key. Knows no disk.

import { isJsonObject } from "../ir/index.ts";
import { fingerprint, type Head, type HeadReason } from "./head.ts";

const REASONS: Readonly<Record<HeadReason, true>> = {
  crash: true,
  cut: true,
  forget: true,
  interval: true,
  shutdown: true,
  start: true,
};

/** Everything that is signed, under its own name, and the key and signature beside it. */
export interface PrintedHead {
  v: 1;
  chain: string;
  seq: number;
  hash: string;
  reason: HeadReason;
  signed_at: string;
  previous: string | null;
  /** Of a chain's first head only: when it began, and where it comes from. */
  continues?: string | null;
  key: string;
  public_key: string;
  signature: string;
}

export function printHead(head: Head, continues: string | null): PrintedHead {
  const { chain, seq, hash, reason, signedAt, previous, publicKey, signature } = head;
  const origin = reason === "start" ? { continues } : {};
  return {
    v: 1,
    chain,
    seq,
    hash,
    reason,
    signed_at: signedAt.toISOString(),
    previous,
    ...origin,
    key: fingerprint(publicKey),
    public_key: publicKey,
    signature,
  };
}

/** Back from JSON, also of earlier days, when two names were written otherwise; null where it is no head. Whether the signature holds is another question. */
export function readHead(value: unknown): { head: Head; continues: string | null } | null {
  if (!isJsonObject(value) || value["v"] !== 1) return null;
  const { chain, seq, hash, reason, previous, continues, signature } = value;
  const { signed_at: signedAt = value["signedAt"], public_key: publicKey = value["publicKey"] } = value;
  if (typeof chain !== "string" || typeof hash !== "string" || !isReason(reason)) return null;
  if (typeof publicKey !== "string" || typeof signature !== "string" || typeof signedAt !== "string") return null;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 0) return null;
  const time = new Date(signedAt);
  if (Number.isNaN(time.getTime())) return null;
  const before = typeof previous === "string" ? previous : null;
  const head: Head = { chain, seq, hash, reason, signedAt: time, previous: before, publicKey, signature };
  return { head, continues: typeof continues === "string" ? continues : null };
}

/**
 * Heads of a file: one JSON object, a list of them, an object that has them as `heads`, or one a line. Lines that are none are
 * counted: a file that was cut in the middle of a line is still worth its other lines.
 */
export function readHeads(text: string): { heads: { head: Head; continues: string | null }[]; unreadable: number } {
  const values = parseWhole(text) ?? text.split("\n").flatMap(parseLine);
  const read = values.map(readHead);
  const heads = read.filter((found) => found !== null);
  return { heads, unreadable: read.length - heads.length };
}

function parseWhole(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
    // A notice as a webhook or a mail carries it.
    if (isJsonObject(value) && Array.isArray(value["heads"])) return value["heads"];
    return [isJsonObject(value) && isJsonObject(value["data"]) ? value["data"] : value];
  } catch {
    return null;
  }
}

function parseLine(line: string): unknown[] {
  if (line.trim() === "") return [];
  return parseWhole(line) ?? [null];
}

function isReason(value: unknown): value is HeadReason {
  return typeof value === "string" && Object.hasOwn(REASONS, value);
}
