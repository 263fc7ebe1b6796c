// The flags of every command that reads the configuration, and what they ask of it. Prints nothing.

import { homedir } from "node:os";
import type { LoadOptions } from "../config/index.ts";

export const SHARED_ARGS = {
  config: { type: "string", description: "Folder or file of the configuration", valueHint: "PATH" },
  env: { type: "string", description: "Overlay to use: config/ENV/gateway.ini", valueHint: "ENV" },
  json: { type: "boolean", description: "Print JSON" },
} as const;

export interface ConfigFlags {
  config?: string | undefined;
  env?: string | undefined;
  json?: boolean | undefined;
}

export function toLoadOptions(flags: ConfigFlags): LoadOptions {
  return {
    cwd: process.cwd(),
    env: process.env,
    homedir: homedir(),
    flags: { config: flags.config, environment: flags.env },
  };
}
