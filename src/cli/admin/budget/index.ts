// `tokligence admin budgets …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "budgets", description: "Limit what calls may cost" },
  subCommands: {
    create: () => import("./create.ts").then((module) => module.default),
    delete: () => import("./delete.ts").then((module) => module.default),
    list: () => import("./list.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
    update: () => import("./update.ts").then((module) => module.default),
  },
});
