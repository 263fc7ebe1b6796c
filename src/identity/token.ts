// API tokens: how one is made, recognised and hashed. Knows neither users nor the database.

import { hash } from "node:crypto";

const MARK = "tok_";
const RANDOM_BYTES = 32;
const TOKEN = /^tok_[A-Za-z0-9_-]{43}$/;
const PREFIX_LENGTH = 12;

/** A fresh token with what is kept of it: its first 12 characters and its hash. The token itself is kept nowhere. */
export function issueToken(randomBytes: (length: number) => Uint8Array): {
  token: string;
  prefix: string;
  hash: string;
} {
  const token = MARK + Buffer.from(randomBytes(RANDOM_BYTES)).toString("base64url");
  return { token, prefix: token.slice(0, PREFIX_LENGTH), hash: hashToken(token) };
}

const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** What a cookie or a link carries: 256 bits, of which only the hash is kept. */
export function issueSecret(randomBytes: (length: number) => Uint8Array): { token: string; hash: string } {
  const token = Buffer.from(randomBytes(RANDOM_BYTES)).toString("base64url");
  return { token, hash: hashToken(token) };
}

/** Whether `text` can be such a secret at all. */
export function isSessionShaped(text: string): boolean {
  return SECRET.test(text);
}

/** Lower-case hex SHA-256 of the whole token. */
export function hashToken(token: string): string {
  return hash("sha256", token, "hex");
}

/** Whether `text` can be one of our tokens at all: cheaper than a hash, and it bounds what gets hashed. */
export function isTokenShaped(text: string): boolean {
  return TOKEN.test(text);
}
