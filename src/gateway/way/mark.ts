// By what alone a route can hold for a request: an API key, a user, a tag or a header that its conditions name in full. So a request that bears none
// of them need not be held against thousands of routes for others. Knows no name of a model.

import type { Conditions } from "../rule.ts";
import type { RequestFacts } from "./condition.ts";

export interface Marks {
  /** Of conditions; none: they must be looked at. */
  of(when: Conditions | undefined): readonly string[];
  /** Those that a request bears, of all that any of the conditions names. */
  read(facts: RequestFacts): readonly string[];
}

const NONE: readonly string[] = Object.freeze([]);

export function createMarks(all: readonly (Conditions | undefined)[]): Marks {
  const known = new Set(all.flatMap((when) => findMarks(when)));
  const kinds = new Set(all.flatMap((when) => Object.keys(when ?? {})));
  const headers = [...new Set(all.flatMap((when) => Object.keys(when?.headers ?? {})))];
  return {
    of: findMarks,
    read(facts) {
      if (known.size === 0) return NONE;
      const own: string[] = [];
      if (kinds.has("key")) own.push(print("key", facts.keyId));
      if (kinds.has("user")) own.push(print("user", facts.email), print("user", facts.userId));
      if (kinds.has("tag")) for (const tag of facts.tags()) own.push(print("tag", tag));
      for (const name of headers) {
        const value = facts.header(name);
        if (value !== null) own.push(print(`header.${name}`, value));
      }
      return own.filter((mark) => known.has(mark));
    },
  };
}

/** Of the first condition that says them all: what it does not say cannot hold. */
function findMarks(when: Conditions | undefined): readonly string[] {
  if (when === undefined) return NONE;
  const lists: (readonly [string, readonly string[] | undefined])[] = [
    ["key", when.key],
    ["user", when.user],
    ["tag", when.tag],
    ...Object.entries(when.headers ?? {}).map(([name, list]) => [`header.${name}`, list] as const),
  ];
  for (const [kind, list = NONE] of lists) {
    const wanted = list.filter((pattern) => !pattern.startsWith("!"));
    if (wanted.length > 0 && !wanted.some((pattern) => pattern.includes("*")))
      return [...new Set(wanted.map((value) => print(kind, value)))];
  }
  return NONE;
}

/** Case matters as little as it does to a condition. */
function print(kind: string, value: string): string {
  return `${kind} ${value.toLowerCase()}`;
}
