// `tokligence admin cache …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "cache", description: "Show or empty the answers that are kept to be given again" },
  subCommands: {
    clear: () => import("./clear.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
  },
});
