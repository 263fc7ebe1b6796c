// The table of provider kinds: one line a vendor.

import { makeAnthropic } from "./anthropic.ts";
import { makeCompatible } from "./compatible.ts";
import { makeLoopback } from "./loopback.ts";
import { makeOpenai } from "./openai.ts";
import type { ProviderTools } from "./kind.ts";
import type { ProviderKind, ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

const KINDS = {
  anthropic: makeAnthropic,
  compatible: makeCompatible,
  loopback: makeLoopback,
  openai: makeOpenai,
} as const satisfies Record<ProviderKind, (settings: ProviderSettings, tools: ProviderTools) => Provider>;

export function makeProvider(settings: ProviderSettings, tools: ProviderTools): Provider {
  const make: (settings: ProviderSettings, tools: ProviderTools) => Provider = KINDS[settings.kind];
  return make(settings, tools);
}

export type { ProviderTools } from "./kind.ts";
export type { ProviderKind, ProviderSettings } from "./settings.ts";
export type { Endpoint, FrameReader, ListedModel, OutgoingRequest, Pricing, Provider, RestFamily } from "./type.ts";
