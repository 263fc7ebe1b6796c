// Keeps short texts unreadable at rest: AES-256-GCM with a random nonce, bound to what the text belongs to. Knows neither files nor databases.

import { hash } from "node:crypto";

export interface SealKey {
  /** Names the key without telling anything of it. */
  id: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export interface Sealed {
  keyId: string;
  /** Both in base64. */
  nonce: string;
  ciphertext: string;
}

const KEY_BYTES = 32;
/** What GCM is made for; a random one may be used some four billion times with one key, and nobody has as many secrets. */
const NONCE_BYTES = 12;

export function makeSealKey(): SealKey {
  return nameKey(crypto.getRandomValues(new Uint8Array(KEY_BYTES)));
}

/** The keys that a text holds, separated by commas or line breaks; lines that begin with `#` are comments. Null where one of them is none. */
export function readSealKeys(text: string): SealKey[] | null {
  const words = text
    .split(/\r?\n/u)
    .filter((line) => !line.trimStart().startsWith("#"))
    .flatMap((line) => line.split(/[\s,]+/u))
    .filter((word) => word !== "");
  const keys = words.map(readKey);
  return keys.length === 0 || keys.includes(null) ? null : keys.filter((key) => key !== null);
}

/** 32 bytes in hexadecimal or base64, of either alphabet. */
function readKey(word: string): SealKey | null {
  if (/^[0-9a-f]{64}$/iu.test(word)) return nameKey(Uint8Array.from(Buffer.from(word, "hex")));
  if (!/^[\w+/-]{43}=?$/u.test(word)) return null;
  const bytes = Uint8Array.from(Buffer.from(word.replaceAll("-", "+").replaceAll("_", "/"), "base64"));
  return bytes.length === KEY_BYTES ? nameKey(bytes) : null;
}

export function printSealKey({ bytes }: SealKey): string {
  return Buffer.from(bytes).toString("base64");
}

function nameKey(bytes: Uint8Array<ArrayBuffer>): SealKey {
  const id = hash("sha256", Buffer.concat([Buffer.from("tokligence seal key id\0"), bytes]), "hex").slice(0, 16);
  return { id, bytes };
}

/** `about` says what the text belongs to: opened with anything else, it does not open. */
export async function seal(key: SealKey, text: string, about: string): Promise<Sealed> {
  const iv = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const parameters = { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(about) };
  const cipher = await crypto.subtle.encrypt(parameters, await load(key), new TextEncoder().encode(text));
  return {
    keyId: key.id,
    nonce: Buffer.from(iv).toString("base64"),
    ciphertext: Buffer.from(cipher).toString("base64"),
  };
}

/** Null where the key is another, or one bit of it is not as it was sealed. */
export async function unseal(
  key: SealKey,
  { nonce, ciphertext }: Omit<Sealed, "keyId">,
  about: string,
): Promise<string | null> {
  const iv = Uint8Array.from(Buffer.from(nonce, "base64"));
  const parameters = { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(about) };
  try {
    const cipher = Uint8Array.from(Buffer.from(ciphertext, "base64"));
    return new TextDecoder().decode(await crypto.subtle.decrypt(parameters, await load(key), cipher));
  } catch {
    return null;
  }
}

function load({ bytes }: SealKey): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}
