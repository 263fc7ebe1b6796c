// Any server that speaks OpenAI's formats under a base URL of its own: Ollama, vLLM, Groq, Mistral, DeepSeek and the like.

import { makeOpenaiLike } from "./openai-like.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

export function makeCompatible(settings: ProviderSettings): Provider {
  return makeOpenaiLike(settings, { headers: {}, pricing: { apiUrl: settings.baseUrl } });
}
