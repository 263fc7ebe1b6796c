// What vendors document about their prices and the price list does not hold: service tiers, cache writes for an hour, least charges.
// Data alone, each row with the page that says so; a price that no page tells is missing here, and so unknown. `vendor` and `models` are the
// price list's own ids.

interface PriceFact {
  vendor: string;
  models?: RegExp;
  /** Names under the list's model of which it does not hold. */
  not?: RegExp;
  /** Names that the page says are the list's model of that id. */
  also?: { names: RegExp; model: string };
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
  /** The day on which the page was last read. */
  checked?: string;
}

const HALF = { input: "0.5", cacheRead: "0.5", cacheWrite: "0.5", output: "0.5" } as const;
const TWICE = { input: "2", cacheRead: "2", cacheWrite: "2", output: "2" } as const;
const USUAL = { input: "1", cacheRead: "1", cacheWrite: "1", output: "1" } as const;

/** What stands beside the tiers costs the same in each. */
const TOOLS = { tool: "1" } as const;

const ANTHROPIC = "https://platform.claude.com/docs/en/about-claude/pricing";
const OPENAI = "https://developers.openai.com/api/docs/pricing";
/** What was called priority until 2026-07-30 is called fast since; requests may say either, and answers do. */
const OPENAI_FAST = "https://openai.com/api-fast-mode/";
const OPENAI_CHECKED = "2026-11-25";

/** From the fifth generation on, what comes from the cache is half price in a batch, too; before, no page prices it. */
const CACHING_BATCH = /^gpt-5(?:\.\d)?(?:-mini|-nano|-pro)?$|^gpt-(?:5\.6|6(?:\.1)?)-/u;
const FLEXIBLE = /^gpt-5(?:\.\d)?(?:-mini|-nano)?$|^gpt-5\.[45]-pro$|^gpt-(?:5\.6|6)-|^o3$|^o4-mini$/u;

/** Names that the list has under the model that they are made of, and the page of fast mode does not name. */
const NOT_FAST = /-(?:chat|codex-max|high|search)|^gpt-5[.-][2-9].*-codex/u;

/** Times the usual price, cached tokens as well: what the page says in dollars, of each model. None of them beyond long context. */
const OPENAI_FAST_FACTORS: readonly { models: RegExp; factor: string }[] = [
  { models: /^gpt-5\.5$/u, factor: "2.5" },
  { models: /^gpt-5(?:\.1|\.2|\.4|\.4-mini)?$/u, factor: "2" },
  { models: /^gpt-5-mini$/u, factor: "1.8" },
  { models: /^(?:gpt-4\.1|gpt-4\.1-mini|o3)$/u, factor: "1.75" },
  { models: /^gpt-4\.1-nano$/u, factor: "2" },
  { models: /^gpt-4o$/u, factor: "1.7" },
  { models: /^gpt-4o-2024-05-13$/u, factor: "1.75" },
  { models: /^gpt-4o-mini$/u, factor: "5/3" },
  { models: /^o4-mini$/u, factor: "20/11" },
];

function listFastFacts(tier: string): PriceFact[] {
  return [
    {
      vendor: "openai",
      models: /^gpt-(?:5\.6|6(?:\.1)?)-/u,
      tier,
      factors: { ...TWICE, ...TOOLS },
      source: OPENAI,
      checked: OPENAI_CHECKED,
    },
    ...OPENAI_FAST_FACTORS.map(({ models, factor }): PriceFact => ({
      vendor: "openai",
      models,
      not: NOT_FAST,
      tier,
      factors: { input: factor, cacheRead: factor, output: factor, ...TOOLS },
      servesLongContext: false,
      source: OPENAI_FAST,
      checked: OPENAI_CHECKED,
    })),
  ];
}

