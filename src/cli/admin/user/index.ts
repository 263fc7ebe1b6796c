// `tokligence admin users …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "users", description: "Manage users" },
  subCommands: {
    create: () => import("./create.ts").then((module) => module.default),
    delete: () => import("./delete.ts").then((module) => module.default),
    import: () => import("./import.ts").then((module) => module.default),
    invite: () => import("./invite.ts").then((module) => module.default),
    list: () => import("./list.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
    status: () => import("./status.ts").then((module) => module.default),
    update: () => import("./update.ts").then((module) => module.default),
  },
});
