// `tokligence admin health …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "health", description: "See how providers are doing, and take them out of service" },
  subCommands: {
    disable: () => import("./act.ts").then((module) => module.disable),
    drain: () => import("./act.ts").then((module) => module.drain),
    enable: () => import("./act.ts").then((module) => module.enable),
    list: () => import("./list.ts").then((module) => module.default),
    reset: () => import("./act.ts").then((module) => module.reset),
  },
});
