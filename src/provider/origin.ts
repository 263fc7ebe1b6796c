// Which addresses a provider's credentials go to, as far as they follow from what is said of it: scheme, host and port. Calls nobody.

import type { ProviderKindDefinition } from "./kind.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

/** Of each family one that some vendors treat in their own way; the host is the same for all of a family. */
const SAMPLE_MODELS = ["model", "maker/model", "claude-sonnet-4-5", "gemini-2.5-pro", "amazon.titan-embed-text-v2:0"];

/** In order, each once. */
export function findOrigins(kind: ProviderKindDefinition, settings: ProviderSettings): string[] {
  const provider = makeDeaf(kind, settings);
  const { listing, rest } = provider;
  const spoken = SAMPLE_MODELS.flatMap((model) =>
    provider.speaks(model).map((wire) => provider.endpoint(wire, { model, stream: false }).url),
  );
  const signedInAt = Object.entries(kind.options).flatMap(([name, { isUrl }]) =>
    isUrl === true ? [settings.options[name]] : [],
  );
  const urls = [settings.baseUrl, listing?.url, ...(listing?.more ?? []), rest?.baseUrl, ...spoken, ...signedInAt];
  const origins = urls.flatMap((url) => (url === undefined || url === "" ? [] : [readOrigin(url)]));
  return [...new Set(origins)].toSorted();
}

/** For its facts alone: it calls nobody and reads nothing. */
export function makeDeaf(kind: ProviderKindDefinition, settings: ProviderSettings): Provider {
  return kind.make(settings, {
    fetch: () => Promise.reject(new Error("nobody is to be called")),
    readText: () => Promise.reject(new Error("nothing is to be read")),
    nowMs: () => 0,
    monotonicMs: () => 0,
  });
}

/** What cannot be read is told as it is: it is nowhere that anything could go. */
function readOrigin(url: string): string {
  return URL.parse(url)?.origin ?? url;
}
