// What vendors document about their prices and the price list does not hold: service tiers, cache writes for an hour, least charges.
// Data alone, each row with the page that says so; a price that no page tells is missing here, and so unknown. `vendor` and `models` are the
// price list's own ids.

interface PriceFact {
  vendor: string;
  models?: RegExp;
  tier?: string;
  /** Times the usual price; what is missing is unknown. */
  factors?: { input?: string; cacheRead?: string; cacheWrite?: string; output?: string; tool?: string };
  mark?: { unit: string; factor: string };
  servesLongContext?: false;
  /** Times the plain input. */
  longCacheWrite?: string;
  apart?: readonly string[];
  least?: Readonly<Record<string, number>>;
  source: string;
}

const HALF = { input: "0.5", cacheRead: "0.5", cacheWrite: "0.5", output: "0.5" } as const;
const TWICE = { input: "2", cacheRead: "2", cacheWrite: "2", output: "2" } as const;
const USUAL = { input: "1", cacheRead: "1", cacheWrite: "1", output: "1" } as const;

/** What stands beside the tiers costs the same in each. */
const TOOLS = { tool: "1" } as const;

function timesAll(factor: string): NonNullable<PriceFact["factors"]> {
  return { input: factor, cacheRead: factor, output: factor };
}

const ANTHROPIC = "https://platform.claude.com/docs/en/about-claude/pricing";
const OPENAI = "https://developers.openai.com/api/docs/pricing";
const OPENAI_PRIORITY = "https://openai.com/api-priority-processing/";

/** From the fifth generation on, what comes from the cache is half price in a batch, too; before, no page prices it. */
const CACHING_BATCH = /^gpt-5(?:\.\d)?(?:-mini|-nano|-pro)?$|^gpt-(?:5\.6|6)-/u;
const FLEXIBLE = /^gpt-5(?:\.\d)?(?:-mini|-nano)?$|^gpt-(?:5\.6|6)-|^o3$|^o4-mini$/u;

const OPENAI_FACTS: readonly PriceFact[] = [
  // Sound costs many times what text does, and of some models the list has the price of text alone.
  { vendor: "openai", models: /audio|realtime/u, apart: ["input_audio_mtok", "output_audio_mtok"], source: OPENAI },
  { vendor: "openai", models: CACHING_BATCH, tier: "batch", factors: { ...HALF, ...TOOLS }, source: OPENAI },
  {
    vendor: "openai",
    models:
      /^(?:gpt-3\.5-turbo|gpt-4|gpt-4\.1|gpt-4\.1-mini|gpt-4\.1-nano|gpt-4-turbo|gpt-4o|gpt-4o-2024-05-13|gpt-4o-mini|o1|o1-mini|o1-pro|o3|o3-deep-research|o3-mini|o3-pro|o4-mini|o4-mini-deep-research|computer-use|text-embedding-(?:3-large|3-small|ada-002))$/u,
    tier: "batch",
    factors: { input: "0.5", output: "0.5", ...TOOLS },
    source: OPENAI,
  },
  { vendor: "openai", models: FLEXIBLE, tier: "flex", factors: { ...HALF, ...TOOLS }, source: OPENAI },
  { vendor: "openai", models: /^gpt-(?:5\.6|6)-/u, tier: "priority", factors: { ...TWICE, ...TOOLS }, source: OPENAI },
  { vendor: "openai", models: /^gpt-(?:5\.6|6)-/u, tier: "fast", factors: { ...TWICE, ...TOOLS }, source: OPENAI },
  ...[
    { models: /^gpt-5\.5$/u, factor: "2.5" },
    { models: /^gpt-5(?:\.1|\.2|\.4|\.4-mini)?$/u, factor: "2" },
    { models: /^gpt-5-mini$/u, factor: "1.8" },
    { models: /^(?:gpt-4\.1|gpt-4\.1-mini|o3)$/u, factor: "1.75" },
    { models: /^gpt-4\.1-nano$/u, factor: "2" },
    { models: /^gpt-4o$/u, factor: "1.7" },
    { models: /^gpt-4o-mini$/u, factor: "5/3" },
    { models: /^o4-mini$/u, factor: "20/11" },
  ].map(({ models, factor }): PriceFact => {
    return {
      vendor: "openai",
      models,
      tier: "priority",
      factors: { ...timesAll(factor), ...TOOLS },
      servesLongContext: false,
      source: OPENAI_PRIORITY,
    };
  }),
];

export const PRICE_FACTS: readonly PriceFact[] = [
  ...OPENAI_FACTS,
  { vendor: "anthropic", tier: "batch", factors: HALF, source: ANTHROPIC },
  // Priority is capacity that was bought beforehand: what a call costs is between the two.
  { vendor: "anthropic", longCacheWrite: "2", source: ANTHROPIC },
  // Inference in the United States alone; models before 4.6 cannot be asked for it. The fast mode's price is its own, and not told here.
  {
    vendor: "anthropic",
    models: /^claude-(?:opus-4-[6-9]|sonnet-4-[6-9]|opus-[5-9]|sonnet-[5-9]|haiku-[5-9]|fable-|mythos-)/u,
    mark: { unit: "us_inference", factor: "1.1" },
    source: `${ANTHROPIC}#data-residency-pricing`,
  },
  {
    vendor: "aws",
    tier: "batch",
    factors: { input: "0.5", output: "0.5" },
    source: "https://docs.aws.amazon.com/bedrock/latest/userguide/capacity-limits-cost-optimization.html",
  },
  {
    vendor: "azure",
    tier: "batch",
    factors: { input: "0.5", output: "0.5" },
    source: "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/batch",
  },
  {
    vendor: "google",
    models: /^gemini/u,
    tier: "batch",
    factors: { input: "0.5", output: "0.5" },
    source: "https://ai.google.dev/gemini-api/docs/optimization",
  },
  {
    vendor: "google",
    models: /^gemini/u,
    tier: "flex",
    factors: { input: "0.5", output: "0.5" },
    source: "https://ai.google.dev/gemini-api/docs/optimization",
  },
  { vendor: "groq", tier: "flex", factors: USUAL, source: "https://console.groq.com/docs/flex-processing" },
  {
    vendor: "groq",
    tier: "batch",
    factors: { input: "0.5", output: "0.5" },
    source: "https://console.groq.com/docs/batch",
  },
  {
    vendor: "groq",
    models: /^whisper-large-v3(?:-turbo)?$/u,
    least: { audio_seconds: 10, input_audio_seconds: 10 },
    source: "https://console.groq.com/docs/speech-to-text",
  },
  {
    vendor: "mistral",
    tier: "batch",
    factors: { input: "0.5", output: "0.5" },
    source: "https://docs.mistral.ai/capabilities/batch/",
  },
];
