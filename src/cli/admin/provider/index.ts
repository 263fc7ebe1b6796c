// `tokligence admin providers …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "providers", description: "Add providers and set their keys while the gateway runs, and try them" },
  subCommands: {
    add: () => import("./add.ts").then((module) => module.default),
    disable: () => import("./act.ts").then((module) => module.disable),
    enable: () => import("./act.ts").then((module) => module.enable),
    history: () => import("./history.ts").then((module) => module.default),
    list: () => import("./list.ts").then((module) => module.default),
    remove: () => import("./remove.ts").then((module) => module.default),
    rollback: () => import("./rollback.ts").then((module) => module.default),
    "rotate-secret": () => import("./rotate-secret.ts").then((module) => module.default),
    "set-key": () => import("./set-key.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
    test: () => import("./test.ts").then((module) => module.default),
  },
});
