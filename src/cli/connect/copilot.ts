// GitHub Copilot's command line with a provider of one's own: no sign-in is needed.
// https://docs.github.com/en/copilot/how-tos/copilot-cli

import { type Gateway, type Guide, PROMPT, type Setup, shellKey } from "./guide.ts";

const setUp =
  (type: "anthropic" | "openai", wireApi: "completions" | "responses" | null) =>
  (gateway: Gateway): Setup => ({
    env: {
      COPILOT_OFFLINE: "true",
      COPILOT_PROVIDER_TYPE: type,
      ...(wireApi === null ? {} : { COPILOT_PROVIDER_WIRE_API: wireApi }),
      COPILOT_PROVIDER_BASE_URL: type === "openai" ? `${gateway.url}/v1` : gateway.url,
      COPILOT_PROVIDER_API_KEY: shellKey(gateway),
      COPILOT_MODEL: gateway.model,
    },
    command: ["copilot", "-p", PROMPT],
  });

export const copilot: Guide = {
  about: "GitHub Copilot CLI",
  packages: ["@github/copilot@1.0.102"],
  installer: "npm --global",
  apis: {
    chat: setUp("openai", "completions"),
    responses: setUp("openai", "responses"),
    messages: setUp("anthropic", null),
  },
};
