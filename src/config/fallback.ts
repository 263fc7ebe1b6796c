// What settings are where nobody says: some follow from others. Knows no file.

import { join } from "node:path";
import { isDsn } from "./dsn.ts";
import type { Key, KeyName } from "./key.ts";

/** These are read first, in this order: others follow from them. */
export const FIRST: readonly KeyName[] = ["home", "identity_path", "ledger_path"];

export function deriveFallback(name: KeyName, values: Partial<Record<KeyName, unknown>>): Pick<Key, "fallback"> {
  const { home, identity_path: identity } = values;
  if (typeof home !== "string") return {};
  if (name === "ledger_key_file") return { fallback: placeKey(home, values.ledger_path) };
  if (name === "identity_path") return { fallback: join(home, "identity.db") };
  if (name === "cache_path") return { fallback: join(home, "cache.db") };
  if (name === "ledger_outbox") return { fallback: join(home, "outbox.db") };
  if (name !== "ledger_path") return {};
  return { fallback: typeof identity === "string" && isDsn(identity) ? identity : join(home, "ledger.db") };
}

/** Beside the ledger's file and under its name, so that two of them in one folder do not share it. */
function placeKey(home: string, ledger: unknown): string {
  if (typeof ledger !== "string" || isDsn(ledger)) return join(home, "ledger.key");
  return `${ledger.replace(/\.(?:db|sqlite3?)$/iu, "")}.key`;
}
