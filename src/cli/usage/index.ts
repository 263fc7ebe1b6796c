// `tokligence usage …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "usage", description: "Read the books" },
  subCommands: {
    logs: () => import("./logs.ts").then((module) => module.default),
    summary: () => import("./summary.ts").then((module) => module.default),
  },
});
