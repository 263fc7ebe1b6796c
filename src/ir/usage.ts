// Token counts of one answer, in parts that never overlap, so that no reader ever subtracts. Knows no vendor's field names.

export interface Usage {
  /** Prompt tokens that were neither read from nor written to a prompt cache. */
  freshInputTokens: number;
  /** Prompt tokens served from the provider's prompt cache. */
  cacheReadTokens: number;
  /** Prompt tokens written to the provider's prompt cache. */
  cacheWriteTokens: number;
  /** All tokens the model produced, reasoning included. */
  outputTokens: number;
  /** Of `outputTokens`, those spent on reasoning; null where the provider does not say. */
  reasoningTokens: number | null;
  /** How it was served, which decides its price, such as `default`, `flex` or `priority`; missing where the provider does not say. */
  serviceTier?: string;
}

/**
 * What is counted in other ways than by tokens (`images`, `audio_seconds`, `search_units`, `characters`), and of which kind the tokens were
 * where that has a price of its own (`input_audio_tokens`, which are part of the input).
 */
export type Units = Readonly<Record<string, number>>;

/** Where a usage figure comes from: the provider's own report, our estimate of a cut or silent answer, or nowhere. */
export type UsageSource = "provider" | "estimate" | "none";

export const NO_USAGE: Usage = Object.freeze({
  freshInputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: null,
});

/** All prompt tokens, however they were served. */
export function sumInputTokens(usage: Usage): number {
  return usage.freshInputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
}
