// `tokligence admin providers disable|enable`: kept in the database, and in force at every gateway of it within a second. No server need run.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { openDesk } from "./desk.ts";
import { NAME_ARG } from "./rules.ts";

const define = (action: "disable" | "enable", description: string, done: string) =>
  defineCommand({
    meta: { name: action, description },
    args: { ...NAME_ARG, ...PLACE_ARGS },
    async run({ args }) {
      await runAtPlace(args, (place) => openDesk(place).act(args.name, action));
      if (args.json === true) return printJson({ provider: args.name, disabled: action === "disable" });
      print(`${args.name}: ${done}`);
    },
  });

export const disable = define(
  "disable",
  "Ask a provider nothing more, at any gateway, until it is enabled",
  "disabled until it is enabled; what runs ends as it would",
);
export const enable = define("enable", "Ask a provider again, whatever was disabled of it", "enabled");
