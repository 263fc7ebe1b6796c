// Names of tools and ids of calls that one format allows and another refuses: fitted on the way out, found again on the way back.
// Changed ones end in a hash of the original, so that two never become one, and the same one always becomes the same. Knows no format.

import type { Tool } from "../ir/index.ts";

/** The lengths that formats allow for the name of a tool. */
const NAME_LIMITS = [64, 128] as const;
const HASH_LENGTH = 8;

/** `name` where it is made of letters, digits, `_` and `-` and no longer than `limit`; else one that is. */
export function fitName(name: string, limit: number): string {
  const clean = name.replaceAll(/[^a-zA-Z0-9_-]/g, "_");
  if (clean === name && name.length <= limit && name !== "") return name;
  return `${clean.slice(0, limit - HASH_LENGTH - 1)}_${hash(name).slice(-HASH_LENGTH)}`;
}

/** The same for formats whose names begin with a letter or `_`. */
export function fitIdentifier(name: string, limit: number): string {
  return fitName(/^[a-zA-Z_]/.test(name) ? name : `_${name}`, limit);
}

/** The client's own name of the tool that a provider calls by a fitted one; any other name stays as it is. */
export function restoreName(name: string, tools: readonly Tool[]): string {
  if (tools.some((tool) => tool.name === name)) return name;
  return tools.find((tool) => isFitted(tool.name, name))?.name ?? name;
}

function isFitted(name: string, fitted: string): boolean {
  return NAME_LIMITS.some((limit) => fitName(name, limit) === fitted || fitIdentifier(name, limit) === fitted);
}

/** An id of nine letters or digits, for servers that take no other. */
export function shortenId(id: string): string {
  return /^[a-zA-Z0-9]{9}$/.test(id) ? id : hash(id).slice(-9);
}

/** At least nine digits of base 36. */
function hash(text: string): string {
  return Bun.hash(text).toString(36).padStart(13, "0");
}
