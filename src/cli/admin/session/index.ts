// `tokligence admin sessions …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "sessions", description: "Show who is signed in, and sign people out" },
  subCommands: {
    list: () => import("./list.ts").then((module) => module.default),
    revoke: () => import("./revoke.ts").then((module) => module.default),
  },
});
