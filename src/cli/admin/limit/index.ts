// `tokligence admin limits …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "limits", description: "Limit how many requests and tokens a minute, and how many requests at once" },
  subCommands: {
    delete: () => import("./delete.ts").then((module) => module.default),
    list: () => import("./list.ts").then((module) => module.default),
    set: () => import("./set.ts").then((module) => module.default),
    show: () => import("./show.ts").then((module) => module.default),
  },
});
