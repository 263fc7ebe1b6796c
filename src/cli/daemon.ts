// The daemon: opens everything, listens, reloads and drains. The one place where the real clock, network and disk come together.

import type { Config } from "../config/index.ts";
import { openControls } from "../gateway/index.ts";
import { createMemoryTries } from "../identity/index.ts";
import { systemClock } from "../lib/clock.ts";
import { createApp } from "../server/index.ts";
import { openStore } from "../store/index.ts";
import { createMetrics } from "../telemetry/metric.ts";
import {
  type DaemonInit,
  endCalls,
  openDeclared,
  openMemory,
  openPeople,
  openRing,
  openSettings,
  pickParts,
} from "./assemble.ts";
import { startBinderyThread } from "./bindery.ts";
import { type Left, openBooks } from "./books.ts";
import { openBudgets } from "./budgets.ts";
import { openShelf } from "./cache.ts";
import { countWorkers } from "./crew/count.ts";
import { createOffice, type Office, type OfficeParts } from "./crew/office.ts";
import { beginSeat } from "./crew/seat.ts";
import { findPort, listen } from "./listen.ts";
import { openPriceDesk } from "./price-desk.ts";
import { reloadOnChange } from "./reload.ts";
import { recordPrices } from "./reload-record.ts";
import { readBooks } from "./reading.ts";
import { settle } from "./settle.ts";
import { openSharing } from "./sharing.ts";
import { openRecounter } from "./recounter.ts";
import { restAfterWork } from "./rest.ts";
import { closeProoflessDoor, offerSetup } from "./sign-in.ts";
import { closeInTime, onSignal, stopOnSignal } from "./stop.ts";

export interface Daemon {
  /** Where it listens, for people. */
  url: string;
  /** Processes that serve there. */
  workers: number;
  /** Resolves when the daemon has stopped, with what its books could not do. */
  stopped: Promise<Left & { hasFailed: boolean }>;
}

/** What stands before there are books. */
async function openFoundation(init: DaemonInit) {
  const [log, config] = [init.log, init.loaded.config];
  const sharing = { tries: createMemoryTries(), ...openSharing(config, log) };
  const office = openOffice(init, sharing);
  const prices = await openPriceDesk(config, (message, error) => log.warn(message, { error }));
  await prices.open();
  const store = await openStore({ ...config, isServer: true });
  const people = openPeople(store, config, log);
  await people.directory.ensureRoot(config.adminEmail);
  await offerSetup({ config, signIn: people.signIn, log }, process.stderr.isTTY);
  await closeProoflessDoor({ config, signIn: people.signIn, log });
  const ring = await openRing(store, log);
  const memory = openMemory(store, config, log, store.engine === "postgres" || office !== null);
  const shelf = await openShelf(config, { clock: systemClock, log });
  const controls = await openControls(store.controls);
  const own = { memory, shelf, controls, guests: office ?? undefined };
  return { sharing, office, prices, store, people, ring, ...own };
}

