// What an answer's headers say of rate limits, as OpenAI has them, and as clients of most formats look for them. Knows no limit.
// Source: https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers

import type { LimitFigure, LimitFigures } from "./type.ts";

export function encodeLimitHeaders({ requests, tokens }: LimitFigures): Record<string, string> {
  return { ...encode("requests", requests), ...encode("tokens", tokens) };
}

function encode(unit: string, figure: LimitFigure | null): Record<string, string> {
  if (figure === null) return {};
  return {
    [`x-ratelimit-limit-${unit}`]: String(figure.limit),
    [`x-ratelimit-remaining-${unit}`]: String(figure.remaining),
    [`x-ratelimit-reset-${unit}`]: printSpan(figure.resetMs),
  };
}

/** `120ms`, `1s`, `6m0s`: as Go prints durations. */
function printSpan(ms: number): string {
  if (ms < 1_000) return `${Math.ceil(ms)}ms`;
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
