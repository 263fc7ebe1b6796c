// `tokligence audit …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "audit", description: "Check providers' bills against the books, and prove what the books say" },
  subCommands: {
    pack: () => import("./pack.ts").then((module) => module.default),
    reconcile: () => import("./reconcile.ts").then((module) => module.default),
    tokens: () => import("./tokens.ts").then((module) => module.default),
    verify: () => import("./verify.ts").then((module) => module.default),
  },
});
