// Gemini CLI, Google's coding agent: by the address alone it chooses a way of signing in that it then refuses, hence the file.
// https://github.com/google-gemini/gemini-cli/blob/main/docs/get-started/configuration.md

import { type Guide, PROMPT, printJsonFile, shellKey } from "./guide.ts";

export const geminiCli: Guide = {
  about: "Gemini CLI",
  packages: ["@google/gemini-cli@0.61.0"],
  installer: "npm --global",
  apis: {
    gemini: (gateway) => ({
      files: {
        "~/.gemini/settings.json": printJsonFile({ security: { auth: { selectedType: "gemini-api-key" } } }),
      },
      env: { GOOGLE_GEMINI_BASE_URL: gateway.url, GEMINI_API_KEY: shellKey(gateway), GEMINI_MODEL: gateway.model },
      // Without a person who trusts the folder, it would not run.
      command: ["gemini", "--skip-trust", "-p", PROMPT],
    }),
  },
};
