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
import { type Deferred, defer } from "./deferred.ts";
import type { Engine, EngineOptions } from "./engine.ts";
import { createIdentityStore } from "./identity.ts";
import { type Adopted, type Chest, type JournalOptions, type Shipper, createShipper } from "./journal.ts";
import { createLedgerStore } from "./ledger.ts";
import { locateLedger, readScheme } from "./location.ts";
import { type OutboxLimits, boundOutbox } from "./outbox.ts";
import type { Checkpoints } from "./sqlite/checkpoint.ts";
import { type RecountStore, createRecountStore } from "./recount.ts";

export interface StoreOptions {
  /** A file path, or a postgres:// DSN. */
  identityPath: string;
  /** Likewise; a file path gives way where `identityPath` is a DSN, for one database is then meant. */
  ledgerPath: string;
  /** Of a PostgreSQL pool; milliseconds, 0 for no limit. */
  database: EngineOptions["database"];
  /**
   * For whoever runs for long: SQLite files are kept tidy by a thread, and a ledger on PostgreSQL that does not answer is opened later,
   * for rows go to the outbox.
   */
  isServer?: boolean;
}

export type { Adopted } from "./journal.ts";

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
  /** Why the ledger's database is not open yet; null where it is. */
  missing(): GatewayError | null;
  /** Rejects where a database does not answer without which requests cannot be served. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenJournalOptions extends Omit<
  JournalOptions,
  "checkpoints" | "connect" | "location" | "reserveBytes"
> {
  /** Path of the file that rows go to first where the ledger is PostgreSQL. */
  outboxPath: string;
  outbox?: OutboxLimits;
  after: (delayMs: number, action: () => void) => () => void;
  /** The ledger does not take what lies in the outbox; it is tried again. */
  onFault: (error: unknown) => void;
  onRecovery: () => void;
  /** A SQLite file's log could not be moved into it; it is tried again. */
  onCheckpointFault?: (error: Error) => void;
}

export interface OpenJournal {
  journal: Journal;
  /** Rows that are still to go on to the ledger's own database; 0 where the journal is the ledger. */
  waiting(): number;
  /** Why no new call may be taken on although rows can be written; null where they may. */
  refusal(): Error | null;
  /** Intents of processes that are gone, while this one runs on. */
  adopt(): Adopted;
  /** Delivers what waits, as far as that is possible in `limitMs`, and closes the file. */
  close(limitMs: number): Promise<void>;
}

/** Of a server's disk: rows of a thousand calls, and the pages that each commit of them touches. */
const RESERVE_BYTES = 8 * 1024 * 1024;

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
export async function openStore({
  identityPath,
  ledgerPath,
  database,
  isServer = false,
}: StoreOptions): Promise<Store> {
  const together = locateLedger({ identityPath, ledgerPath }) === identityPath;
  const checkpoints = isServer ? "thread" : "own";
  const first = await openEngine({ location: identityPath, database, checkpoints });
  let later: Opening | null = null;
  try {
    if (!together) later = await openOwn({ location: ledgerPath, database, checkpoints }, isServer);
  } catch (error) {
    await first.close();
    throw error;
  }
  const second = later?.engine ?? first;
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
    async openJournal({ outboxPath, onCheckpointFault = () => undefined, ...options }) {
      const isFile = second.name === "sqlite";
      const location = isFile ? (together ? identityPath : ledgerPath) : outboxPath;
      if (!isFile) await (await openSqlite({ location, database })).close();
      const { openJournal } = await import("./sqlite/journal.ts");
      const chest = openJournal({ ...options, location, checkpoints, reserveBytes: isServer ? RESERVE_BYTES : 0 });
      const files = new Set(readScheme(identityPath) === "" ? [identityPath, location] : [location]);
      const tidying = isServer ? await startTidying([...files], onCheckpointFault) : null;
      const opened = isFile ? openDirectly(chest) : openOutbox(chest, second, options);
      outgoing.shipper = opened.shipper;
      return {
        ...opened,
        adopt: chest.adopt,
        async close(limitMs) {
          await opened.shipper?.stop(limitMs);
          outgoing.shipper = null;
          await tidying?.stop();
          chest.close();
        },
      };
    },
    missing: () => later?.missing() ?? null,
    // With a ledger elsewhere that does not answer, rows go to the outbox, and requests are served.
    ping: () =>
      second.name === "sqlite" ? Promise.all([first.ping(), second.ping()]).then(() => undefined) : first.ping(),
    async close() {
      await Promise.all([first.close(), later?.engine.close()]);
    },
  };
}

/** A PostgreSQL of the ledger's own is opened when it is needed: much can be done without it. A server looks at once, so as to say what is wrong. */
async function openOwn(options: EngineOptions, isServer: boolean): Promise<Opening> {
  if (readScheme(options.location) === "") return { engine: await openEngine(options), missing: () => null };
  const { schema } = await import("./postgres/schema.ts");
  const deferred = defer({ name: "postgres", schema }, () => openEngine(options));
  if (isServer) await deferred.tryNow();
  return deferred;
}

type Opening = Pick<Deferred, "engine" | "missing">;

async function startTidying(files: readonly string[], onFault: (error: Error) => void): Promise<Checkpoints> {
  const { startCheckpoints } = await import("./sqlite/checkpoint.ts");
  return startCheckpoints(files, onFault);
}

type Opened = Pick<OpenJournal, "journal" | "refusal" | "waiting"> & { shipper: Shipper | null };

/** The file is the ledger. */
function openDirectly(chest: Chest): Opened {
  return { journal: chest, waiting: () => 0, refusal: () => null, shipper: null };
}

const NO_LIMITS: OutboxLimits = { maxBytes: 0, whenFull: "grow" };

/** The file is on the way to the ledger. */
function openOutbox(
  chest: Chest,
  { deliver }: Engine,
  {
    outbox: limits = NO_LIMITS,
    after,
    onFault,
    onRecovery,
  }: Pick<OpenJournalOptions, "after" | "onFault" | "onRecovery" | "outbox">,
): Opened {
  const outbox = boundOutbox(chest, limits);
  const shipper = createShipper({ chest: outbox, deliver, after, onFault, onRecovery });
  shipper.nudge();
  return {
    journal: {
      ...outbox,
      commit(batch) {
        const committed = outbox.commit(batch);
        shipper.nudge();
        return committed;
      },
      keepHead(head) {
        outbox.keepHead(head);
        shipper.nudge();
      },
    },
    waiting: outbox.countWaiting,
    refusal: outbox.refusal,
    shipper,
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
