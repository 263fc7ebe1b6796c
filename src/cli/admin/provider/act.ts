// `tokligence admin providers disable|enable`: kept in the database, and in force at every gateway of it within a second. No server need run.

import { defineCommand } from "citty";
import { openControls } from "../../../gateway/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { byOperator, runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";
import { NAME_ARG, findStanding } from "./rules.ts";

const define = (action: "disable" | "enable", description: string, done: string) =>
  defineCommand({
    meta: { name: action, description },
    args: { ...NAME_ARG, ...SHARED_ARGS },
    async run({ args }) {
      await runWithStore(args, async (opened) => {
        const { name } = await findStanding(opened, args.name);
        const place = { provider: name, account: null, model: null };
        const controls = await openControls(opened.store.controls);
        if (action === "enable") await controls.lift(place, byOperator());
        else await controls.put({ ...place, action, sinceMs: Date.now(), by: "operator" }, byOperator());
      });
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
