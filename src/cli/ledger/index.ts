// `tokligence ledger …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "ledger", description: "Work on the books" },
  subCommands: {
    reprice: () => import("./reprice.ts").then((module) => module.default),
  },
});
