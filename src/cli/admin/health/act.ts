// `tokligence admin health drain|disable|enable|reset`: the running gateway is told, and does so at once.

import { defineCommand } from "citty";
import { TOKEN_TOO } from "../../flags.ts";
import { print, printJson } from "../../output.ts";
import { splitKey } from "../../remote/target.ts";
import { GATEWAY_ARGS, askGateway } from "./gateway.ts";
import type { PrintedProvider } from "./list.ts";

const define = (action: string, description: string, done: string) =>
  defineCommand({
    meta: { name: action, description },
    args: {
      ...GATEWAY_ARGS,
      provider: { type: "string", required: true, description: "Name of the provider", valueHint: "NAME" },
      model: { type: "string", description: "Only this model of it, as the provider calls it", valueHint: "MODEL" },
      key: { type: "string", description: `Only this one of its keys, by its label; ${TOKEN_TOO}`, valueHint: "LABEL" },
    },
    async run({ args }) {
      const { flags, named: key } = splitKey(args);
      const { provider, model } = args;
      const path = `/api/v1/admin/health/providers/${encodeURIComponent(provider)}/${action}`;
      const body = { ...(model === undefined ? {} : { model }), ...(key === undefined ? {} : { key }) };
      const answer = await askGateway<{ provider: PrintedProvider }>(flags, { method: "POST", path, body }, "provider");
      if (args.json === true) return printJson(answer);
      const about = [
        provider,
        ...(model === undefined ? [] : [`model ${model}`]),
        ...(key === undefined ? [] : [`key ${key}`]),
      ];
      print(`${about.join(", ")}: ${done}`);
    },
  });

export const disable = define(
  "disable",
  "Ask a provider nothing more, also after a restart, until it is enabled",
  "disabled until it is enabled; what runs ends as it would",
);
export const drain = define(
  "drain",
  "Ask a provider nothing new until it is enabled or the gateway starts again",
  "drained until it is enabled or the gateway starts again; what runs ends as it would",
);
export const enable = define("enable", "Ask a provider again, whatever was drained or disabled of it", "enabled");
export const reset = define(
  "reset",
  "Forget that a provider or its keys failed: they are asked at once",
  "asked again as if it had never failed",
);
