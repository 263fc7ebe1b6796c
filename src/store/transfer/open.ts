// Opens an end of a move by its location. Knows no table.

import { existsSync } from "node:fs";
import { GatewayError } from "../../ir/index.ts";
import { readScheme } from "../location.ts";
import type { End } from "./end.ts";

/** Throws a GatewayError where the location says neither a file nor a DSN of ours. */
export async function openEnd(location: string, isTarget: boolean): Promise<End> {
  const scheme = readScheme(location);
  if (scheme === "") return (await import("../sqlite/transfer.ts")).openSqliteEnd({ location, isTarget });
  if (scheme === "postgres" || scheme === "postgresql")
    return (await import("../postgres/transfer.ts")).openPostgresEnd({ location, isTarget });
  throw new GatewayError({
    kind: "invalid_request",
    message: `There is no database engine for "${scheme}://"; give a file path, or a DSN that begins with postgres://.`,
  });
}

/** A database of ours with its tables up to date; throws a GatewayError where it is none. */
export async function openSource(location: string): Promise<End> {
  if (readScheme(location) === "" && !existsSync(location)) throw refuseMissing(location);
  const end = await openEnd(location, false);
  try {
    await checkOwn(end);
    await end.prepare();
    return end;
  } catch (error) {
    await end.close();
    throw error;
  }
}

async function checkOwn(end: End): Promise<void> {
  const kind = await end.look();
  if (kind === "ours") return;
  if (kind === "empty") throw refuseMissing(end.place);
  const message =
    kind === "older-edition"
      ? `${end.place} is a database of the earlier edition; tokligence migrate import-legacy reads those that are SQLite files.`
      : `${end.place} holds none of this program's tables; give the file or the DSN that identity_path or ledger_path named.`;
  throw new GatewayError({ kind: "invalid_request", code: "source_foreign", message });
}

function refuseMissing(place: string): GatewayError {
  return new GatewayError({
    kind: "not_found",
    code: "source_missing",
    message: `There is no database at ${place}; give the file or the DSN that identity_path or ledger_path named.`,
  });
}
