// What a route under /api/v1 says of itself, beside its handler: the reference is made of it, and what its query may hold. Knows no route.

import { z } from "zod";
import type { Route } from "./route.ts";
import { API_PATHS } from "./refusal.ts";
import { checkAll, invalidRequest } from "../ir/index.ts";

/** Chapters of the reference, in its order. */
export const TAGS = {
  "Sign-in": "Ways in, by link or at an identity provider, and one's own sessions and accounts",
  Profile: "Who the caller is",
  "Own API keys": "Keys of whoever asks",
  Usage: "What was used, and what it cost: one's own, for administrators everybody's",
  Users: "People, their roles and how they come in",
  "API keys": "Anybody's keys",
  Sessions: "Who is signed in",
  Budgets: "What may be spent",
  Limits: "How much at a time",
  Providers: "Who answers model calls, how they are doing, and the keys that they are called with",
  Routes: "Which model goes where, and why",
  Cache: "Answers that are given again",
  Settings: "The configuration in effect",
  Audit: "Who changed what",
  "Model calls": "In the formats of the vendors' clients; their own references say what the bodies hold",
  Gateway: "Whether it is well, and what it is",
} as const;

/** An answer that is no JSON object. */
export interface Media {
  /** By content type. */
  media: readonly string[];
}

export interface About {
  summary: string;
  tag: keyof typeof TAGS;
  /** Where the summary is not enough. */
  more?: string;
  /** What its query may hold, as it is documented; anything else is refused. `any`: what another server puts there. */
  query?: z.ZodObject | "any";
  body?: z.ZodType;
  /** Null: an empty answer. */
  answer: Media | z.ZodType | null;
  /** Of a removal: what is gone, for whoever prefers to be told. */
  gone?: z.ZodType;
  /** Of what went well; the first is what it usually is. */
  status?: readonly [number, ...number[]];
  /** Beyond what any route may answer. */
  errors?: readonly (400 | 401 | 403 | 404 | 409 | 429 | 502 | 503)[];
  /** A state is told by ETag; what changes or removes one thing heeds it in If-Match. */
  isTagged?: boolean;
  /** Heeds If-Match although its method is POST. */
  isConditional?: boolean;
  /** Headers of its own where it went well: what each tells, by name. */
  headers?: Readonly<Record<string, string>>;
  /** Where what is made is found is told by Location. */
  isPlaced?: boolean;
}

/** A list a page at a time. */
export const PAGE_QUERY = {
  limit: z.int().min(1).max(1_000).optional().describe("Rows at most, 100 unless it is said"),
  cursor: z.string().optional().describe("The next_cursor of the page before"),
};

/** Of rules that name users and keys. */
export const IN_FORCE_WORDS = ["false", "true"] as const;
export const IN_FORCE = z
  .enum(IN_FORCE_WORDS)
  .optional()
  .describe("false: those that concern nobody any more, such as of users who were deleted and keys that were revoked");

/** Where a rule comes from, and a provider, which may have a part from each. */
export const SOURCES = ["config", "runtime"] as const;
export const ORIGINS = [...SOURCES, "both"] as const;

export const NEXT_CURSOR = {
  next_cursor: z.string().nullable().describe("Where the next page begins; null at the end"),
};

/** Names that a query may hold, and whether each may stand several times. */
export type QueryNames = ReadonlyMap<string, boolean>;

/** Of each route; null: any. Throws where one under /api/v1 says nothing of itself. */
export function matchQueries(routes: readonly Route[]): ReadonlyMap<Route, QueryNames | null> {
  const own = routes.filter(({ path }) => path.startsWith(API_PATHS));
  const bare = own.filter(({ about }) => about === undefined).map(({ method, path }) => `${method} ${path}`);
  if (bare.length > 0)
    throw new Error(`These routes have no description: ${bare.join(", ")}. Give each its \`about\`.`);
  return new Map(own.map((route) => [route, listNames(route)]));
}

function listNames({ about }: Route): QueryNames | null {
  if (about?.query === "any") return null;
  return new Map(Object.entries(about?.query?.shape ?? {}).map(([name, each]) => [name, isList(each)]));
}

function isList(schema: unknown): boolean {
  return (schema instanceof z.ZodOptional ? schema.unwrap() : schema) instanceof z.ZodArray;
}

const MOST_STRAYS = 100;

/** Throws invalid_request for what is not known, and for what stands twice: a filter that is left out would show everything. */
export function refuseStray(query: URLSearchParams, names: QueryNames): void {
  const said = [...new Set(query.keys())];
  const stray = said.filter((name) => !names.has(name));
  const double = said.filter((name) => names.get(name) === false && query.getAll(name).length > 1);
  const known = names.size === 0 ? "it takes none" : [...names.keys()].toSorted().join(", ");
  const refuse = (name: string, message: string) => (): never => {
    throw invalidRequest(message, name.slice(0, 100));
  };
  const checks = [
    ...stray.map((name) => refuse(name, `There is no parameter ${name.slice(0, 100)}: ${known}.`)),
    ...double.map((name) => refuse(name, `${name} stands twice.`)),
  ];
  checkAll(Object.fromEntries(checks.slice(0, MOST_STRAYS).entries()));
}
