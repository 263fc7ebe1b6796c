// What can be wrong with a configuration, and how it is said. Knows no key. Values of secrets never get here.

import { findNearest } from "../lib/nearest.ts";

/** Where something was said: `config/dev/gateway.ini` and a line, or `TOKLIGENCE_ROUTES`, `--http-address`, `default` and none. */
export interface Origin {
  file: string;
  line: number | null;
}

export interface Problem extends Origin {
  key: string | null;
  message: string;
  /** The nearest valid name. */
  suggestion: string | null;
}

/** Every problem at once, not only the first. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly Problem[];
  /** All that was read or looked for, absolute: a change of these may mend it. */
  readonly watched: readonly string[];

  constructor(problems: readonly Problem[], watched: readonly string[]) {
    super(problems.map(printProblem).join("\n"));
    this.problems = problems;
    this.watched = watched;
  }
}

export function printOrigin(origin: Origin): string {
  return origin.line === null ? origin.file : `${origin.file}:${origin.line}`;
}

export function printProblem(problem: Problem): string {
  const hint = problem.suggestion === null ? "" : ` — did you mean "${problem.suggestion}"?`;
  return `${printOrigin(problem)}: ${problem.message}${hint}`;
}

/** A value that cannot be used. In a file the key is named too; a variable's or flag's name says it already. */
export function describeBadValue(origin: Origin, key: string, message: string): Problem {
  return { ...origin, key, message: origin.line === null ? message : `${key}: ${message}`, suggestion: null };
}

export interface UnknownName {
  /** `key`, `variable`. */
  what: string;
  name: string;
  candidates: Iterable<string>;
}

/** A name nobody knows. What does not look like one is not repeated: it may be a secret that stands on a line of its own. */
export function describeUnknown(origin: Origin, { what, name, candidates }: UnknownName): Problem {
  const suggestion = findNearest(name, candidates, 1)[0] ?? null;
  if (suggestion === null && !/^[a-z][a-z_.-]{0,47}$/i.test(name)) {
    const message = `unknown ${what} (not repeated here, as it does not look like a name)`;
    return { ...origin, key: null, message, suggestion };
  }
  return { ...origin, key: name, message: `unknown ${what} "${name}"`, suggestion };
}

/** A value for a message: one line, escaped, cut. Only for what is not secret. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
}
