// The flags of every command that reads the configuration, and what they ask of it. Prints nothing.

import type { LoadOptions } from "../config/index.ts";
import { CliError, EXIT } from "./error.ts";

export const SHARED_ARGS = {
  config: { type: "string", description: "Folder or file of the configuration", valueHint: "PATH" },
  env: { type: "string", description: "Overlay to use: config/ENV/gateway.ini", valueHint: "ENV" },
  json: { type: "boolean", description: "Print JSON" },
} as const;

/** Of the commands that a gateway elsewhere answers as well as the database here. */
export const PLACE_ARGS = {
  ...SHARED_ARGS,
  url: {
    type: "string",
    description: "Work on the gateway at this address, not on the database here (or TOKLIGENCE_URL)",
    valueHint: "URL",
  },
  key: {
    type: "string",
    description: "API key for that gateway; better in TOKLIGENCE_KEY, as others here can read command lines",
    valueHint: "KEY",
  },
} as const;

/** Said of `--key` where it names a key that is spoken of, and there is no other word for the one that opens the gateway elsewhere. */
export const TOKEN_TOO = "with --url, a whole token (tok_…) is the key for that gateway instead";

export interface ConfigFlags {
  config?: string | undefined;
  env?: string | undefined;
  json?: boolean | undefined;
}

export interface PlaceFlags extends ConfigFlags {
  url?: string | undefined;
  key?: string | undefined;
}

export function toLoadOptions(flags: ConfigFlags): LoadOptions {
  return {
    cwd: findFolder(),
    env: process.env,
    flags: { config: flags.config, environment: flags.env },
  };
}

/** Where this was started. Throws a CliError where that was removed since. */
export function findFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new CliError("The folder that this is started in is not there any more.", {
      exitCode: EXIT.failed,
      hint: "Go to one that is: cd ~",
    });
  }
}
