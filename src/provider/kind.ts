// What a kind of provider is: all that configuration must know of it, and how its settings become a Provider. One value a vendor.

import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

/** A setting that only some vendors have, such as a region. */
export interface ProviderOption {
  about: string;
  /** The usual environment variables for it, best first; ours come before. */
  variables: readonly string[];
  example: string;
  secret?: true;
}

/** What a provider may use of the world: for tokens that it must fetch. */
export interface ProviderTools {
  fetch(url: string, init: { method: string; headers: Record<string, string>; body?: string }): Promise<Response>;
  nowMs(): number;
}

export interface ProviderKindDefinition {
  /** Its usual address, up to what comes before the format's own path; null where the operator must give one. */
  baseUrl: string | null;
  /** The usual environment variables for its key, best first. */
  keyVariables: readonly string[];
  /** The usual environment variables for its address. */
  urlVariables: readonly string[];
  /** Whether it refuses calls without a key. */
  needsKey: boolean;
  options: Readonly<Record<string, ProviderOption>>;
  make(settings: ProviderSettings, tools: ProviderTools): Provider;
}
