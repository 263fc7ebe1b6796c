// What flags may hold beyond plain text: moments, lengths of time, lists, whole numbers. Each function names the flag in its complaint.

import { parseDuration } from "../lib/duration.ts";
import { parseMoment, UTC, type Zone } from "../lib/zone.ts";
import { CliError, EXIT } from "./error.ts";

export function refuseValue(flag: string, message: string): CliError {
  return new CliError(`--${flag}: ${message}`, { exitCode: EXIT.usage });
}

/** RFC 3339; without an offset it is meant in the zone, and a date alone is its beginning there. */
export function readMoment(flag: string, text: string, zone: Zone = UTC): Date {
  const moment = parseMoment(text, zone);
  if (moment !== null) return new Date(moment);
  throw refuseValue(flag, `${JSON.stringify(text)} is no moment; write it like 2026-01-31T00:00:00Z`);
}

/** A moment, or how long ago it was: `24h`, `7d`. */
export function readMomentOrAge(flag: string, text: string, now: number, zone: Zone = UTC): Date {
  const age = parseDuration(text);
  if (age !== null) return new Date(Math.max(0, now - age));
  if (/^\d{4}-/u.test(text)) return readMoment(flag, text, zone);
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

/** One of a few words. */
export function readWord<Word extends string>(flag: string, text: string, words: readonly Word[]): Word {
  const word = words.find((known) => known === text);
  if (word !== undefined) return word;
  throw refuseValue(flag, `${JSON.stringify(text)} is not one of ${words.join(", ")}`);
}

export function readInteger(flag: string, text: string, { least, most }: { least: number; most: number }): number {
  const number = /^\d{1,9}$/u.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw refuseValue(flag, `${JSON.stringify(text)} is no whole number from ${least} to ${most}`);
}
