// What an examination finds, and with what it examines. Knows no check.

import type { Config } from "../../config/index.ts";
import type { Control } from "../../gateway/way/control.ts";
import { OWN_AUTHORITY } from "../../lib/certificate.ts";
import type { Glance } from "../../store/glance.ts";
import type { StandingProvider } from "../../server/index.ts";
import type { ConfigFlags } from "../flags.ts";

/** From what needs nothing to what must be mended. */
export const LEVELS = ["ok", "note", "warning", "error"] as const;

export type Level = (typeof LEVELS)[number];

export interface Finding {
  level: Level;
  /** What it is about: a file, an address, a name. */
  subject: string;
  found: string;
  /** Both null where nothing need be done. */
  why: string | null;
  remedy: string | null;
  /** Where the configuration says it. */
  at?: { file: string; line: number | null; key: string | null };
}

export interface Exam {
  /** As it was read from files; what could not be used of it is left out. */
  config: Config;
  /** One more about the configuration itself. */
  reading: Reading;
  /** Of the command. */
  flags: ConfigFlags;
  isOffline: boolean;
  /** Which models may be asked for a token, each by its provider. */
  calls: readonly { provider: string; model: string }[];
  /** Opened at the first question; the same look for all who ask. */
  identity(): Promise<Sight>;
  ledger(): Promise<Sight>;
  /** Each provider as it is in force, with those of run time. */
  fleet(): Promise<Fleet>;
  /** What a clock elsewhere said: how far it is ahead of ours. */
  sawClock(sighting: Sighting): void;
  sightings(): readonly Sighting[];
  /** Takes these out of all that is found, too. */
  hide(secrets: readonly string[]): void;
  /** What is printed of anybody else's words. */
  clean(text: string): string;
}

export interface Reading {
  files: readonly string[];
  warnings: readonly string[];
  problems: readonly {
    file: string;
    line: number | null;
    key: string | null;
    message: string;
    suggestion: string | null;
  }[];
  /** Whether what follows goes by defaults alone, as nothing of it could be used. */
  isBare: boolean;
  /** Whether a provider is of its own making, and not one that is there for everybody. */
  declares(provider: string): boolean;
}

export interface Sight {
  /** A path, or host and database: never a password. */
  place: string;
  /** Null where there is no such file yet. */
  glance: Glance | null;
  /** Why there is nothing to see; null where there is. */
  fault: Error | null;
}

export interface Fleet {
  config: Config;
  standing: readonly StandingProvider[];
  controls: readonly Control[];
  /** Why those of run time are not known; null where they are. */
  fault: string | null;
}

export interface Sighting {
  whose: string;
  skewMs: number;
}

export type Check = (exam: Exam) => Promise<Finding[]>;

export function ok(subject: string, found: string): Finding {
  return { level: "ok", subject, found, why: null, remedy: null };
}

type Words = Pick<Finding, "found"> & { why: string; remedy: string };

export function note(subject: string, words: Words): Finding {
  return { level: "note", subject, ...words };
}

export function warning(subject: string, words: Words): Finding {
  return { level: "warning", subject, ...words };
}

export function failure(subject: string, words: Words): Finding {
  return { level: "error", subject, ...words };
}

/** Words of a failure, and of what caused it where that says more. */
export function describe(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : null;
  const isNamed = typeof code === "string" && /^E[A-Z]+$/u.test(code) && !text.includes(code);
  return (isNamed ? `${text} (${code})` : text)
    .replaceAll(/\s+/gu, " ")
    .replace(/^(\w+: )\1/u, "$1")
    .slice(0, MOST_WORDS);
}

/** What to do about a certificate that nobody known vouches for; null where something else is wrong. */
export function adviseTrust(found: string): string | null {
  if (!/self[- ]signed certificate|unable to (?:get|verify) /iu.test(found)) return null;
  return OWN_AUTHORITY;
}

const MOST_WORDS = 400;

export function printBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ""}`;
}
