// `tokligence serve` (and `gatewayd`): the daemon in the foreground. Loads the daemon only after the process has its final form.

import { defineCommand } from "citty";
import { renewProcess } from "./renew.ts";

export default defineCommand({
  meta: { name: "serve", description: "Run the gateway in the foreground" },
  args: {
    config: { type: "string", description: "Folder or file of the configuration", valueHint: "PATH" },
    env: { type: "string", description: "Overlay to use: config/ENV/gateway.ini", valueHint: "ENV" },
    "http-address": { type: "string", description: "Address to listen on, such as :8081", valueHint: "ADDRESS" },
    "log-level": { type: "string", description: "debug, info, warn or error", valueHint: "LEVEL" },
    json: { type: "boolean", description: "Log as JSON lines also at a terminal" },
  },
  async run({ args }) {
    const exitCode = await renewProcess();
    if (exitCode !== null) {
      process.exitCode = exitCode;
      return;
    }
    const { serveInForeground } = await import("./foreground.ts");
    const flags = {
      config: args.config,
      environment: args.env,
      http_address: args["http-address"],
      log_level: args["log-level"],
    };
    await serveInForeground(flags, args.json === true);
  },
});