const OPENAI_FACTS: readonly PriceFact[] = [
  // Sound costs many times what text does, and of some models the list has the price of text alone.
  { vendor: "openai", models: /audio|realtime/u, apart: ["input_audio_mtok", "output_audio_mtok"], source: OPENAI },
  {
    vendor: "openai",
    also: { names: /^(?:omni|text)-moderation(?:-|$)/u, model: "moderation" },
    source: "https://developers.openai.com/api/docs/guides/moderation",
  },
  {
    vendor: "openai",
    models: /^gpt-5\.5-pro$/u,
    tier: "batch",
    factors: { ...HALF, ...TOOLS },
    servesLongContext: false,
    source: OPENAI,
    checked: OPENAI_CHECKED,
  },
  {
    vendor: "openai",
    models: CACHING_BATCH,
    tier: "batch",
    factors: { ...HALF, ...TOOLS },
    source: OPENAI,
    checked: OPENAI_CHECKED,
  },
  {
    vendor: "openai",
    models:
      /^(?:gpt-3\.5-turbo|gpt-4|gpt-4\.1|gpt-4\.1-mini|gpt-4\.1-nano|gpt-4-turbo|gpt-4o|gpt-4o-2024-05-13|gpt-4o-mini|o1|o1-mini|o1-pro|o3|o3-deep-research|o3-mini|o3-pro|o4-mini|o4-mini-deep-research|computer-use|text-embedding-(?:3-large|3-small|ada-002))$/u,
    tier: "batch",
    factors: { input: "0.5", output: "0.5", ...TOOLS },
    source: OPENAI,
  },
  {
    vendor: "openai",
    models: /^gpt-image-(?:1|1-mini|1\.5|2)$/u,
    tier: "batch",
    factors: { input: "0.5", cacheRead: "0.5", output: "0.5" },
    source: OPENAI,
    checked: OPENAI_CHECKED,
  },
  {
    vendor: "openai",
    models: /^gpt-5\.5-pro$/u,
    tier: "flex",
    factors: { ...HALF, ...TOOLS },
    servesLongContext: false,
    source: OPENAI,
    checked: OPENAI_CHECKED,
  },
  {
    vendor: "openai",
    models: FLEXIBLE,
    tier: "flex",
    factors: { ...HALF, ...TOOLS },
    source: OPENAI,
    checked: OPENAI_CHECKED,
  },
  ...listFastFacts("priority"),
  ...listFastFacts("fast"),
];

export const PRICE_FACTS: readonly PriceFact[] = [
  ...OPENAI_FACTS,
  // Searches in a batch cost what they do elsewhere: /docs/en/agents-and-tools/tool-use/web-search-tool#batch-requests
  { vendor: "anthropic", tier: "batch", factors: { ...HALF, ...TOOLS }, source: ANTHROPIC },
  // Priority is capacity that was bought beforehand: what a call costs is between the two.
  { vendor: "anthropic", longCacheWrite: "2", source: ANTHROPIC },
  // Inference in the United States alone; models before 4.6 cannot be asked for it. The fast mode's price is its own, and not told here.
  {
    vendor: "anthropic",
    models: /^claude-(?:opus-4-[6-9]|sonnet-4-[6-9]|opus-[5-9]|sonnet-[5-9]|haiku-[5-9]|fable-|mythos-)/u,
    mark: { unit: "us_inference", factor: "1.1" },
    source: `${ANTHROPIC}#data-residency-pricing`,
  },
  // No price on the list, and no gift either: a model that is offered no more.
  {
    vendor: "cerebras",
    models: /^qwen-3-coder-480b$/u,
    apart: ["requests_kcount"],
    source: "https://inference-docs.cerebras.ai/support/change-log",
  },
  // Music is sold by the piece.
  {
    vendor: "openrouter",
    models: /^google\/lyria-/u,
    apart: ["requests_kcount"],
    source: "https://ai.google.dev/gemini-api/docs/pricing",
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
  // Of open models there is no paid tier: whichever size.
  {
    vendor: "google",
    also: { names: /^gemma-3-(?:270m|1b|4b|12b|27b)-it$/u, model: "gemma-3" },
    source: "https://ai.google.dev/gemini-api/docs/pricing#gemma-3",
  },
  {
    vendor: "google",
    also: { names: /^gemma-3n-e[24]b-it$/u, model: "gemma-3n" },
    source: "https://ai.google.dev/gemini-api/docs/pricing#gemma-3n",
  },
  // A version of the model, served from an address of its own.
  {
    vendor: "google",
    also: { names: /^gemini-3\.1-pro-preview-customtools$/u, model: "gemini-3.1-pro-preview" },
    source: "https://ai.google.dev/gemini-api/docs/models/gemini-3.1-pro-preview",
  },
  {
    vendor: "google",
    also: { names: /^claude-3-5-sonnet-v2@20241022$/u, model: "claude-3-5-sonnet" },
    source: "https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude",
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
