// OpenAI itself. https://platform.openai.com/docs/api-reference

import { makeOpenaiLike } from "./openai-like.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

export function makeOpenai(settings: ProviderSettings): Provider {
  return makeOpenaiLike(settings, {
    headers: {
      ...(settings.organization === null ? {} : { "openai-organization": settings.organization }),
      ...(settings.project === null ? {} : { "openai-project": settings.project }),
    },
    pricing: { vendor: "openai" },
  });
}
