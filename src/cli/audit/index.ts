// `tokligence audit …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "audit", description: "Check providers' bills against the books, and prove what the books say" },
  subCommands: {
    reconcile: () => import("./reconcile.ts").then((module) => module.default),
  },
});
