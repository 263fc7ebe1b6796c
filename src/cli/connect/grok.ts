// Grok CLI, which does not stream and sends one field of xAI's that others refuse: it is left out where it must be.
// https://github.com/superagent-ai/grok-cli

import { type Guide, PROMPT, shellKey } from "./guide.ts";

export const grok: Guide = {
  about: "Grok CLI",
  packages: ["@vibe-kit/grok-cli@0.0.34"],
  installer: "npm --global",
  apis: {
    chat: (gateway) => ({
      command: ["grok", "-k", shellKey(gateway), "-u", `${gateway.url}/v1`, "-m", gateway.model, "-p", PROMPT],
    }),
  },
};
