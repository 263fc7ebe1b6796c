// What must be copied so that nothing is lost with the machine: the gateway makes no backups by itself.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Check, note } from "./finding.ts";

export const checkBackup: Check = async ({ config }) => {
  const files = [config.identityPath, config.ledgerPath, config.ledger.keyFile, join(config.home, "secret.key")].filter(
    (path) => !path.includes("://") && existsSync(path),
  );
  if (files.length === 0) return [];
  return [
    note("backup", {
      found: `the gateway keeps no copy of ${files.join(", ")}`,
      why: "With the disk go users, keys, the books and what proves them.",
      remedy:
        'Copy them elsewhere: databases by "sqlite3 FILE .backup" or "tokligence migrate export", keys apart from these.',
    }),
  ];
};
