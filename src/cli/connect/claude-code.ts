// Claude Code, Anthropic's coding agent. https://code.claude.com/docs/en/llm-gateway

import { type Guide, PROMPT, shellKey } from "./guide.ts";

export const claudeCode: Guide = {
  about: "Claude Code",
  packages: ["@anthropic-ai/claude-code@2.1.332"],
  installer: "npm --global",
  apis: {
    messages: (gateway) => ({
      env: {
        ANTHROPIC_BASE_URL: gateway.url,
        ANTHROPIC_AUTH_TOKEN: shellKey(gateway),
        ANTHROPIC_MODEL: gateway.model,
        // The small tasks beside the conversation.
        ANTHROPIC_DEFAULT_HAIKU_MODEL: gateway.model,
      },
      command: ["claude", "-p", PROMPT],
    }),
  },
};
