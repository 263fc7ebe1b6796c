// The door of the room: opens the database, or the two of them, that the configuration names. Knows no HTTP and no configuration files.

import type { ChangeBook } from "../audit/change/book.ts";
import type { AuditBooks } from "../audit/index.ts";
import type { AnswerStore } from "../gateway/answer-store.ts";
import type { ControlStore } from "../gateway/way/control.ts";
import type { ProviderStore } from "../gateway/declared/book.ts";
import type { LimitStore } from "../gateway/limit/model.ts";
import type { RouteStore } from "../gateway/way/book.ts";
import type { BindingStore } from "../identity/object.ts";
import type { IdentityStore } from "../identity/store.ts";
import type { GatewayError } from "../ir/index.ts";
import type { BookRules, BudgetStore, LedgerStore } from "../ledger/index.ts";
import { createAnswerStore } from "./answer.ts";
import { createAuditStore } from "./audit.ts";
import { createBindingStore } from "./binding.ts";
import type { Change, Origin } from "../lib/change.ts";
import { createRedactor } from "../lib/redact.ts";
import { createBudgetStore } from "./budget.ts";
import { tellChanges } from "./change.ts";
import { createChangeBook } from "./change-book.ts";
import { createControlStore } from "./control.ts";
import type { EngineOptions } from "./engine.ts";
import { createIdentityStore } from "./identity.ts";
import type { JournalOptions, OpenJournal } from "./journal/open.ts";
import { createLedgerStore } from "./ledger.ts";
import { createLimitStore } from "./limit.ts";
import { type SettingStore, createSettingStore } from "./setting.ts";
import { locateLedger, readScheme } from "./location.ts";
import { openEngine, type Opening, openOwn } from "./open.ts";
import type { CheckpointHearer, Checkpoints } from "./sqlite/checkpoint.ts";
import { createProviderStore } from "./provider.ts";
import { createRouteStore } from "./route.ts";
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
  /** For a command: rows that lie in journals beside a ledger's file are bound before it is read. */
  rules?: BookRules;
  /** Likewise, where the ledger is no file: of rows that are still on their way to it, whoever reads is warned. */
  outboxPath?: string;
  /** Known ones: none of them gets into what is recorded of changes. */
  secrets?: readonly string[];
  /** Something that the reader of a ledger's file should know, in words. */
  onWarning?: (words: string) => void;
}

export type { Tiding } from "./bindery.ts";
export type { BinderyOrder } from "./bindery-serve.ts";
export type { Bindery, BinderyState } from "./bindery.ts";
export { isPlaceTaken } from "./error.ts";
export type { Place } from "./journal/disk.ts";
export type { OpenJournal } from "./journal/open.ts";
export type { ChainOrigin } from "./journal/segment.ts";
export type { SettingRow, SettingStore } from "./setting.ts";

export interface Store {
  identity: IdentityStore;
  ledger: LedgerStore;
  audit: AuditBooks;
  recounts: RecountStore;
  /** In the identity database, as they go with their owners. */
  answers: AnswerStore;
  bindings: BindingStore;
  /** What of the providers is out of service; there, too. */
  controls: ControlStore;
  routes: RouteStore;
  changes: ChangeStore;
  /** Providers that are declared while the gateway runs; there, too. */
  providers: ProviderStore;
  limits: LimitStore;
  /** Settings that were changed while the gateway runs. */
  settings: SettingStore;
  /** Beside the ledger, which their counts are sums of. */
  budgets: BudgetStore;
  /** Of the identity database. */
  engine: "postgres" | "sqlite";
  /** Path of the ledger's file; null where it is no file. */
  ledgerFile: string | null;
  ledgerPlace: LedgerPlace;
  /** Resolves once what this process wrote to the books is there for those who read them, or after a second, if nothing else is said. */
  arrive(limitMs?: number): Promise<void>;
  /** Where this process writes the books; one at a time. Throws a GatewayError that names the file. */
  openJournal(options: OpenJournalOptions): Promise<OpenJournal>;
  /** Why the ledger's database is not open yet; null where it is. */
  missing(): GatewayError | null;
  /** Rejects where a database does not answer without which requests cannot be served. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface ChangeStore extends ChangeBook {
  /** Records what changed outside of a database, or in several statements; what a statement changes is recorded with it. */
  tell(by: Origin, change: Change): Promise<void>;
  /** From now on these are the known secrets. */
  hide(secrets: readonly string[]): void;
}

export interface OpenJournalOptions extends Pick<
  JournalOptions,
  | "after"
  | "askGuests"
  | "durability"
  | "findArrived"
  | "findHead"
  | "host"
  | "key"
  | "limits"
  | "now"
  | "onState"
  | "onTiding"
  | "rules"
> {
  /** Path of the file that rows go to first where the ledger is PostgreSQL. */
  outboxPath: string;
  /** Where rows are bound; without it, on this thread. */
  startThread?: (() => Worker) | undefined;
  /** With `host`, in its place: the way to who binds. */
  startElsewhere?: JournalOptions["start"];
  /** A SQLite file's log could not be moved into it; it is tried again. */
  onCheckpointFault?: CheckpointHearer["onFault"];
  /** What was told of that file is over. */
  onCheckpointRecover?: CheckpointHearer["onRecover"];
}

/** Of a server's disk: rows of a thousand calls, and the pages that each commit of them touches. */
const RESERVE_BYTES = 8 * 1024 * 1024;

