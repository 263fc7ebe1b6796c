// `tokligence admin audit …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "audit", description: "See who changed what, and prove that this record is whole" },
  subCommands: {
    export: () => import("./export.ts").then((module) => module.default),
    list: () => import("./list.ts").then((module) => module.default),
    verify: () => import("./verify.ts").then((module) => module.default),
  },
});
