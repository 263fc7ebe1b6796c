// The schema as sqlite tables: what the migration generator and the queries use. Knows no columns of its own.

import { defineSchema } from "../schema.ts";
import { sqliteKit } from "./columns.ts";

export const schema = defineSchema(sqliteKit);
/** Each by its name: the migration generator looks for tables among the exports. */
export const {
  users,
  apiKeys,
  sessions,
  loginLinks,
  outsideIdentities,
  signInErrands,
  ledgerEntries,
  ledgerIntents,
  ledgerPlaces,
  ledgerRefused,
  ledgerChains,
  ledgerHeads,
  ledgerRecounts,
  ledgerPayloads,
  ledgerRollups,
  ledgerHours,
  ledgerMarks,
  budgets,
  budgetGrants,
  budgetAlerts,
  budgetRemains,
  objectBindings,
  routeVersions,
  storedResponses,
  storedItems,
  counters,
  providerControls,
  auditChanges,
  auditChain,
  auditHeads,
  providerVersions,
  providerSecrets,
  rateLimits,
  runtimeSettings,
} = schema;
