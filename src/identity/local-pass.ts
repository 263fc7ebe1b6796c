// What a command at the gateway's own machine shows in place of an API key: words that only whoever holds the local key can sign, good for one request and for
// moments. Nothing of it is kept, so that reading changes nothing. Knows no file and no HTTP.

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** The one request that a pass is for. */
export interface PassedRequest {
  method: string;
  /** Path and query. */
  target: string;
}

export interface PassHolder {
  /** In whose name it is done: an administrator of the very database that the gateway works on. */
  userId: string;
  /** What the machine calls whoever asks. */
  name: string | null;
}

export interface PassGate {
  /** Null where it is no pass of this key for this request, is over, or was shown before. */
  open(pass: string, request: PassedRequest): PassHolder | null;
}

const LIFE_MS = 30_000;
const KEY_BYTES = 32;
const LONGEST = 2_000;

export function makeLocalKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/** Null where the text is no key. */
export function readLocalKey(text: string): Buffer | null {
  const key = Buffer.from(text.trim(), "base64url");
  return key.length === KEY_BYTES ? key : null;
}

/** `now`: epoch milliseconds. */
export function makePass(
  key: Uint8Array,
  holder: PassHolder,
  { now, ...request }: PassedRequest & { now: number },
): string {
  const words = { ...holder, until: now + LIFE_MS, once: randomBytes(16).toString("base64url") };
  const said = Buffer.from(JSON.stringify(words)).toString("base64url");
  return `${said}.${sign(key, said, request).toString("base64url")}`;
}

/** `now`: epoch milliseconds. */
export function createPassGate(key: Uint8Array, now: () => number): PassGate {
  /** Those that were shown, until they would be over anyway. */
  const shown = new Map<string, number>();
  return {
    open(pass, request) {
      const [said = "", mac = ""] = pass.length > LONGEST ? [] : pass.split(".");
      const [given, right] = [Buffer.from(mac, "base64url"), sign(key, said, request)];
      if (given.length !== right.length || !timingSafeEqual(given, right)) return null;
      const { userId, name, until, once } = JSON.parse(Buffer.from(said, "base64url").toString()) as Words;
      const at = now();
      for (const [each, ends] of shown) if (ends <= at) shown.delete(each);
      // From ahead of our clock it would work for longer than moments.
      if (until <= at || until > at + 2 * LIFE_MS || shown.has(once)) return null;
      shown.set(once, until);
      return { userId, name };
    },
  };
}

interface Words extends PassHolder {
  until: number;
  once: string;
}

function sign(key: Uint8Array, said: string, { method, target }: PassedRequest): Buffer {
  return createHmac("sha256", key).update(`tokligence local pass\n${method}\n${target}\n${said}`).digest();
}
