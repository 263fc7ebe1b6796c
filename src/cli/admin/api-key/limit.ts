// The flags that say what a key may do, shared by the commands that make and change keys. What may be said is identity's to judge.

import type { KeyWish } from "../../../identity/index.ts";
import { readDuration, readList, readMoment, refuseValue } from "../../value.ts";

export const KEY_ARGS = {
  scopes: { type: "string", description: "What it may do, such as inference,usage:read", valueHint: "A,B" },
  "allow-models": {
    type: "string",
    description: "Models that it may use, such as gpt-4o*,!gpt-4o-audio*",
    valueHint: "PATTERNS",
  },
  "allow-providers": { type: "string", description: "Providers that it may use", valueHint: "PATTERNS" },
  "allow-ips": {
    type: "string",
    description: "From where it may be used, such as 10.0.0.0/8,2001:db8::/32",
    valueHint: "RANGES",
  },
  tags: { type: "string", description: "What its rows are filed under, such as team=a,env=prod", valueHint: "TAGS" },
  ttl: { type: "string", description: "How long it lives, such as 720h or 30d", valueHint: "TIME" },
  expires: { type: "string", description: "When it ends, such as 2027-01-31T00:00:00Z", valueHint: "MOMENT" },
  name: { type: "string", description: "What it is for", valueHint: "NAME" },
  strict: { type: "boolean", description: "Refuse a request rather than leave out what its provider cannot be told" },
} as const;

export interface KeyFlags {
  scopes?: string | undefined;
  "allow-models"?: string | undefined;
  "allow-providers"?: string | undefined;
  "allow-ips"?: string | undefined;
  tags?: string | undefined;
  ttl?: string | undefined;
  expires?: string | undefined;
  name?: string | undefined;
  strict?: boolean | undefined;
}

/** Takes what is said away. */
const NONE = "none";

/** Only what is said. */
export function readKeyFlags(flags: KeyFlags): KeyWish {
  const { name, strict, scopes, tags } = flags;
  return {
    name: name === NONE ? null : name,
    strict,
    scopes: readWords("scopes", scopes),
    allowedModels: readWords("allow-models", flags["allow-models"]),
    allowedProviders: readWords("allow-providers", flags["allow-providers"]),
    allowedIps: readWords("allow-ips", flags["allow-ips"]),
    tags: readWords("tags", tags),
    expiresAt: readExpiry(flags.ttl, flags.expires),
  };
}

function readWords(flag: string, text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  if (text === NONE) return [];
  const words = readList(text);
  if (words.length > 0) return words;
  // A variable that is not set, mostly: the key would have no limit where one was meant.
  throw refuseValue(flag, `it names nothing; write ${NONE} for no limit`);
}

/** Undefined: nothing is said. Null: it does not end. */
function readExpiry(ttl: string | undefined, expires: string | undefined): Date | null | undefined {
  if (ttl !== undefined && expires !== undefined)
    throw refuseValue("expires", "--ttl says it already; give one of them");
  if (expires === NONE || ttl === NONE) return null;
  if (expires !== undefined) return readMoment("expires", expires);
  if (ttl === undefined) return undefined;
  const ms = readDuration("ttl", ttl);
  if (ms <= 0) throw refuseValue("ttl", "a key must live for some time; leave it out for a key that does not end");
  return new Date(Date.now() + ms);
}