/** How long a reader waits for rows that are on their way: one's own request is to be found on the books. */
const READ_WAIT_MS = 1_000;

/** Creates what is missing and brings the tables up to date. Throws a GatewayError that names the database and the remedy. */
export async function openStore({
  identityPath,
  ledgerPath,
  database,
  isServer = false,
  secrets = [],
  rules,
  outboxPath,
  onWarning = () => undefined,
}: StoreOptions): Promise<Store> {
  const together = locateLedger({ identityPath, ledgerPath }) === identityPath;
  const checkpoints = isServer ? "thread" : "own";
  let clean = createRedactor(secrets);
  const options = { database, checkpoints, redact: (text: string) => clean(text) } as const;
  const first = await openEngine({ ...options, location: identityPath });
  let later: Opening | null = null;
  try {
    if (!together) later = await openOwn({ ...options, location: ledgerPath }, isServer);
  } catch (error) {
    await first.close();
    throw error;
  }
  const second = later?.engine ?? first;
  const ledgerFile = second.name === "sqlite" ? (together ? identityPath : ledgerPath) : null;
  if (rules !== undefined) {
    const { settleJournals, tellWaiting } = await import("./journal/settle.ts");
    const warning =
      ledgerFile === null
        ? outboxPath === undefined
          ? null
          : await tellWaiting(outboxPath, rules)
        : await settleJournals(ledgerFile, rules);
    if (warning !== null) onWarning(warning);
  }
  let opened: OpenJournal | null = null;
  const arrive = async (limitMs = READ_WAIT_MS): Promise<void> => opened?.flush(limitMs);
  const budgets = createBudgetStore(second);
  return {
    identity: createIdentityStore(first),
    ledger: awaitShipment(createLedgerStore(second), arrive, () => (opened?.waiting() ?? 0) === 0),
    recounts: createRecountStore(second, arrive),
    audit: createAuditStore(second),
    answers: createAnswerStore(first),
    bindings: createBindingStore(first),
    controls: createControlStore(first),
    routes: createRouteStore(first),
    changes: {
      ...createChangeBook(first, together ? null : second),
      tell: (by, change) => tellChanges(first, { by, changes: [change] }),
      hide(known) {
        clean = createRedactor(known);
      },
    },
    providers: createProviderStore(first),
    limits: createLimitStore(first),
    settings: createSettingStore(first),
    budgets: {
      ...budgets,
      async readSums(...asked) {
        await arrive();
        return budgets.readSums(...asked);
      },
    },
    engine: first.name,
    ledgerFile,
    ledgerPlace: { location: together ? identityPath : ledgerPath, database },
    arrive,
    async openJournal({ outboxPath, startThread, startElsewhere, onCheckpointFault, onCheckpointRecover, ...options }) {
      const location = ledgerFile ?? outboxPath;
      const isGuest = options.host !== undefined;
      if (ledgerFile === null && !isGuest) await (await openEngine({ location, database })).close();
      const ledger = ledgerFile === null ? { location: together ? identityPath : ledgerPath, database } : null;
      const { openJournal } = await import("./journal/open.ts");
      const { startBindery } = await import("./bindery-thread.ts");
      const journal = openJournal({
        ...options,
        location,
        checkpoints,
        reserveBytes: isServer ? RESERVE_BYTES : 0,
        deliver: ledger === null ? null : second.deliver,
        ...(startThread === undefined
          ? { start: startElsewhere }
          : { start: (order, hear) => startBindery(startThread, { ...order, ledger }, hear) }),
      });
      opened = journal;
      const files = new Set(readScheme(identityPath) === "" ? [identityPath, location] : [location]);
      const hearer = { onFault: onCheckpointFault, onRecover: onCheckpointRecover };
      const tidying = isServer && !isGuest ? await startTidying([...files], hearer) : null;
      return {
        ...journal,
        async close(limitMs) {
          await journal.close(limitMs);
          opened = null;
          await tidying?.stop();
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

async function startTidying(
  files: readonly string[],
  {
    onFault = () => undefined,
    onRecover = () => undefined,
  }: { [Name in keyof CheckpointHearer]: CheckpointHearer[Name] | undefined },
): Promise<Checkpoints> {
  const { startCheckpoints } = await import("./sqlite/checkpoint.ts");
  return startCheckpoints(files, { onFault, onRecover });
}

/** Who reads the books finds what this process wrote to them. */
function awaitShipment(ledger: LedgerStore, arrive: () => Promise<void>, isAllThere: () => boolean): LedgerStore {
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
    async listUntold(since) {
      await arrive();
      // What corrects them may be on its way.
      return isAllThere() ? ledger.listUntold(since) : { entries: [], corrections: [] };
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

/** Where a ledger is, for a thread that opens it once more. */
export interface LedgerPlace extends Pick<EngineOptions, "location"> {
  database: EngineOptions["database"];
}

/** Of a reading thread's pool: reports go on while sums are written. */
const READING_CONNECTIONS = 4;

/** The ledger alone, as a thread of its own reads it. */
export async function openLedger({
  location,
  database,
}: LedgerPlace): Promise<{ ledger: LedgerStore; recounts: RecountStore; close(): Promise<void> }> {
  const engine = await openEngine({ location, database: { ...database, maxConnections: READING_CONNECTIONS } });
  const recounts = createRecountStore(engine, () => Promise.resolve());
  return { ledger: createLedgerStore(engine), recounts, close: engine.close };
}
