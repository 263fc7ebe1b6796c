// `tokligence admin …`: a table of lazy imports.

import { defineCommand } from "citty";

export default defineCommand({
  meta: {
    name: "admin",
    description:
      "Manage users, their sessions and accounts elsewhere, API keys, budgets, rate limits, routes, providers, settings, sign-in links and the cache, see how providers are doing, and who changed what",
  },
  subCommands: {
    "api-keys": () => import("./api-key/index.ts").then((module) => module.default),
    audit: () => import("./audit/index.ts").then((module) => module.default),
    budgets: () => import("./budget/index.ts").then((module) => module.default),
    cache: () => import("./cache/index.ts").then((module) => module.default),
    doctor: () => import("../doctor/index.ts").then((module) => module.default),
    health: () => import("./health/index.ts").then((module) => module.default),
    identities: () => import("./identity/index.ts").then((module) => module.default),
    limits: () => import("./limit/index.ts").then((module) => module.default),
    "login-link": () => import("./login-link.ts").then((module) => module.default),
    providers: () => import("./provider/index.ts").then((module) => module.default),
    route: () => import("./route/index.ts").then((module) => module.default),
    routes: () => import("./route/index.ts").then((module) => module.default),
    sessions: () => import("./session/index.ts").then((module) => module.default),
    settings: () => import("./setting/index.ts").then((module) => module.default),
    users: () => import("./user/index.ts").then((module) => module.default),
  },
});
