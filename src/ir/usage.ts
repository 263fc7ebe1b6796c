// Token counts of one answer, in parts that never overlap, so that no reader ever subtracts. Knows no vendor's field names.

/**
 * What is counted in other ways than by tokens (`images`, `audio_seconds`, `search_units`, `characters`, `web_search_requests`), and of which
 * kind the tokens were: `input_audio_tokens`, `input_image_tokens`, `tool_prompt_tokens` are part of all input, `output_audio_tokens` of the
 * output, `cache_audio_read_tokens` of what the cache served.
 */
export type Units = Readonly<Record<string, number>>;

export interface Usage {
  /** Prompt tokens that were neither read from nor written to a prompt cache. */
  freshInputTokens: number;
  /** Prompt tokens served from the provider's prompt cache. */
  cacheReadTokens: number;
  /** Prompt tokens written to the provider's prompt cache, for however long they are kept. */
  cacheWriteTokens: number;
  /** Of `cacheWriteTokens`, those that are kept for an hour; missing where there are none. */
  longCacheWriteTokens?: number;
  /** All tokens the model produced, reasoning included. */
  outputTokens: number;
  /** Of `outputTokens`, those spent on reasoning; null where the provider does not say. */
  reasoningTokens: number | null;
  /** How it was served, which decides its price, such as `default`, `flex` or `priority`; missing where the provider does not say. */
  serviceTier?: string;
  /** What of it has a price of its own, or is no token at all; missing where there is nothing of the kind. */
  units?: Units;
}

/**
 * Where a usage figure comes from: the provider's own report, our estimate of a cut or silent answer, nowhere, or the earlier edition's books, which do not
 * say where theirs are from.
 */
export type UsageSource = "provider" | "estimate" | "imported" | "none";

export const NO_USAGE: Usage = Object.freeze({
  freshInputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: null,
});

type Join = (left: number, right: number) => number;

/** Two figures as one, part by part, as of two calls. A sum keeps a tier only where both were served in it. */
export function joinUsage(left: Usage, right: Usage): Usage {
  const long = (left.longCacheWriteTokens ?? 0) + (right.longCacheWriteTokens ?? 0);
  const { reasoningTokens: one } = left;
  const { reasoningTokens: other } = right;
  const units = joinUnits(left.units ?? null, right.units ?? null);
  const tier = left.serviceTier === right.serviceTier ? right.serviceTier : undefined;
  return {
    freshInputTokens: left.freshInputTokens + right.freshInputTokens,
    cacheReadTokens: left.cacheReadTokens + right.cacheReadTokens,
    cacheWriteTokens: left.cacheWriteTokens + right.cacheWriteTokens,
    ...(long === 0 ? {} : { longCacheWriteTokens: long }),
    outputTokens: left.outputTokens + right.outputTokens,
    reasoningTokens: one === null || other === null ? (one ?? other) : one + other,
    ...(tier === undefined ? {} : { serviceTier: tier }),
    ...(units === null ? {} : { units }),
  };
}

/**
 * Of two reports of one call so far: of its input and of its output that of the larger one, for what one calls fresh another may know to be from
 * the cache, and one may tell of the one side alone.
 */
export function keepLarger(earlier: Usage, later: Usage): Usage {
  const input = sumInputTokens(later) < sumInputTokens(earlier) || knowsLess(later, earlier) ? earlier : later;
  const output = later.outputTokens < earlier.outputTokens ? earlier : later;
  const long = Math.max(earlier.longCacheWriteTokens ?? 0, later.longCacheWriteTokens ?? 0);
  const tier = later.serviceTier ?? earlier.serviceTier;
  const units = joinUnits(earlier.units ?? null, later.units ?? null, Math.max);
  return {
    freshInputTokens: input.freshInputTokens,
    cacheReadTokens: input.cacheReadTokens,
    cacheWriteTokens: input.cacheWriteTokens,
    ...(long === 0 ? {} : { longCacheWriteTokens: Math.min(long, input.cacheWriteTokens) }),
    outputTokens: output.outputTokens,
    reasoningTokens: output.reasoningTokens ?? earlier.reasoningTokens,
    ...(tier === undefined ? {} : { serviceTier: tier }),
    ...(units === null ? {} : { units }),
  };
}

function knowsLess(one: Usage, other: Usage): boolean {
  return (
    sumInputTokens(one) === sumInputTokens(other) &&
    one.cacheReadTokens + one.cacheWriteTokens < other.cacheReadTokens + other.cacheWriteTokens
  );
}

export function joinUnits(left: Units | null, right: Units | null, join: Join = add): Units | null {
  if (left === null || right === null) return left ?? right;
  const joined: Record<string, number> = { ...left };
  for (const [name, count] of Object.entries(right)) joined[name] = join(joined[name] ?? 0, count);
  return joined;
}

function add(left: number, right: number): number {
  return left + right;
}

/** All prompt tokens, however they were served. */
export function sumInputTokens(usage: Usage): number {
  return usage.freshInputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
}
