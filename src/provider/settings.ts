// What an operator says about a provider: plain values, checked by the room that reads them. Knows no file and no vendor's quirks.

import type { Reach } from "./reach.ts";

export interface ProviderSettings {
  /** Name in routes, in `provider/model` and on the ledger: lower case, `[a-z0-9][a-z0-9_-]*`. */
  name: string;
  /** A name in the table of kinds. */
  kind: string;
  /** Without a trailing slash; empty where the kind needs none or makes it from its options. */
  baseUrl: string;
  /** How far its address may lead. */
  reach: Reach;
  apiKey: string | null;
  /** How to supply the missing key, for the error that names it: INI key, environment names. Empty where none is needed. */
  apiKeyNames: readonly string[];
  /** Whether the provider refuses calls without a key (a server of one's own may not need one). */
  needsApiKey: boolean;
  /** What only this kind has, such as a region: by the names in its definition, defaults filled in. Absent where unset. */
  options: Readonly<Record<string, string>>;
  /** Extra headers for every call. */
  headers: Readonly<Record<string, string>>;
  /** The output limit to ask for where the client gives none and the format demands one; null means per model. */
  maxOutputTokens: number | null;
  /** Ids of a marketplace's services that its calls are bought as. */
  services?: readonly string[];
  /** Percent off its listed prices, as a decimal; missing where there is none. */
  discount?: string;
  /** What becomes of calls whose price nobody knows; missing where the gateway's own rule holds. */
  onUnknownPrice?: "allow" | "refuse" | "warn";
}
