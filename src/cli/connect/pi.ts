// pi, a small coding agent of four dialects. https://github.com/badlogic/pi-mono

import { type Gateway, type Guide, PROMPT, plainKey, printJsonFile, type Setup } from "./guide.ts";

const setUp =
  (api: string, path: string) =>
  (gateway: Gateway): Setup => ({
    files: {
      "~/.pi/agent/models.json": printJsonFile({
        providers: {
          tokligence: {
            baseUrl: gateway.url + path,
            apiKey: plainKey(gateway),
            api,
            // Without it, sealed reasoning is not asked for, and some models' providers want theirs back. As Anthropic's client it
            // would ask for a budget, which their newer models refuse.
            models: [{ id: gateway.model, reasoning: api !== "anthropic-messages" }],
          },
        },
      }),
    },
    command: ["pi", "--provider", "tokligence", "--model", gateway.model, "-p", PROMPT],
  });

export const pi: Guide = {
  about: "pi coding agent",
  packages: ["@mariozechner/pi-coding-agent@0.73.1"],
  installer: "npm --global",
  apis: {
    chat: setUp("openai-completions", "/v1"),
    responses: setUp("openai-responses", "/v1"),
    messages: setUp("anthropic-messages", ""),
    gemini: setUp("google-generative-ai", "/v1beta"),
  },
};
