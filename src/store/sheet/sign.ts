// What a sheet, or a part of one, may hold, in few bytes: those that cannot hold what is asked for are not read. Pure; knows no SQL.

import type { LedgerFilter } from "../../ledger/index.ts";
import { cleanText } from "../../lib/text.ts";
import type { Term, Value } from "./sheet.ts";

/** Bits that each value has to itself; so one in about twenty parts is read for nothing. */
const BITS_A_VALUE = 8;
const [LEAST_BYTES, MOST_BYTES] = [32, 65_536];

/** @param known all values, by what they are of */
export function signSheet(known: readonly (readonly [Term, readonly Value[]])[]): Uint8Array<ArrayBuffer> {
  const tokens = new Set<string>();
  for (const [term, values] of known)
    for (const value of values) for (const token of listTokens(term, value)) tokens.add(token);
  let bytes = LEAST_BYTES;
  while (bytes < MOST_BYTES && bytes * 8 < tokens.size * BITS_A_VALUE) bytes *= 2;
  const sign = new Uint8Array(bytes);
  for (const token of tokens)
    for (const bit of listBits(token, bytes)) sign[bit >> 3] = (sign[bit >> 3] ?? 0) | (1 << (bit & 7));
  return sign;
}

/** For each condition of a filter, the signs of which one must be there. */
export function listWanted({ model, status, tags = [], ...filter }: LedgerFilter): string[][] {
  const one = (term: Term, value: string | undefined): string[][] =>
    value === undefined ? [] : [listTokens(term, cleanText(value))];
  return [
    ...one("apiKeyId", filter.apiKeyId),
    ...one("direction", filter.direction),
    ...one("endpoint", filter.endpoint),
    ...one("provider", filter.provider),
    ...one("userId", filter.userId),
    ...(model === undefined
      ? []
      : [(["modelAsked", "modelServed"] as const).map((term) => print(term, cleanText(model)))]),
    ...(status === undefined ? [] : [[print("status", status)]]),
    ...tags.map((tag) => [print("tags", cleanText(tag))]),
  ];
}

/** False where nothing in it can be what is wanted. */
export function mayHold(sign: Uint8Array, wanted: readonly (readonly string[])[]): boolean {
  const holds = (token: string): boolean =>
    listBits(token, sign.length).every((bit) => ((sign[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0);
  return wanted.every((tokens) => tokens.some(holds));
}

function listTokens(term: Term, value: Value): string[] {
  if (term === "tags") {
    const own: unknown = typeof value === "string" ? JSON.parse(value) : [];
    return Array.isArray(own) ? own.map((tag) => print(term, tag)) : [];
  }
  // A status may be asked for by its class.
  if (term === "status") return [print(term, value), print(term, Math.floor(Number(value) / 100))];
  return [print(term, value)];
}

function print(term: Term, value: unknown): string {
  return `${term} ${String(value)}`;
}

/** Places are kept with the books, so they are our own arithmetic (FNV-1a), not one that another release may change. */
function listBits(token: string, bytes: number): number[] {
  let [left, right] = [0x81_1c_9d_c5, 0x0b_ad_5e_ed];
  for (let at = 0; at < token.length; at++) {
    const code = token.charCodeAt(at);
    left = Math.imul(left ^ code, 0x01_00_01_93);
    right = Math.imul(right ^ (code + at), 0x5b_d1_e9_95);
  }
  return [mix(left) & (bytes * 8 - 1), mix(right) & (bytes * 8 - 1)];
}

/** Names differ in little, and their places are to differ in all (the end of MurmurHash3). */
function mix(hash: number): number {
  const half = Math.imul(hash ^ (hash >>> 16), 0x85_eb_ca_6b);
  const whole = Math.imul(half ^ (half >>> 13), 0xc2_b2_ae_35);
  return (whole ^ (whole >>> 16)) >>> 0;
}
