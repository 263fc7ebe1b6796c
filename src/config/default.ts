// The routes and aliases that hold where the operator says nothing. Knows no file; a test compares them with the vendors' own lists.
// Models: the `ChatModel` and `EmbeddingModel` types of openai 7.57.0, and `Model` of @anthropic-ai/sdk 1.12.0 (2026-11),
// https://docs.anthropic.com/en/docs/about-claude/model-deprecations for what has ended.

import type { AliasRule, RouteRule } from "../gateway/rule.ts";

const NEWEST = { haiku: "claude-haiku-5-5", opus: "claude-opus-5-5", sonnet: "claude-sonnet-5-5" } as const;

const ROUTES = [
  ["loopback", "loopback"],
  ["chatgpt-*", "openai"],
  ["codex-*", "openai"],
  ["ft:*", "openai"],
  ["gpt-*", "openai"],
  ["o1*", "openai"],
  ["o3*", "openai"],
  ["o4*", "openai"],
  ["text-embedding-*", "openai"],
  ["claude*", "anthropic"],
] as const;

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

export const DEFAULT_ROUTES: readonly RouteRule[] = ROUTES.map(([pattern, provider]) => ({
  pattern,
  provider,
  origin: "default",
}));

export const DEFAULT_ALIASES: readonly AliasRule[] = ALIASES.map(([pattern, target]) => ({
  pattern,
  target,
  origin: "default",
}));
