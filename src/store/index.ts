// The door of the room: opens the database, or the two of them, that the configuration names. Knows no HTTP and no configuration files.

import type { AnswerStore } from "../gateway/answer-store.ts";
import type { BindingStore } from "../identity/object.ts";
import type { IdentityStore } from "../identity/store.ts";
import { GatewayError } from "../ir/index.ts";
import type { LedgerStore } from "../ledger/store.ts";
import { createAnswerStore } from "./answer.ts";
import { createBindingStore } from "./binding.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { createIdentityStore } from "./identity.ts";
import { createLedgerStore } from "./ledger.ts";

export interface StoreOptions {
  /** A file path, or a postgres:// DSN. */
  identityPath: string;
  /** Likewise; a file path gives way where `identityPath` is a DSN, for one database is then meant. */
  ledgerPath: string;
  /** Of a PostgreSQL pool; milliseconds, 0 for no limit. */
  database: EngineOptions["database"];
}

export interface Store {
  identity: IdentityStore;
  ledger: LedgerStore;
  /** In the identity database, as they go with their owners. */
  answers: AnswerStore;
  bindings: BindingStore;
  /** Of the identity database. */
  engine: "postgres" | "sqlite";
  /** Rejects where a database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

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

/** Creates what is missing and brings the tables up to date. Throws a GatewayError that names the database and the remedy. */
export async function openStore({ identityPath, ledgerPath, database }: StoreOptions): Promise<Store> {
  const together = ledgerPath === identityPath || (readScheme(identityPath) !== "" && readScheme(ledgerPath) === "");
  const first = await openEngine({ location: identityPath, database });
  let second: Engine;
  try {
    second = together ? first : await openEngine({ location: ledgerPath, database });
  } catch (error) {
    await first.close();
    throw error;
  }
  const engines = together ? [first] : [first, second];
  return {
    identity: createIdentityStore(first),
    ledger: createLedgerStore(second),
    answers: createAnswerStore(first),
    bindings: createBindingStore(first),
    engine: first.name,
    async ping() {
      await Promise.all(engines.map((engine) => engine.ping()));
    },
    async close() {
      await Promise.all(engines.map((engine) => engine.close()));
    },
  };
}

function openEngine(options: EngineOptions): Promise<Engine> {
  const scheme = readScheme(options.location);
  if (Object.hasOwn(BY_SCHEME, scheme)) return BY_SCHEME[scheme as keyof typeof BY_SCHEME](options);
  throw new GatewayError({
    kind: "not_configured",
    message: `There is no database engine for "${scheme}://"; give a file path, or a DSN that begins with postgres://.`,
  });
}

/** Two letters at least: `C:\` is a path. */
function readScheme(location: string): string {
  return /^([a-z][a-z0-9+.-]+):\/\//i.exec(location)?.[1]?.toLowerCase() ?? "";
}
