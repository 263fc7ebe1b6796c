// promptfoo, which compares prompts and models. https://www.promptfoo.dev/docs/providers

import { type Gateway, type Guide, PROMPT, type Setup, shellKey } from "./guide.ts";

const setUp =
  (prefix: string, field: string, path: string, variable: string) =>
  (gateway: Gateway): Setup => ({
    files: {
      "promptfooconfig.yaml": [
        `prompts: [${JSON.stringify(PROMPT)}]`,
        "providers:",
        `  - id: ${JSON.stringify(`${prefix}:${gateway.model}`)}`,
        "    config:",
        `      ${field}: ${gateway.url}${path}`,
        "tests: [{}]",
        "",
      ].join("\n"),
    },
    env: { [variable]: shellKey(gateway) },
    command: ["promptfoo", "eval", "-c", "promptfooconfig.yaml", "--no-cache"],
  });

export const promptfoo: Guide = {
  about: "promptfoo",
  packages: ["promptfoo@0.123.1"],
  installer: "npm --global",
  apis: {
    chat: setUp("openai:chat", "apiBaseUrl", "/v1", "OPENAI_API_KEY"),
    responses: setUp("openai:responses", "apiBaseUrl", "/v1", "OPENAI_API_KEY"),
    messages: setUp("anthropic:messages", "apiBaseUrl", "", "ANTHROPIC_API_KEY"),
  },
};
