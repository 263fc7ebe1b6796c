// The door of the room: opens the database, or the two of them, that the configuration names. Knows no HTTP and no configuration files.

import type { AuditBooks } from "../audit/index.ts";
import type { AnswerStore } from "../gateway/answer-store.ts";
import type { BindingStore } from "../identity/object.ts";
import type { IdentityStore } from "../identity/store.ts";
import { GatewayError } from "../ir/index.ts";
import type { BudgetStore, Journal, LedgerStore } from "../ledger/index.ts";
import { createAnswerStore } from "./answer.ts";
import { createAuditStore } from "./audit.ts";
import { createBindingStore } from "./binding.ts";
import { createBudgetStore } from "./budget.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { createIdentityStore } from "./identity.ts";
import { type JournalOptions, type Shipper, createShipper } from "./journal.ts";
import { createLedgerStore } from "./ledger.ts";
import { locateLedger, readScheme } from "./location.ts";
import { type RecountStore, createRecountStore } from "./recount.ts";

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
  audit: AuditBooks;
  recounts: RecountStore;
  /** In the identity database, as they go with their owners. */
  answers: AnswerStore;
  bindings: BindingStore;
  /** Beside the ledger, which their counts are sums of. */
  budgets: BudgetStore;
  /** Of the identity database. */
  engine: "postgres" | "sqlite";
  /** Path of the ledger's file; null where it is no file. */
  ledgerFile: string | null;
  /** Where this process writes the books; one at a time. Throws a GatewayError that names the file. */
  openJournal(options: OpenJournalOptions): Promise<OpenJournal>;
  /** Rejects where a database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenJournalOptions extends Omit<JournalOptions, "location"> {
  /** Path of the file that rows go to first where the ledger is PostgreSQL. */
  outboxPath: string;
  after: (delayMs: number, action: () => void) => () => void;
  /** The ledger does not take what lies in the outbox; it is tried again. */
  onFault: (error: unknown) => void;
  onRecovery: () => void;
}

export interface OpenJournal {
  journal: Journal;
  /** Rows that are still to go on to the ledger's own database; 0 where the journal is the ledger. */
  waiting(): number;
  /** Delivers what waits, as far as that is possible in `limitMs`, and closes the file. */
  close(limitMs: number): Promise<void>;
}

/** How long a reader waits for rows that are on their way: one's own request is to be found on the books. */
const READ_WAIT_MS = 1_000;

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
  const together = locateLedger({ identityPath, ledgerPath }) === identityPath;
  const first = await openEngine({ location: identityPath, database });
  let second: Engine;
  try {
    second = together ? first : await openEngine({ location: ledgerPath, database });
  } catch (error) {
    await first.close();
    throw error;
  }
  const engines = together ? [first] : [first, second];
  const outgoing: { shipper: Shipper | null } = { shipper: null };
  const arrive = async (): Promise<void> => outgoing.shipper?.flush(READ_WAIT_MS);
  const budgets = createBudgetStore(second);
  return {
    identity: createIdentityStore(first),
    ledger: awaitShipment(createLedgerStore(second), arrive),
    recounts: createRecountStore(second, arrive),
    audit: createAuditStore(second),
    answers: createAnswerStore(first),
    bindings: createBindingStore(first),
    budgets: {
      ...budgets,
      async readSums(place) {
        await arrive();
        return budgets.readSums(place);
      },
    },
    engine: first.name,
    ledgerFile: second.name === "sqlite" ? (together ? identityPath : ledgerPath) : null,
    async openJournal({ outboxPath, after, onFault, onRecovery, ...options }) {
      const { openJournal } = await import("./sqlite/journal.ts");
      if (second.name === "sqlite") {
        const chest = openJournal({ ...options, location: together ? identityPath : ledgerPath });
        return { journal: chest, waiting: () => 0, close: async () => chest.close() };
      }
      await (await openSqlite({ location: outboxPath, database })).close();
      const chest = openJournal({ ...options, location: outboxPath });
      const shipper = createShipper({ chest, deliver: second.deliver, after, onFault, onRecovery });
      outgoing.shipper = shipper;
      shipper.nudge();
      return {
        journal: {
          ...chest,
          commit(batch) {
            const committed = chest.commit(batch);
            shipper.nudge();
            return committed;
          },
          keepHead(head) {
            chest.keepHead(head);
            shipper.nudge();
          },
        },
        waiting: shipper.waiting,
        async close(limitMs) {
          await shipper.stop(limitMs);
          outgoing.shipper = null;
          chest.close();
        },
      };
    },
    async ping() {
      await Promise.all(engines.map((engine) => engine.ping()));
    },
    async close() {
      await Promise.all(engines.map((engine) => engine.close()));
    },
  };
}

/** Who reads the books finds what this process wrote to them. */
function awaitShipment(ledger: LedgerStore, arrive: () => Promise<void>): LedgerStore {
  return {
    ...ledger,
    async page(...asked) {
      await arrive();
      return ledger.page(...asked);
    },
    async readOldest(...asked) {
      if (asked[2] === null) await arrive();
      return ledger.readOldest(...asked);
    },
    async report(query) {
      await arrive();
      return ledger.report(query);
    },
    async summarize(filter) {
      await arrive();
      return ledger.summarize(filter);
    },
  };
}

/** The ledger alone, as a thread of its own reads it: it is there already. */
export async function openLedger(location: string): Promise<LedgerStore & { close(): Promise<void> }> {
  const engine = await openEngine({ location, database: { maxConnections: 3, maxIdleMs: 60_000, maxLifetimeMs: 0 } });
  return { ...createLedgerStore(engine), close: engine.close };
}

function openEngine(options: EngineOptions): Promise<Engine> {
  const scheme = readScheme(options.location);
  if (Object.hasOwn(BY_SCHEME, scheme)) return BY_SCHEME[scheme as keyof typeof BY_SCHEME](options);
  throw new GatewayError({
    kind: "not_configured",
    message: `There is no database engine for "${scheme}://"; give a file path, or a DSN that begins with postgres://.`,
  });
}
