// `tokligence admin identities …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "identities", description: "See and disconnect users' accounts at the identity provider" },
  subCommands: {
    delete: () => import("./delete.ts").then((module) => module.default),
    list: () => import("./list.ts").then((module) => module.default),
  },
});
