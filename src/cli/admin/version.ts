// What commands on things that are kept in versions share: for which version a change is meant, who makes it, and why. Knows no thing.

import { byOperator } from "../open.ts";
import { refuseValue } from "../value.ts";

export const VERSION_ARG = {
  "if-version": {
    type: "string",
    description: "Only where it is in this version; 0: only where there is none",
    valueHint: "VERSION",
  },
} as const;

export const CHANGE_ARGS = {
  comment: { type: "string", description: "Why, for the history", valueHint: "TEXT" },
  ...VERSION_ARG,
} as const;

const HISTORY = "history lists them";

interface VersionFlags {
  "if-version"?: string | undefined;
}

export function readChange(flags: VersionFlags & { name: string; comment?: string | undefined }) {
  const author = { author: "operator", authorId: null };
  return { name: flags.name, author, by: byOperator(), comment: flags.comment, expected: readExpected(flags) };
}

/** `where`: versions can be looked up. Undefined where whichever there is is meant. */
export function readExpected(flags: VersionFlags, where = HISTORY): number | undefined {
  const text = flags["if-version"];
  return text === undefined ? undefined : readNumber("if-version", text, where);
}

/** One that there may be: they begin with 1. */
export function readVersion(flag: string, text: string): number {
  const version = readNumber(flag, text, HISTORY);
  if (version > 0) return version;
  throw refuseValue(flag, `${JSON.stringify(text)} is no version: ${HISTORY}`);
}

function readNumber(flag: string, text: string, where: string): number {
  if (/^\d{1,9}$/u.test(text)) return Number(text);
  throw refuseValue(flag, `${JSON.stringify(text)} is no version: ${where}`);
}
