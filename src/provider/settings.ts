// What an operator says about a provider: plain values, checked by the room that reads them. Knows no file and no vendor's quirks.

export type ProviderKind = "anthropic" | "compatible" | "loopback" | "openai";

export interface ProviderSettings {
  /** Name in routes, in `provider/model` and on the ledger: lower case, `[a-z0-9][a-z0-9_-]*`. */
  name: string;
  kind: ProviderKind;
  /** Without a trailing slash; empty for loopback. */
  baseUrl: string;
  apiKey: string | null;
  /** How to supply the missing key, for the error that names it: INI key, environment names. Empty where none is needed. */
  apiKeyNames: readonly string[];
  /** Whether the provider refuses calls without a key (built-ins do; a compatible server may not need one). */
  needsApiKey: boolean;
  organization: string | null;
  project: string | null;
  /** The version header of providers that have one. */
  version: string | null;
  /** Extra headers for every call. */
  headers: Readonly<Record<string, string>>;
  /** The output limit to ask for where the client gives none and the format demands one; null means per model. */
  maxOutputTokens: number | null;
}