export async function startDaemon(init: DaemonInit): Promise<Daemon> {
  const [log, config] = [init.log, init.loaded.config];
  let current = config;
  // Whoever may not listen leaves nothing behind: no chain of its own beside that of the gateway that does, no link.
  await findPort(config, log);
  const foundation = await openFoundation(init);
  const { sharing, office, guests, prices, store, ring, memory, shelf, controls } = foundation;
  const metrics = createMetrics();
  const world = { clock: systemClock, fetch, log, metrics };
  const books = await openBooks({ config, store, ...world, startThread: startBinderyThread, guests });
  const { ledger } = books;
  const recounter = openRecounter(config, { store, ledger, log, countInput: (question) => app.countInput(question) });
  const budgeting = await openBudgets({
    store,
    directory: foundation.people.directory,
    ledger,
    log,
    config: () => current,
  });
  const reading = readBooks({ store, log, books, config: () => current });
  const settings = openSettings(init, store, (isStart) => reloading.reload(isStart));
  const app = createApp({
    ...pickParts(init, { ...foundation, ledger, metrics }, () => current),
    ...reading.parts,
    ...budgeting.parts,
    ...sharing,
    ...joinOffice(office, budgeting.parts),
    settings,
    recounter,
  });
  const reloading = await reloadOnChange(init, {
    settings,
    current: () => current,
    apply(next) {
      app.reload(next);
      current = next;
    },
    async settled(next) {
      const tellWorkers = (): void => office?.reload();
      await settle(next, app.config(), { ...init, tellWorkers, budgeting, prices });
    },
    changes: store.changes,
    effective: app.config,
  });
  await openDeclared(settings, app);
  const close = async (): Promise<Left> => {
    prices.stop();
    await app.closeMail(MAIL_GRACE_MS);
    await endCalls({ app, memory, shelf, ledger, recounter });
    await reading.close();
    const left = await books.close();
    await ring.stop();
    await budgeting.close();
    await store.close();
    await init.closeLog();
    return left;
  };
  const begin = (isBusy = () => false): void => {
    ring.start();
    restAfterWork({ after: systemClock.after, isBusy });
    void app.resume();
    prices.watch(() => {
      recordPrices(prices.layers(), { changes: store.changes, log });
      office?.readPrices();
    });
  };
  const deadlineMs = (): number => current.timeouts.shutdownMs;
  const parts = { app, log, close, deadlineMs, stopReloading: reloading.stop };
  try {
    if (office !== null) {
      metrics.include(office.listTallies);
      metrics.watch(office.gauges);
      const { keep: capture } = reading;
      const given = { ...init, ...sharing, ...budgeting.parts, ...app.limits.limits, app, books, capture, shelf };
      return await serveByWorkers(office, { ...given, listControls: controls.list }, { ...parts, config, begin });
    }
    // From here to `stopOnSignal` nothing is awaited: who finds the port open may end us at once.
    const server = listen(app, config, log);
    begin(() => server.pendingRequests > 0);
    const stopped = stopOnSignal({ ...parts, server }).then((left) => ({ ...left, hasFailed: false }));
    return { url: printUrl(server.url), workers: 1, stopped };
  } catch (error) {
    const closeAll = async (): Promise<void> => {
      await office?.stop();
      await reloading.stop();
      await close();
    };
    await closeInTime(closeAll).catch((fault: unknown) =>
      log.error("What was begun could not be closed", { error: fault }),
    );
    throw error;
  }
}

/** Null where this process serves alone. */
function openOffice({ loaded: { config }, log }: DaemonInit, { share }: ReturnType<typeof openSharing>): Office | null {
  const count = countWorkers(config, log);
  return count === 1 ? null : createOffice({ count, clock: systemClock, log, outside: share, beginSeat });
}

/** With an office, what it counts is counted for all, and what it learns all hear. */
function joinOffice(office: Office | null, { budgets }: Awaited<ReturnType<typeof openBudgets>>["parts"]) {
  if (office === null) return {};
  const refresh = async (): Promise<void> => {
    await budgets.refresh();
    office.tellBudgets();
  };
  return { share: office.share, crew: office.crew, budgets: { ...budgets, refresh } };
}

type ServingParts = Pick<
  Parameters<typeof stopOnSignal<Left>>[0],
  "app" | "close" | "deadlineMs" | "log" | "stopReloading"
> & {
  config: Config;
  begin: () => void;
};

/** Workers may have to be told twice, and have books of their own to close. */
const WORKERS_GRACE_MS = 5_000;

async function serveByWorkers(
  office: Office,
  given: OfficeParts,
  { app, config, deadlineMs, begin, ...parts }: ServingParts,
): Promise<Daemon> {
  const { port, url } = await findPort(config, parts.log);
  let hasFailed = false;
  const stopped = stopOnSignal({
    ...parts,
    runs: "workers",
    app: {
      drain() {
        app.drain();
        office.drain();
      },
    },
    server: {
      get pendingRequests() {
        return office.countWorkers();
      },
      pendingWebSockets: 0,
      stop: office.stop,
    },
    deadlineMs: () => deadlineMs() + WORKERS_GRACE_MS,
    onWord(stop) {
      onSignal(stop);
      void office.failed.then(() => {
        hasFailed = true;
        stop("workers");
      });
    },
  }).then((left) => ({ ...left, hasFailed }));
  await office.open(given, port);
  begin();
  return { url: printUrl(url), workers: office.size, stopped };
}

function printUrl({ href }: URL): string {
  return href.replace(/\/$/u, "");
}

/** For sign-in links that are on their way to the mail server. */
const MAIL_GRACE_MS = 3_000;
