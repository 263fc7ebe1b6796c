// What a rate limit is: how many requests and tokens a minute, and how many requests at once, some calls may be. Values only; knows no SQL and no HTTP.

import type { Origin } from "../../lib/change.ts";

/** What is counted: requests a minute, tokens a minute, requests at once. */
export type LimitUnit = "requests" | "slots" | "tokens";

/** Of what each has the limit for itself. */
export type LimitSubject = "key" | "model" | "provider" | "user";

export interface Limit {
  /** Unique; counted under it. */
  name: string;
  /** A minute; null: not limited. */
  requests: number | null;
  /** A minute, of input and output. */
  tokens: number | null;
  /** At once. */
  slots: number | null;
  /** Empty: one limit for all calls that it concerns. */
  per: readonly LimitSubject[];
  /** Which calls it concerns: those that fit all that is said. An API key's id. */
  key: string | null;
  /** Id or e-mail, in lower case. */
  user: string | null;
  /** A name or a pattern with `*`, held against the name that the client wrote and the one at the provider. */
  model: string | null;
  provider: string | null;
}

/** By name, as they are written in a section of the configuration. */
export type LimitFields = Readonly<Record<string, string>>;

/** A limit that was set while the gateway runs. */
export interface LimitRow {
  name: string;
  /** From 1; grows with each change. */
  version: number;
  fields: LimitFields;
  createdAt: Date;
  updatedAt: Date;
}

export interface LimitStore {
  /** By name. */
  list(): Promise<LimitRow[]>;
  /**
   * Makes or changes it. `expected`: the version that is to be changed, 0 for none; undefined: whichever there is. Null where there is
   * another one.
   */
  put(
    row: Pick<LimitRow, "fields" | "name">,
    change: { expected: number | undefined; at: Date; by?: Origin | undefined },
  ): Promise<LimitRow | null>;
  /** False where there is none, or not in this version. */
  delete(name: string, expected: number | undefined, by?: Origin): Promise<boolean>;
  /** Whether there was one of that name that somebody deleted. */
  wasDeleted(name: string): Promise<boolean>;
  /** Grows with each change; cheap enough to ask several times a second. */
  revision(): Promise<number>;
}

/** The length of the window that requests and tokens are counted in: it begins with the first of them. */
export const WINDOW_S = 60;
