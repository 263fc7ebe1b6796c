// The routes and aliases that hold where the operator says nothing. Knows no file; a test compares them with the vendors' own lists.
// Models: the `ChatModel` and `EmbeddingModel` types of openai 7.57.0, and `Model` of @anthropic-ai/sdk 1.12.0 (2026-11),
// https://docs.anthropic.com/en/docs/about-claude/model-deprecations for what has ended.

import type { AliasRule, RouteRule } from "../gateway/rule.ts";
import { KINDS, type ProviderKindDefinition, listImplying } from "../provider/index.ts";
import { BUILT_IN } from "./provider-key.ts";

const NEWEST = { haiku: "claude-haiku-5-5", opus: "claude-opus-5-5", sonnet: "claude-sonnet-5-5" } as const;

/** Short names, and names of models that have ended: a name that Anthropic still serves is nobody's alias. */
const ALIASES = [
  ["claude", NEWEST.opus],
  ["claude-3", NEWEST.opus],
  ["claude-3-haiku", NEWEST.haiku],
  ["claude-3-opus", NEWEST.opus],
  ["claude-3-sonnet*", NEWEST.sonnet],
  ["claude-haiku", NEWEST.haiku],
  ["claude-instant*", NEWEST.haiku],
  ["claude-opus", NEWEST.opus],
  ["claude-sonnet", NEWEST.sonnet],
] as const;

/** Each kind's, to the provider that is named like it: in force where that is there, and has its key. */
export const DEFAULT_ROUTES: readonly RouteRule[] = [...KINDS].flatMap(([provider, kind]) =>
  (kind.patterns ?? []).map((pattern) => ({
    pattern,
    targets: [{ provider, model: null }] as const,
    origin: "default",
    ...explainAbsence(provider, kind),
  })),
);

/** The built-in providers are always there, and say themselves what they lack. */
function explainAbsence(name: string, kind: ProviderKindDefinition): Pick<RouteRule, "missing"> {
  if (BUILT_IN.some((builtIn) => builtIn === name)) return {};
  const ways = [
    ...listImplying(kind).map((variables) => variables.join(" and ")),
    `[provider.${name}] ${kind.needsKey ? "api_key" : ""}`.trim(),
  ];
  return {
    missing: `Provider "${name}" (${kind.about}) is not set up. Set ${ways.join(", or ")} and reload the gateway.`,
  };
}

export const DEFAULT_ALIASES: readonly AliasRule[] = ALIASES.map(([pattern, target]) => ({
  pattern,
  target,
  origin: "default",
}));
