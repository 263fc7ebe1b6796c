// The table of provider kinds: one line a vendor.

import { makeAnthropic } from "./anthropic.ts";
import { makeCompatible } from "./compatible.ts";
import { makeLoopback } from "./loopback.ts";
import { makeOpenai } from "./openai.ts";
import type { ProviderKind, ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

const KINDS = {
  anthropic: makeAnthropic,
  compatible: makeCompatible,
  loopback: makeLoopback,
  openai: makeOpenai,
} as const satisfies Record<ProviderKind, (settings: ProviderSettings) => Provider>;

export function makeProvider(settings: ProviderSettings): Provider {
  return KINDS[settings.kind](settings);
}

export type { ProviderKind, ProviderSettings } from "./settings.ts";
export type { ListedModel, Pricing, Provider } from "./type.ts";
