// One provider of every kind, with models that stand for its ways of behaving: for whoever asks what each can do. It calls nobody.

import { KINDS } from "./index.ts";
import type { ProviderKindDefinition, ProviderOption } from "./kind.ts";
import type { Provider } from "./type.ts";

/** Where the model decides what may be asked. Any other kind takes whatever model it has. */
const MODELS: Readonly<Record<string, readonly string[]>> = {
  anthropic: ["claude-opus-4-6", "claude-sonnet-4-5", "claude-3-5-haiku-latest"],
  bedrock: ["anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0"],
  gemini: ["gemini-2.5-flash", "gemini-3-pro-preview"],
  openai: ["gpt-4o", "gpt-5"],
  vertex: ["gemini-2.5-flash", "claude-sonnet-4-5"],
};

export interface SampleProvider {
  /** Its kind. */
  name: string;
  provider: Provider;
  model: string;
}

export function listSampleProviders(): SampleProvider[] {
  return [...KINDS].flatMap(([kind, definition]) => {
    const provider = makeSample(kind, definition);
    return (MODELS[kind] ?? ["any-model"]).map((model) => ({ name: kind, provider, model }));
  });
}

/** An option is said only where the provider cannot do without: most of them change what it does. */
function makeSample(kind: string, definition: ProviderKindDefinition): Provider {
  const usual = makeFrom(kind, definition, ({ fallback }) => fallback);
  return usual.missing === null ? usual : makeFrom(kind, definition, ({ fallback, example }) => fallback ?? example);
}

function makeFrom(
  kind: string,
  { baseUrl, options, make }: ProviderKindDefinition,
  choose: (option: ProviderOption) => string | undefined,
): Provider {
  const chosen = Object.entries(options).flatMap(([name, option]) => {
    const value = choose(option);
    return value === undefined ? [] : [[name, value] as const];
  });
  return make(
    {
      name: kind,
      kind,
      baseUrl: baseUrl ?? "http://localhost",
      reach: "any",
      apiKey: "sample",
      apiKeyNames: [],
      needsApiKey: false,
      options: Object.fromEntries(chosen),
      headers: {},
      maxOutputTokens: null,
    },
    {
      fetch: () => Promise.reject(new Error("a sample calls nobody")),
      nowMs: () => 0,
      monotonicMs: () => 0,
      readText: () => Promise.reject(new Error("a sample reads nothing")),
    },
  );
}
