// Continue's command line; the same file serves its editor extensions. https://docs.continue.dev/reference

import { type Gateway, type Guide, PROMPT, plainKey, type Setup } from "./guide.ts";

const setUp =
  (provider: string, path: string) =>
  (gateway: Gateway): Setup => ({
    files: {
      "tokligence.yaml": [
        "name: Tokligence Gateway",
        "version: 1.0.0",
        "schema: v1",
        "models:",
        `  - name: ${JSON.stringify(gateway.model)}`,
        `    provider: ${provider}`,
        `    model: ${JSON.stringify(gateway.model)}`,
        `    apiBase: ${gateway.url}${path}`,
        `    apiKey: ${JSON.stringify(plainKey(gateway))}`,
        "    roles: [chat]",
        "    capabilities: [tool_use]",
        "",
      ].join("\n"),
    },
    command: ["cn", "--config", "tokligence.yaml", "-p", PROMPT],
  });

export const continueCli: Guide = {
  about: "Continue CLI",
  packages: ["@continuedev/cli@1.5.47"],
  installer: "npm --global",
  apis: { chat: setUp("openai", "/v1"), messages: setUp("anthropic", "/v1/") },
};
