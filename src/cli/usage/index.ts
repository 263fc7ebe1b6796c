// `tokligence usage …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "usage", description: "Read the books" },
  subCommands: {
    breakdown: () => import("./breakdown.ts").then((module) => module.default),
    export: () => import("./export.ts").then((module) => module.default),
    logs: () => import("./logs.ts").then((module) => module.default),
    summary: () => import("./summary.ts").then((module) => module.default),
    timeseries: () => import("./timeseries.ts").then((module) => module.default),
  },
});
