// Where a ledger is, and which engine that takes. Opens nothing.

/** Two letters at least: `C:\` is a path. Empty for a file. */
export function readScheme(location: string): string {
  return /^([a-z][a-z0-9+.-]+):\/\//i.exec(location)?.[1]?.toLowerCase() ?? "";
}

/** A ledger's file gives way where the identities are in a database with a DSN: one database is then meant. */
export function locateLedger({ identityPath, ledgerPath }: { identityPath: string; ledgerPath: string }): string {
  return readScheme(identityPath) !== "" && readScheme(ledgerPath) === "" ? identityPath : ledgerPath;
}
