// Codex, OpenAI's coding agent: speaks Responses only. https://developers.openai.com/codex/config-reference

import { type Guide, PROMPT, shellKey } from "./guide.ts";

export const codex: Guide = {
  about: "Codex CLI",
  packages: ["@openai/codex@0.171.0"],
  installer: "npm --global",
  apis: {
    responses: (gateway) => ({
      files: {
        "~/.codex/config.toml": [
          `model = ${JSON.stringify(gateway.model)}`,
          'model_provider = "tokligence"',
          "",
          "[model_providers.tokligence]",
          'name = "Tokligence Gateway"',
          `base_url = "${gateway.url}/v1"`,
          'env_key = "TOKLIGENCE_KEY"',
          'wire_api = "responses"',
          "",
        ].join("\n"),
      },
      env: { TOKLIGENCE_KEY: shellKey(gateway) },
      command: ["codex", "exec", "--skip-git-repo-check", PROMPT],
    }),
  },
};
