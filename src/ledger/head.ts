// Signed heads: statements of a gateway that its chain had come so far at such a time. What is signed, in which bytes, and whether a
// signature holds. Knows no disk and no SQL.

import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { canonicalize } from "../lib/canonical-json.ts";

/**
 * `start`: the chain begins; `interval`: rows came; `shutdown`: the gateway stops; `crash`: it had died, and found these rows when
 * it came back; `cut`: rows up to here were removed because their time was over; `forget`: the hashes of their payloads were.
 */
export type HeadReason = "crash" | "cut" | "forget" | "interval" | "shutdown" | "start";

export interface Head {
  chain: string;
  seq: number;
  /** Of that row; empty at the start. */
  hash: string;
  reason: HeadReason;
  signedAt: Date;
  /** Id of the head before it in the same chain; null for the first, or where that was forgotten. */
  previous: string | null;
  /** Raw Ed25519 key, base64url. */
  publicKey: string;
  /** Over `encodeHead`, base64url. */
  signature: string;
}

export type Unsigned = Omit<Head, "publicKey" | "signature">;

/** Unique: a chain passes each place once. */
export function nameHead({ chain, seq, reason }: Pick<Head, "chain" | "reason" | "seq">): string {
  return `${chain}/${seq}/${reason}`;
}

/** The signed bytes: canonical JSON (RFC 8785). `continues` is the chain's own word on when it began and where it comes from: its first head attests it. */
export function encodeHead(head: Unsigned, continues: string | null): string {
  const { chain, seq, hash, reason, signedAt, previous } = head;
  const origin = reason === "start" ? { continues } : {};
  return canonicalize({ v: 1, chain, seq, hash, reason, signedAt: signedAt.toISOString(), previous, ...origin });
}

/** Whether the key that it names signed it. */
export function isSigned(head: Head, continues: string | null): boolean {
  const key = readRawKey(head.publicKey);
  if (key === null || Number.isNaN(head.signedAt.getTime())) return false;
  const signature = readBytes(head.signature, SIGNATURE_BYTES);
  return signature !== null && verify(null, Buffer.from(encodeHead(head, continues)), key, signature);
}

/** In its one form alone: with other bits in its last letter a text would stand for the same bytes, and pass for unchanged. */
function readBytes(text: string, length: number): Buffer | null {
  const bytes = Buffer.from(text, "base64url");
  return bytes.length === length && bytes.toString("base64url") === text ? bytes : null;
}

const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;
/** What stands before the raw key in a SubjectPublicKeyInfo: https://www.rfc-editor.org/rfc/rfc8410#section-4 */
const SPKI_START = Buffer.from("302a300506032b6570032100", "hex");

/** SHA-256 of the key's DER, in hexadecimal: `openssl pkey -pubin -outform DER | sha256sum` gives the same. */
export function fingerprint(publicKey: string): string {
  return createHash("sha256").update(toDer(publicKey)).digest("hex");
}

export function toPem(publicKey: string): string {
  return `-----BEGIN PUBLIC KEY-----\n${toDer(publicKey).toString("base64")}\n-----END PUBLIC KEY-----\n`;
}

function toDer(publicKey: string): Buffer {
  return Buffer.concat([SPKI_START, Buffer.from(publicKey, "base64url")]);
}

/** The raw key of a public one in any usual form: PEM, JWK, our own JSON, or raw as base64url; null where it is none of Ed25519. */
export function readPublicKey(text: string): string | null {
  const trimmed = text.trim();
  if (readRawKey(trimmed) !== null) return trimmed;
  if (trimmed.startsWith("{")) return readJsonKey(trimmed);
  // What holds a private key has no place where a public one is asked for.
  if (!trimmed.includes("-----BEGIN PUBLIC KEY-----")) return null;
  try {
    return toRaw(createPublicKey(trimmed));
  } catch {
    return null;
  }
}

function readJsonKey(text: string): string | null {
  try {
    const { crv, x, public_key: pem } = JSON.parse(text);
    if (typeof pem === "string") return readPublicKey(pem);
    return crv === "Ed25519" && typeof x === "string" && readRawKey(x) !== null ? x : null;
  } catch {
    return null;
  }
}

/** Raw, as base64url. Throws where the key is none of Ed25519. */
export function toRaw(key: KeyObject): string {
  const { crv, x } = key.export({ format: "jwk" });
  if (crv !== "Ed25519" || x === undefined) throw new Error("It is no Ed25519 key.");
  return x;
}

/** Keys are few, heads many. */
const known = new Map<string, KeyObject>();
const MAX_KNOWN = 100;

function readRawKey(publicKey: string): KeyObject | null {
  const found = known.get(publicKey);
  if (found !== undefined) return found;
  if (readBytes(publicKey, KEY_BYTES) === null) return null;
  try {
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(publicKey, key);
    return key;
  } catch {
    return null;
  }
}
