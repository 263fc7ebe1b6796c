// `tokligence admin routes …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "routes", description: "Declare routes while the gateway runs, with history and rollback" },
  subCommands: {
    delete: () => import("./delete.ts").then((module) => module.default),
    history: () => import("./history.ts").then((module) => module.default),
    list: () => import("./list.ts").then((module) => module.default),
    rollback: () => import("./rollback.ts").then((module) => module.default),
    set: () => import("./set.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
  },
});
