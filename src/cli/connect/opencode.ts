// opencode, a coding agent that takes any of the AI SDK's providers. https://opencode.ai/docs/providers

import { type Api, type Gateway, type Guide, PROMPT, printJsonFile, type Setup, shellKey } from "./guide.ts";

/** The provider package for each format, and what follows the gateway's address. */
export const AI_SDK: Readonly<Record<Api, readonly [npm: string, path: string]>> = {
  chat: ["@ai-sdk/openai-compatible", "/v1"],
  gemini: ["@ai-sdk/google", "/v1beta"],
  messages: ["@ai-sdk/anthropic", "/v1"],
  responses: ["@ai-sdk/openai", "/v1"],
};

/** Also how its forks are told. */
export function declareProvider(api: Api, gateway: Gateway): Record<string, unknown> {
  const [npm, path] = AI_SDK[api];
  return {
    provider: {
      tokligence: {
        npm,
        name: "Tokligence Gateway",
        options: { baseURL: gateway.url + path, apiKey: "{env:TOKLIGENCE_KEY}" },
        models: { [gateway.model]: { name: gateway.model } },
      },
    },
  };
}

const setUp =
  (api: Api) =>
  (gateway: Gateway): Setup => ({
    files: {
      "~/.config/opencode/opencode.json": printJsonFile({
        $schema: "https://opencode.ai/config.json",
        ...declareProvider(api, gateway),
      }),
    },
    env: { TOKLIGENCE_KEY: shellKey(gateway) },
    command: ["opencode", "run", "-m", `tokligence/${gateway.model}`, PROMPT],
  });

export const opencode: Guide = {
  about: "opencode",
  packages: ["opencode-ai@1.18.33"],
  installer: "npm --global",
  apis: { chat: setUp("chat"), responses: setUp("responses"), messages: setUp("messages"), gemini: setUp("gemini") },
};
