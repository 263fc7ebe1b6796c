// Where a list is fetched from, a path or an address: what of it must not be shown, as an address may be signed or hold a password. Knows no key and
// fetches nothing.

import { MASK } from "./dsn.ts";

const USER = /^(https?:\/\/)([^/?#]*)@/iu;
const QUERY = /\?([^#]*)/u;

/** For people, logs and records: without user, password and query. A path is shown as it is. */
export function maskSource(source: string): string {
  if (!isAddress(source)) return source;
  return source.replace(USER, `$1${MASK}@`).replace(QUERY, `?${MASK}`);
}

/** As written and one by one: both may turn up in an error. */
export function listSourceSecrets(source: string): string[] {
  if (!isAddress(source)) return [];
  const [user = "", query = ""] = [USER.exec(source)?.[2], QUERY.exec(source)?.[1]];
  const values = [...new URLSearchParams(query).values()].filter((value) => value.length >= SHORTEST_VALUE);
  return [user, ...user.split(":"), query, ...values].filter((secret) => secret !== "");
}

/** Shorter ones are words, such as a format's name. */
const SHORTEST_VALUE = 12;

function isAddress(source: string): boolean {
  return /^https?:\/\//iu.test(source);
}
