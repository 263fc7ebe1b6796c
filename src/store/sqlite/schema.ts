// The schema as sqlite tables: what the migration generator and the queries use. Knows no columns of its own.

import { defineSchema } from "../schema.ts";
import { sqliteKit } from "./columns.ts";

export const schema = defineSchema(sqliteKit);
export const { users, apiKeys, ledgerEntries, objectBindings, storedResponses, storedItems, counters } = schema;
