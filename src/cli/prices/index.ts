// `tokligence prices …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "prices", description: "Show which prices apply, and renew them" },
  subCommands: {
    list: () => import("./list.ts").then((module) => module.default),
    refresh: () => import("./refresh.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
  },
});
