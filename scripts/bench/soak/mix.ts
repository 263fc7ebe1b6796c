// Of what a soak is made: what clients ask, how much of it, and what is to become of it. Knows no process and no time.

import type { Aim } from "../load/type.ts";
import type { Address } from "../peer/type.ts";
import { DIALECTS } from "../dialect/index.ts";

export type Upstream = "broken" | "streams" | "whole";

/** One kind of request. */
export interface Part {
  about: string;
  /** Of all requests. */
  share: number;
  dialect: keyof typeof DIALECTS;
  model: string;
  /** In its place, by turns. */
  models?: readonly string[];
  bytes: number;
  /** Of a streamed answer. */
  pieces: number;
  leaves?: true;
  /** Shows a key that opens nothing. */
  isStranger?: true;
  /** What may come instead of 200. */
  refusals?: RegExp;
  /** Of each that is answered. */
  rows: 0 | 1;
}

export const PIECES = 20;
export const GAP_MS = 20;
const STRANGE = Array.from({ length: 1_000 }, (_, index) => `gpt-4o-mini-${String(index).padStart(4, "0")}`);

/** By their names. Keys of the crowd that are for some models only may ask for all that begins so. */
export const MIX = {
  broken: {
    about: "a provider that fails",
    share: 0.05,
    dialect: "openai-chat",
    model: "gpt-4o-broken",
    bytes: 1_000,
    pieces: 0,
    refusals: /^status 5\d\d$/u,
    rows: 1,
  },
  embeddings: {
    about: "embeddings",
    share: 0.05,
    dialect: "openai-embeddings",
    model: "gpt-4o-embed",
    bytes: 6_000,
    pieces: 0,
    rows: 1,
  },
  fallback: {
    about: "a provider that fails, and another in its place",
    share: 0.1,
    dialect: "openai-chat",
    model: "gpt-4o-shaky",
    bytes: 1_000,
    pieces: 0,
    rows: 1,
  },
  left: {
    about: "a stream that its client leaves",
    share: 0.05,
    dialect: "openai-chat",
    model: "gpt-4o-leave",
    bytes: 1_000,
    pieces: PIECES,
    leaves: true,
    rows: 1,
  },
  plain: { about: "chat", share: 0.5, dialect: "openai-chat", model: "gpt-4o-mini", bytes: 1_000, pieces: 0, rows: 1 },
  refused: {
    about: "a key that opens nothing",
    share: 0.05,
    dialect: "openai-chat",
    model: "gpt-4o-refuse",
    bytes: 1_000,
    pieces: 0,
    isStranger: true,
    refusals: /^status (?:401|429)$/u,
    rows: 0,
  },
  strange: {
    about: "chat, 1,000 models by turns",
    share: 0.1,
    dialect: "openai-chat",
    model: STRANGE[0] ?? "",
    models: STRANGE,
    bytes: 1_000,
    pieces: 0,
    rows: 1,
  },
  stream: {
    about: "a stream",
    share: 0.1,
    dialect: "openai-chat",
    model: "gpt-4o-stream",
    bytes: 1_000,
    pieces: PIECES,
    rows: 1,
  },
} as const satisfies Record<string, Part>;

export type PartName = keyof typeof MIX;

/** By the model that was asked for. */
export function findPart(model: string): PartName | null {
  const found = Object.entries<Part>(MIX).find(([, part]) => part.model === model || part.models?.includes(model));
  return (found?.[0] as PartName | undefined) ?? null;
}

export function makeAim(part: Part, { hostname, port, headers, fills = [] }: Address): Aim {
  const dialect = DIALECTS[part.dialect];
  const { model, models, bytes, pieces, leaves } = part;
  const question = { model, bytes, stream: pieces > 0 };
  const token = headers["authorization"] ?? "";
  return {
    hostname,
    port,
    path: dialect.path(question),
    headers: part.isStranger === true ? { authorization: `${token.slice(0, -4)}none` } : headers,
    body: JSON.stringify(dialect.request(question)),
    pieces,
    ...(leaves === undefined ? {} : { leaves }),
    fills: [
      ...(part.isStranger === true ? [] : fills),
      ...(models === undefined ? [] : [{ blank: model, values: models }]),
    ],
  };
}

/** Sections of the gateway's configuration. */
export function printSections(ports: Readonly<Record<Upstream, number>>): string[] {
  const provider = (name: string, port: number): string[] => [
    `[provider.${name}]`,
    "type = compatible",
    `base_url = http://127.0.0.1:${port}/v1`,
    "api_key = sk-soak-soak-soak-soak",
    "allow_private = yes",
  ];
  return [
    ...provider("broken", ports.broken),
    ...provider("streams", ports.streams),
    "[routes]",
    `${MIX.broken.model} = broken`,
    `${MIX.embeddings.model} = openai/text-embedding-3-small`,
    `${MIX.fallback.model} = broken | openai/gpt-4o-mini`,
    `${MIX.left.model} = streams`,
    `${MIX.stream.model} = streams`,
  ];
}
