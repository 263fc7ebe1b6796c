// `tokligence admin api-keys …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "api-keys", description: "Manage API keys" },
  subCommands: {
    create: () => import("./create.ts").then((module) => module.default),
    delete: () => import("./delete.ts").then((module) => module.default),
    list: () => import("./list.ts").then((module) => module.default),
    revoke: () => import("./revoke.ts").then((module) => module.default),
    rotate: () => import("./rotate.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
    update: () => import("./update.ts").then((module) => module.default),
  },
});
