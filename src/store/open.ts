// Opens the engine that a location's scheme names. Knows no table.

import { GatewayError } from "../ir/index.ts";
import { type Deferred, defer } from "./deferred.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { readScheme } from "./location.ts";
import { INDEX_PART } from "./transfer/account.ts";
import type { Shipment } from "./shipper.ts";

const openSqlite = async (options: EngineOptions): Promise<Engine> =>
  (await import("./sqlite/open.ts")).openSqlite(options);
const openPostgres = async (options: EngineOptions): Promise<Engine> =>
  (await import("./postgres/open.ts")).openPostgres(options);

/** By the scheme of a URL; what has none is a file. An engine is loaded when it is opened. */
const BY_SCHEME = {
  "": openSqlite,
  postgres: openPostgres,
  postgresql: openPostgres,
} as const satisfies Record<string, (options: EngineOptions) => Promise<Engine>>;

/** Throws a GatewayError that names the database and the remedy. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const scheme = readScheme(options.location);
  if (Object.hasOwn(BY_SCHEME, scheme)) {
    const engine = await BY_SCHEME[scheme as keyof typeof BY_SCHEME](options);
    if (await isWhole(engine)) return engine;
    await engine.close();
    throw refuseHalf(scheme === "" ? options.location : "The PostgreSQL database");
  }
  throw new GatewayError({
    kind: "not_configured",
    message: `There is no database engine for "${scheme}://"; give a file path, or a DSN that begins with postgres://.`,
  });
}

/** Half of a copy holds half of the books, and a gateway would go on from there. */
async function isWhole(engine: Engine): Promise<boolean> {
  const ask = async (sql: string): Promise<boolean> =>
    (await engine.readValues(() => ({ toSQL: () => ({ sql, params: [] }) }))).length > 0;
  const isCopy = await ask(
    engine.name === "sqlite"
      ? "select 1 from sqlite_master where type = 'table' and name = 'tokligence_copies'"
      : "select 1 where to_regclass('tokligence_copies') is not null",
  );
  return !isCopy || !(await ask(`select 1 from tokligence_copies where part like '${INDEX_PART}%' limit 1`));
}

function refuseHalf(place: string): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "copy_unfinished",
    message: `${place} is a copy that has not come to its end: run tokligence migrate copy again with the same --from and --to, until it says that both sides are the same.`,
  });
}

export type Opening = Pick<Deferred, "engine" | "missing">;

/** A PostgreSQL of the ledger's own is opened when it is needed: much can be done without it. A server looks at once, so as to say what is wrong. */
export async function openOwn(options: EngineOptions, isServer: boolean): Promise<Opening> {
  if (readScheme(options.location) === "") return { engine: await openEngine(options), missing: () => null };
  const { schema } = await import("./postgres/schema.ts");
  const own = await import("./postgres/sheet.ts");
  const deferred = defer({ name: "postgres", schema, sheets: own.sheets, values: own.readValues }, () =>
    openEngine(options),
  );
  if (isServer) await deferred.tryNow();
  return deferred;
}

/** For a thread that ships rows: the database is opened when the first are there, and again where that failed. */
export function openDelivery(options: EngineOptions): {
  deliver(shipment: Shipment): Promise<void>;
  close(): Promise<void>;
} {
  let opening: Promise<Engine> | null = null;
  return {
    async deliver(shipment) {
      opening ??= openEngine(options);
      let engine: Engine;
      try {
        engine = await opening;
      } catch (error) {
        opening = null;
        throw error;
      }
      await engine.deliver(shipment);
    },
    async close() {
      await opening?.then(({ close }) => close()).catch(() => undefined);
    },
  };
}
