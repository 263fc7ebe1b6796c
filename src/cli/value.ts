// What flags may hold beyond plain text: moments, lengths of time, lists, whole numbers. Each function names the flag in its complaint.

import { parseDuration } from "../lib/duration.ts";
import { CliError, EXIT } from "./error.ts";

export function refuseValue(flag: string, message: string): CliError {
  return new CliError(`--${flag}: ${message}`, { exitCode: EXIT.usage });
}

/** RFC 3339, or a date alone, which begins at midnight UTC. */
export function readMoment(flag: string, text: string): Date {
  const isMoment = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/u.test(text);
  const moment = new Date(text.replace(" ", "T").toUpperCase());
  if (isMoment && !Number.isNaN(moment.getTime())) return moment;
  throw refuseValue(flag, `${JSON.stringify(text)} is no moment; write it like 2026-01-31T00:00:00Z`);
}

/** A moment, or how long ago it was: `24h`, `7d`. */
export function readMomentOrAge(flag: string, text: string, now: number): Date {
  const age = parseDuration(text);
  if (age !== null) return new Date(Math.max(0, now - age));
  if (/^\d{4}-/u.test(text)) return readMoment(flag, text);
  throw refuseValue(
    flag,
    `${JSON.stringify(text)} is neither a moment such as 2026-01-31T00:00:00Z nor a time back such as 24h or 7d`,
  );
}

/** Milliseconds. */
export function readDuration(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  throw refuseValue(flag, `${JSON.stringify(text)} is no length of time; write it like 720h, 30d or 1h30m`);
}

/** `a,b`, without blanks and empty items. */
export function readList(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

export function readInteger(flag: string, text: string, { least, most }: { least: number; most: number }): number {
  const number = /^\d{1,9}$/u.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw refuseValue(flag, `${JSON.stringify(text)} is no whole number from ${least} to ${most}`);
}
