// Qwen Code, a coding agent of three dialects. https://qwenlm.github.io/qwen-code-docs

import { type Guide, PROMPT, shellKey } from "./guide.ts";

const ask = (type: string): readonly string[] => ["qwen", "--auth-type", type, "-p", PROMPT];

export const qwen: Guide = {
  about: "Qwen Code",
  packages: ["@qwen-code/qwen-code@0.24.4"],
  installer: "npm --global",
  apis: {
    chat: (gateway) => ({
      env: { OPENAI_BASE_URL: `${gateway.url}/v1`, OPENAI_API_KEY: shellKey(gateway), OPENAI_MODEL: gateway.model },
      command: ask("openai"),
    }),
    messages: (gateway) => ({
      env: { ANTHROPIC_BASE_URL: gateway.url, ANTHROPIC_API_KEY: shellKey(gateway), ANTHROPIC_MODEL: gateway.model },
      command: ask("anthropic"),
    }),
    gemini: (gateway) => ({
      env: { GOOGLE_GEMINI_BASE_URL: gateway.url, GEMINI_API_KEY: shellKey(gateway), GEMINI_MODEL: gateway.model },
      command: ask("gemini"),
    }),
  },
};
