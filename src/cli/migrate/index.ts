// `tokligence migrate …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: {
    name: "migrate",
    description: "Move users, keys and books between databases, and prove that nothing was lost",
  },
  subCommands: {
    copy: () => import("./copy.ts").then((module) => module.default),
    export: () => import("./export.ts").then((module) => module.default),
    "import-legacy": () => import("./import-legacy.ts").then((module) => module.default),
    verify: () => import("./verify.ts").then((module) => module.default),
  },
});
