// `tokligence admin settings set`: changes a setting above the files. A running server takes it up within a second.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { SETTING_ARG, VERSION_ARG, change } from "./rules.ts";

export default defineCommand({
  meta: { name: "set", description: "Change a setting while gateways run; the environment and flags stand above it" },
  args: {
    ...SETTING_ARG,
    value: { type: "positional", description: "Its value, as a file would say it", required: true },
    ...VERSION_ARG,
    ...PLACE_ARGS,
  },
  run: ({ args }) => change(args, args.setting, args.value),
});
