// Whether a name that a list's pattern matches is that model's own: a pattern that looks at the beginning alone also matches the next model,
// a smaller one and one that thinks. What is left of the name may be a date, a revision, or how an address is written; nothing else. Knows no
// price.

import { type Match, matches } from "./price-data.ts";

export interface Named {
  /** The model's own name on the list. */
  id: string;
  match: Match;
}

/** Whether the pattern matches the name, and all of it. `name` is lower case. */
export function isNamed(name: string, { id, match }: Named, vendor: string): boolean {
  if (!matches(match, name)) return false;
  const own = id.toLowerCase();
  return name === own || covers(match, name, { own, vendor });
}

interface Whose {
  own: string;
  vendor: string;
}

/** `rule` matches. */
function covers(rule: Match, name: string, whose: Whose): boolean {
  if ("or" in rule) return rule.or.some((part) => matches(part, name) && covers(part, name, whose));
  // Each of them matches; one of them must account for the whole name.
  if ("and" in rule) return rule.and.some((part) => covers(part, name, whose));
  if ("equals" in rule) return true;
  const [start, end] = locate(rule, name);
  if (end - start === 0) return false;
  return isAddress(name.slice(0, start), name.slice(start, end), whose) && isRevision(name, start, end, whose);
}

/** Where in the name the pattern's own words lie. */
function locate(rule: Exclude<Match, { and: unknown } | { equals: unknown } | { or: unknown }>, name: string) {
  if ("starts_with" in rule) return [0, rule.starts_with.length] as const;
  if ("ends_with" in rule) return [name.length - rule.ends_with.length, name.length] as const;
  if ("contains" in rule) {
    const at = name.indexOf(rule.contains.toLowerCase());
    return [at, at + rule.contains.length] as const;
  }
  const found = new RegExp(rule.regex).exec(name);
  const at = found?.index ?? 0;
  return [at, at + (found?.[0].length ?? 0)] as const;
}

const ARN = /^arn:aws[\w-]*:bedrock:[\w-]*:\d*:(?:foundation-model|inference-profile)\//u;
const RESOURCE = /^(?:projects\/[^/]+\/locations\/[^/]+\/)?(?:publishers\/[^/]+\/)?models\//u;
/** Where a model is served from, which lists that price all of these alike leave out. The cheaper worldwide one they name. */
const REGION = /^(?:apac|au|ca|eu|jp|us)\.$/u;

/** What stands before the words: nothing, how an address is written, or what stands before them in the list's own name. */
function isAddress(before: string, words: string, { own, vendor }: Whose): boolean {
  if (before === "") return true;
  let rest = before.replace(ARN, "").replace(RESOURCE, "");
  if (rest === `${vendor}/` || rest === `${vendor}:`) rest = "";
  if (rest === "" || REGION.test(rest)) return true;
  const at = own.indexOf(words);
  // `regional.` stands for any of them.
  const known = at === -1 ? "" : own.slice(0, at).replace(/^regional\./u, "");
  if (known === "" || !rest.endsWith(known)) return false;
  const region = rest.slice(0, -known.length);
  return region === "" || REGION.test(region);
}

const DAY = String.raw`(?:0[1-9]|[12]\d|3[01])`;
const MONTH = String.raw`(?:0[1-9]|1[0-2])`;
const YEAR = String.raw`20[2-4]\d`;
const DATES = [
  `${YEAR}-?${MONTH}-?${DAY}`,
  `${MONTH}-${YEAR}`,
  `${MONTH}-?${DAY}`,
  // Of this decade, a year and a month.
  `2[2-9]${MONTH}`,
];
const REVISION = new RegExp(
  String.raw`^(?:-latest|-preview|-00[1-9]|@(?:latest|default|00[1-9])|[-@](?:${DATES.join("|")})|:${YEAR}${MONTH}${DAY}(?:-v\d+)?)`,
  "u",
);
const VERSION = /^-v(\d+)(?::0)?$/u;
/** Names of models that somebody tuned: the list prices them all alike, whoever they belong to. */
const TUNED = /^ft:|\.ft-$/u;

/** What stands behind the words: dates, revisions and the versions of an address, from the last whole word on. */
function isRevision(name: string, start: number, end: number, { own }: Whose): boolean {
  let rest = name.slice(findWordEnd(name, start, end));
  const isTuned = TUNED.test(name.slice(start, end));
  for (;;) {
    if (rest === "" || (isTuned && (rest.startsWith(":") || name.slice(0, end).endsWith(".ft-")))) return true;
    const version = VERSION.exec(rest);
    if (version !== null) return isVersion(Number(version[1]), own);
    const found = REVISION.exec(rest);
    // A date that goes on in digits or letters is none.
    if (found === null || /^\w/u.test(rest.slice(found[0].length))) return false;
    rest = rest.slice(found[0].length);
  }
}

/** The list's own, or the first one where it names none. */
function isVersion(version: number, own: string): boolean {
  const named = /-v(\d+)(?::\d+)?$/u.exec(own);
  return version === (named === null ? 1 : Number(named[1]));
}

/** Where the pattern ends within a word or behind a dash, that word is not accounted for. */
function findWordEnd(name: string, start: number, end: number): number {
  if (end === name.length) return end;
  let at = end;
  const isWithin = /\w/u.test(name[end] ?? "") && /\w/u.test(name[end - 1] ?? "");
  if (isWithin) while (at > start && /\w/u.test(name[at - 1] ?? "")) at--;
  while (at > start && /[-@]/u.test(name[at - 1] ?? "") && /\w/u.test(name[at] ?? "")) at--;
  return at;
}
