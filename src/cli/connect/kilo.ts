// Kilo, a coding agent made from opencode. https://kilo.ai/docs

import { type Api, type Gateway, type Guide, PROMPT, printJsonFile, type Setup, shellKey } from "./guide.ts";
import { declareProvider } from "./opencode.ts";

const setUp =
  (api: Api) =>
  (gateway: Gateway): Setup => ({
    files: { "~/.config/kilo/kilo.json": printJsonFile(declareProvider(api, gateway)) },
    env: { TOKLIGENCE_KEY: shellKey(gateway) },
    command: ["kilo", "run", "--auto", "-m", `tokligence/${gateway.model}`, PROMPT],
  });

export const kilo: Guide = {
  about: "Kilo CLI",
  packages: ["@kilocode/cli@7.7.7"],
  installer: "npm --global",
  apis: { chat: setUp("chat"), responses: setUp("responses"), messages: setUp("messages"), gemini: setUp("gemini") },
};
