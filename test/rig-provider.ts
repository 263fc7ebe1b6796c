// A provider as a rig's configuration has it: nothing of it is set unless a test says so.

import type { ProviderSettings } from "../src/config/value.ts";

export function makeProviderSettings(
  over: Partial<ProviderSettings> & Pick<ProviderSettings, "name" | "kind">,
): ProviderSettings {
  return {
    baseUrl: "",
    reach: "private",
    apiKey: null,
    apiKeyNames: [`${over.name}_api_key`, `TOKLIGENCE_${over.name.toUpperCase()}_API_KEY`],
    needsApiKey: false,
    options: {},
    headers: {},
    maxOutputTokens: null,
    ...over,
  };
}
