// The table of provider kinds: one line a vendor, and the rows of those that imitate another.

import { anthropicCompatible } from "./anthropic-compatible.ts";
import { anthropic } from "./anthropic.ts";
import { azure } from "./azure.ts";
import { bedrock } from "./bedrock.ts";
import { cohere } from "./cohere.ts";
import { COMPATIBLE } from "./compatible.ts";
import { gemini } from "./gemini.ts";
import type { ProviderKindDefinition, ProviderTools } from "./kind.ts";
import { loopback } from "./loopback.ts";
import { OWN_SERVERS } from "./own-server.ts";
import { openai } from "./openai.ts";
import { findOrigins, makeDeaf } from "./origin.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Account, Provider } from "./type.ts";
import { vertex } from "./vertex.ts";

const OWN = {
  anthropic,
  "anthropic-compatible": anthropicCompatible,
  azure,
  bedrock,
  cohere,
  gemini,
  loopback,
  openai,
  vertex,
} as const satisfies Record<string, ProviderKindDefinition>;

/** By the name that `type =` says. */
export const KINDS: ReadonlyMap<string, ProviderKindDefinition> = new Map(
  Object.entries<ProviderKindDefinition>({ ...OWN, ...COMPATIBLE, ...OWN_SERVERS }).toSorted(([left], [right]) =>
    left < right ? -1 : 1,
  ),
);

/** Throws a TypeError for a kind that is not in the table: whoever reads settings has checked it. */
export function makeProvider(settings: ProviderSettings, tools: ProviderTools): Provider {
  const kind = findKind(settings);
  const { obstacle } = settings;
  if (obstacle !== undefined) return { ...kind.make(settings, tools), missing: obstacle };
  const [first, ...others] = (settings.keys ?? []).map(({ label, apiKey, weight }): Account => {
    const provider = { ...kind.make({ ...settings, apiKey }, tools), account: label };
    return { weight, provider };
  });
  if (first === undefined) return kind.make(settings, tools);
  const { keyStrategy } = settings;
  return { ...first.provider, pool: [first, ...others], ...(keyStrategy === undefined ? {} : { keyStrategy }) };
}

/** Which addresses its credentials go to: scheme, host and port, in order. */
export function listOrigins(settings: ProviderSettings): string[] {
  return findOrigins(findKind(settings), settings);
}

/** What is missing before it can be called, and how to supply it; null where nothing is. */
export function findMissing(settings: ProviderSettings): string | null {
  return settings.obstacle ?? makeDeaf(findKind(settings), settings).missing;
}

/** What of it must not be said by anyone who does not hold this machine; null where nothing is wrong. */
export function judgeRemote(settings: ProviderSettings): { field: string; message: string } | null {
  return findKind(settings).judgeRemote?.(settings) ?? null;
}

function findKind({ kind: name }: ProviderSettings): ProviderKindDefinition {
  const kind = KINDS.get(name);
  if (kind === undefined) throw new TypeError(`there is no kind of provider named ${name}`);
  return kind;
}

export { listImplying } from "./kind.ts";
export type { ProviderKindDefinition, ProviderOption, ProviderTools } from "./kind.ts";
export { PRICE_CORRECTIONS } from "./price-correction.ts";
export { PRICE_FACTS } from "./price-fact.ts";
export { describeReach, guardFetch, isStandIn, isWithin, judgeHost } from "./reach.ts";
export type { Guard, Reach } from "./reach.ts";
export { KEY_STRATEGIES } from "./settings.ts";
export type { HealthSettings, KeyStrategy, PoolKey, ProviderSettings } from "./settings.ts";
export type { Endpoint, FrameReader, ListedModel, OutgoingRequest, Pricing, Provider } from "./type.ts";
