// What a provider is: one frozen value that says where it is, how to prove who asks, and what is peculiar to it.
// It holds no client and no state: the gateway sends.

import type { JsonObject } from "../ir/index.ts";
import type { ModelFacts, WireId } from "../wire/type.ts";

export interface ListedModel {
  id: string;
  /** Seconds since the epoch; null where the provider does not say. */
  createdAt: number | null;
  ownedBy: string;
}

/** How an answer's price is looked up: in the price list of a vendor, by the address that served it, or not at all because it is free. */
export type Pricing = { vendor: string } | { apiUrl: string } | "free";

export interface Provider {
  name: string;
  /** The wires that it speaks, each with the address to POST to. */
  endpoints: Readonly<Partial<Record<WireId, string>>>;
  /** Credentials and fixed headers. */
  headers: Readonly<Record<string, string>>;
  /** Names of client headers that are handed on to it, lower case; where `headers` has one too, both values go, joined by a comma. */
  requestHeaders: readonly string[];
  /** Beginnings of names of its response headers that are handed back, lower case. */
  responseHeaders: readonly string[];
  /** Where and how it lists its models; null where it cannot. */
  listing: { url: string; decode(body: JsonObject): ListedModel[] } | null;
  /** Models that are known without asking. */
  knownModels: readonly ListedModel[];
  /** What is missing before it can be called, and how to supply it; null where nothing is. */
  missing: string | null;
  pricing: Pricing;
  facts(model: string): ModelFacts;
  /** Answers in this process instead of over the network. */
  answer: ((wire: WireId, body: JsonObject) => Response) | null;
}
