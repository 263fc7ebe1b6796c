// What an answer's headers say of rate limits, as Anthropic has them. Knows no limit.
// Source: https://platform.claude.com/docs/en/api/rate-limits#response-headers

import type { LimitFigures } from "../type.ts";

export function encodeLimitHeaders({ requests, tokens, nowMs }: LimitFigures): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [unit, figure] of Object.entries({ requests, tokens })) {
    if (figure === null) continue;
    headers[`anthropic-ratelimit-${unit}-limit`] = String(figure.limit);
    headers[`anthropic-ratelimit-${unit}-remaining`] = String(figure.remaining);
    // RFC 3339, to the second: not before it begins anew.
    const resetMs = Math.ceil((nowMs + figure.resetMs) / 1_000) * 1_000;
    headers[`anthropic-ratelimit-${unit}-reset`] = new Date(resetMs).toISOString().replace(".000Z", "Z");
  }
  return headers;
}
