// Cline's command line. https://docs.cline.bot/cline-cli

import { type Guide, PROMPT, shellKey } from "./guide.ts";

export const cline: Guide = {
  about: "Cline CLI",
  packages: ["cline@3.0.65"],
  installer: "npm --global",
  apis: {
    chat: (gateway) => ({
      before: [
        ["cline", "auth", "-p", "openai", "-k", shellKey(gateway), "-m", gateway.model, "-b", `${gateway.url}/v1`],
      ],
      command: ["cline", PROMPT],
    }),
  },
};
