// `tokligence admin settings …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "settings", description: "Show the settings in effect, and change those that take effect at once" },
  subCommands: {
    list: () => import("./list.ts").then((module) => module.default),
    set: () => import("./set.ts").then((module) => module.default),
    unset: () => import("./unset.ts").then((module) => module.default),
  },
});
