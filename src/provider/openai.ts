// OpenAI itself. https://platform.openai.com/docs/api-reference

import type { ProviderKindDefinition } from "./kind.ts";
import { type OpenaiLikeRow, makeOpenaiLike } from "./openai-like.ts";
import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

export const openai: ProviderKindDefinition = {
  about: "OpenAI",
  baseUrl: "https://api.openai.com/v1",
  keyVariables: ["OPENAI_API_KEY"],
  urlVariables: ["OPENAI_BASE_URL"],
  needsKey: true,
  options: {
    organization: { about: "Sent as openai-organization", variables: [], example: "org-..." },
    project: { about: "Sent as openai-project", variables: [], example: "proj_..." },
  },
  patterns: ["chatgpt-*", "codex-*", "ft:*", "gpt-*", "o1*", "o3*", "o4*", "text-embedding-*"],
  make: makeOpenai,
};

const ROW: OpenaiLikeRow = { about: openai.about, baseUrl: openai.baseUrl, prices: "openai" };

function makeOpenai(settings: ProviderSettings): Provider {
  const { organization, project } = settings.options;
  return makeOpenaiLike(settings, {
    ...ROW,
    headers: {
      ...(organization === undefined ? {} : { "openai-organization": organization }),
      ...(project === undefined ? {} : { "openai-project": project }),
    },
  });
}
