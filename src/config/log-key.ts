// The rows of the table of settings that are about logging. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const LOG_KEYS = {
  log_file: {
    about: "Log file of both server and commands, rotated by day and size; - or unset: none",
    group: "log",
    type: syntax.plain,
    example: "logs/gateway.log",
    path: "log",
    restart: true,
  },
  log_file_cli: {
    about: "Log file of commands instead; -: none",
    group: "log",
    type: syntax.plain,
    example: "logs/gateway-cli.log",
    path: "log",
    restart: true,
  },
  log_file_daemon: {
    about: "Log file of the server instead; -: none",
    group: "log",
    type: syntax.plain,
    example: "logs/gatewayd.log",
    path: "log",
    restart: true,
  },
  log_level: {
    about: "debug, info, warn or error",
    group: "log",
    type: syntax.defineChoice(["debug", "info", "warn", "error"], {
      critical: "error",
      fatal: "error",
      information: "info",
      trace: "debug",
      warning: "warn",
    }),
    fallback: "info",
    usual: ["LOG_LEVEL"],
  },
} as const satisfies Record<string, Key>;
