// `tokligence admin …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: { name: "admin", description: "Manage users, API keys, budgets and sign-in links" },
  subCommands: {
    "api-keys": () => import("./api-key/index.ts").then((module) => module.default),
    budgets: () => import("./budget/index.ts").then((module) => module.default),
    "login-link": () => import("./login-link.ts").then((module) => module.default),
    users: () => import("./user/index.ts").then((module) => module.default),
  },
});
