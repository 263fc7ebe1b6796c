// `tokligence ledger …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: {
    name: "ledger",
    description: "Prove the books, price them anew, and make their sums anew",
  },
  subCommands: {
    heads: () => import("./heads.ts").then((module) => module.default),
    key: () => import("./key.ts").then((module) => module.default),
    rebuild: () => import("./rebuild.ts").then((module) => module.default),
    reprice: () => import("./reprice.ts").then((module) => module.default),
    verify: () => import("./verify.ts").then((module) => module.default),
  },
});
