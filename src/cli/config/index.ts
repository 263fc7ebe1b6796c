// `tokligence config …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "config", description: "Show and check the configuration" },
  subCommands: {
    show: () => import("./show.ts").then((module) => module.default),
    validate: () => import("./validate.ts").then((module) => module.default),
  },
});
