// The schema as postgres tables: what the migration generator and the queries use. Knows no columns of its own.

import { defineSchema } from "../schema.ts";
import { postgresKit } from "./columns.ts";

export const schema = defineSchema(postgresKit);
export const { users, apiKeys, ledgerEntries, objectBindings, storedResponses, storedItems, counters } = schema;
