// What a key may be limited to and how much of one's own rights one may hand on with it. Knows no store and no HTTP.

import { GatewayError, invalidRequest } from "../ir/index.ts";
import { coversRange, normalizeRange } from "../lib/address.ts";
import { coversPatternList } from "../lib/pattern.ts";
import { findUnseen } from "../lib/unseen.ts";
import { MAX_TAGS, TAG_RULE, isTag } from "../lib/tag.ts";
import { allows, isWithinRole } from "./authority.ts";
import { quoteAll } from "./check.ts";
import type { ApiKey, Caller, Role, Scope } from "./model.ts";

/** All that decides what a key opens. */
export type KeyRights = Pick<
  ApiKey,
  "allowedIps" | "allowedModels" | "allowedProviders" | "expiresAt" | "scopes" | "strict" | "tags"
>;

/** Of each list. */
const MAX_ENTRIES = 100;
/** Stars stand at the ends, as in routes; an exclamation mark before all of it means "but not". */
const PATTERN = /^!?\*?[^*!\s,\p{C}]{0,200}\*?$/u;

/** Patterns over names, each once. */
export function checkPatterns(patterns: readonly string[], param: "allowed_models" | "allowed_providers"): string[] {
  const list = tidy(patterns, param);
  const wrong = list.filter((pattern) => !PATTERN.test(pattern) || pattern === "!" || findUnseen(pattern) !== null);
  if (wrong.length === 0) return list;
  throw invalidRequest(
    `${quoteAll(wrong)} is no pattern over names: write a name, x*, *x, *x* or *, with ! before it for what is not allowed.`,
    param,
  );
}

/** Ranges in CIDR notation, of either kind; an address is a range of one. Each once. */
export function checkRanges(ranges: readonly string[]): string[] {
  const list = tidy(ranges, "allowed_ips").map((text) => ({ text, range: normalizeRange(text) }));
  const wrong = list.flatMap(({ text, range }) => (range === null ? [text] : []));
  if (wrong.length === 0) return [...new Set(list.flatMap(({ range }) => (range === null ? [] : [range])))];
  throw invalidRequest(
    `${quoteAll(wrong)} is no range of IP addresses: write it like 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32.`,
    "allowed_ips",
  );
}

export function checkTags(tags: readonly string[]): string[] {
  const list = tidy(tags, "tags");
  if (list.length > MAX_TAGS) throw invalidRequest(`A key bears at most ${MAX_TAGS} tags.`, "tags");
  const wrong = list.filter((tag) => !isTag(tag));
  if (wrong.length === 0) return list;
  throw invalidRequest(`${quoteAll(wrong)} is no tag such as team=a: ${TAG_RULE}.`, "tags");
}

function tidy(words: readonly string[], param: string): string[] {
  const list = [...new Set(words.map((word) => word.trim()))].filter((word) => word !== "");
  // Who names nothing but blanks had a limit in mind, and would be given none.
  if (list.length === 0 && words.length > 0)
    throw invalidRequest(`${param} holds only blanks; leave it empty for no limit.`, param);
  if (list.length > MAX_ENTRIES) throw invalidRequest(`${param} has at most ${MAX_ENTRIES} entries.`, param);
  return list;
}

/** No key opens more than its owner's role. */
export function requireWithinRole(role: Role, scopes: readonly Scope[]): void {
  const beyond = scopes.filter((scope) => !isWithinRole(role, scope));
  if (beyond.length === 0) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "scope_beyond_role",
    param: "scopes",
    message: `A key of a ${role} cannot have the scope ${beyond.join(", ")}: the owner's role does not allow it.`,
  });
}

/**
 * Nobody hands on more than he has: a limited key none that is not limited likewise, and nobody a scope that is not his. `own`: the key that
 * speaks; null where none does. Only what is said of `wanted` is looked at.
 */
export function requireNoWider(
  caller: Pick<Caller, "role" | "scopes">,
  own: KeyRights | null,
  wanted: Partial<KeyRights>,
): void {
  const { scopes } = wanted;
  if (scopes !== undefined) requireHeld(caller, scopes);
  if (own === null) return;
  for (const [name, param] of LISTS) {
    const list = wanted[name];
    if (list !== undefined && !coversPatternList(own[name], list)) throw wider(param, own[name]);
  }
  const { allowedIps, strict, tags, expiresAt } = wanted;
  if (strict === false && own.strict) throw wider("strict", ["true"]);
  const isInside = (range: string): boolean => own.allowedIps.some((outer) => coversRange(outer, range));
  if (allowedIps !== undefined && own.allowedIps.length > 0 && !(allowedIps.length > 0 && allowedIps.every(isInside))) {
    throw wider("allowed_ips", own.allowedIps);
  }
  if (tags !== undefined && !own.tags.every((tag) => tags.includes(tag))) throw wider("tags", own.tags);
  if (expiresAt !== undefined && own.expiresAt !== null && (expiresAt === null || expiresAt > own.expiresAt)) {
    throw wider("expires_at", [own.expiresAt.toISOString()]);
  }
}

/** A key that may less than its owner takes no bounds off his other keys: whoever has it would have some that reach further. */
export function requireNoLift(
  role: Role,
  { own, key, wanted }: { own: KeyRights; key: KeyRights; wanted: Partial<KeyRights> },
): void {
  if (!isBound(own)) return;
  try {
    requireNoWider({ role, scopes: key.scopes }, key, wanted);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw new GatewayError({
      kind: "forbidden",
      code: "lifts_bounds",
      param: error.param,
      message: `This API key is bound itself, so it takes no bounds off other keys of its owner. Change ${error.param} of that key at the console, or with a key that is not bound.`,
      cause: error,
    });
  }
}

function isBound({ allowedIps, allowedModels, allowedProviders, expiresAt, scopes, strict, tags }: KeyRights): boolean {
  const lists = [allowedIps, allowedModels, allowedProviders, scopes, tags];
  return strict || expiresAt !== null || lists.some((list) => list.length > 0);
}

const LISTS = [
  ["allowedModels", "allowed_models"],
  ["allowedProviders", "allowed_providers"],
] as const;

function requireHeld(caller: Pick<Caller, "role" | "scopes">, scopes: readonly Scope[]): void {
  const beyond = scopes.filter((scope) => !allows(caller, scope));
  const isBare = scopes.length === 0 && caller.scopes.length > 0;
  if (!isBare && beyond.length === 0) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "scope_not_held",
    param: "scopes",
    message: isBare
      ? "This API key is limited to scopes, so the keys that it issues must be, too. Name them in scopes."
      : `You may not hand on the scope ${beyond.join(", ")}, as you do not have it.`,
  });
}

function wider(param: string, own: readonly string[]): GatewayError {
  return new GatewayError({
    kind: "forbidden",
    code: "wider_than_own",
    param,
    message: `This API key is limited to ${param} ${own.join(", ")}, so the keys that it issues or changes must be, too.`,
  });
}
