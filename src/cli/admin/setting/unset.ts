// `tokligence admin settings unset`: takes back what was set while gateways ran; what files say holds again.

import { defineCommand } from "citty";
import { PLACE_ARGS } from "../../flags.ts";
import { SETTING_ARG, VERSION_ARG, change } from "./rules.ts";

export default defineCommand({
  meta: { name: "unset", description: "Take back a setting that was changed while gateways ran" },
  args: { ...SETTING_ARG, ...VERSION_ARG, ...PLACE_ARGS },
  run: ({ args }) => change(args, args.setting, null),
});
