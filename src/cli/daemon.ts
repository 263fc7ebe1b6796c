// The daemon: opens everything, listens, reloads and drains. The one place where the real clock, network and disk come together.

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Config, Loaded } from "../config/index.ts";
import { type Memory, createMemory, openControls } from "../gateway/index.ts";
import {
  type KeyRing,
  createAdmission,
  createDirectory,
  createKeyRing,
  createSessionDirectory,
  createSignIn,
} from "../identity/index.ts";
import { createSpool } from "../lib/spool.ts";
import { systemClock } from "../lib/clock.ts";
import { dial, usesProxy } from "../lib/dial.ts";
import { lookupHost } from "../lib/lookup.ts";
import { connectWebSocket } from "../lib/web-socket.ts";
import { COMMIT, VERSION } from "../lib/version.ts";
import { sendMail } from "../notice/index.ts";
import { type AppParts, type SettingDesk, createApp, createSettingDesk } from "../server/index.ts";
import { type Store, openStore } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metric.ts";
import { startBinderyThread } from "./bindery.ts";
import { type Left, openBooks } from "./books.ts";
import { openBudgets } from "./budgets.ts";
import { openShelf } from "./cache.ts";
import { type Server, listen, stopOnSignal } from "./listen.ts";
import { openLocalPasses } from "./local-key.ts";
import { callOutside } from "./outside.ts";
import { openPriceDesk } from "./price-desk.ts";
import { reloadOnChange } from "./reload.ts";
import { recordPrices } from "./reload-record.ts";
import { readBooks } from "./reading.ts";
import { openSharing } from "./sharing.ts";
import { openRecounter } from "./recounter.ts";
import { openSecretKeys } from "./secret-key.ts";
import { closeProoflessDoor, isForeign, offerSetup } from "./sign-in.ts";

export interface Daemon {
  /** Where it listens, for people. */
  url: string;
  /** Resolves when the daemon has stopped, with what its books could not do. */
  stopped: Promise<Left>;
}

export interface DaemonInit {
  loaded: Loaded;
  /** `runtime`: what was set while the gateway runs, by key. */
  load: (runtime?: Readonly<Record<string, string>>) => Promise<Loaded>;
  log: Log;
  /** Level and secrets of the log follow the configuration. */
  adopt: (config: Config) => void;
  closeLog: () => Promise<void>;
}

/** The program's own, the same for every daemon. */
const PROGRAM = {
  newId: () => Bun.randomUUIDv7(),
  openSpool: () => createSpool(tmpdir(), SPOOL_MEMORY_BYTES),
  version: VERSION,
  commit: COMMIT,
};

/** Ways to other servers. A proxy connects in our place, and whether it can is its own to say. */
const OUTSIDE = {
  connect: connectWebSocket,
  lookup: lookupHost,
  fetch: callOutside,
  ...(usesProxy(process.env) ? {} : { dial }),
};

const AROUND = { ...OUTSIDE, ...PROGRAM };

export async function startDaemon(init: DaemonInit): Promise<Daemon> {
  const [log, config] = [init.log, init.loaded.config];
  let current = config;
  const prices = await openPriceDesk(config, (message, error) => log.warn(message, { error }));
  await prices.open();
  const store = await openStore({ ...config, isServer: true });
  const people = await openPeople(store, config, log);
  const ring = await openRing(store, log);
  const metrics = createMetrics();
  const world = { clock: systemClock, fetch, log, metrics };
  const books = await openBooks({ config, store, ...world, startThread: startBinderyThread });
  const { ledger } = books;
  const recounter = openRecounter(config, { store, ledger, log, countInput: (question) => app.countInput(question) });
  const budgeting = await openBudgets({ store, directory: people.directory, ledger, log, config: () => current });
  const memory = openMemory(store, config, log);
  const shelf = await openShelf(config, { clock: systemClock, log });
  const reading = readBooks({ store, log, books, config: () => current });
  const settings = openSettings(init, store, (isStart) => reloading.reload(isStart));
  const app = createApp({
    config,
    settings,
    ...people,
    ring,
    ...reading.parts,
    ledger,
    prices: prices.book,
    recounter,
    ...budgeting.parts,
    ...pickStores(store),
    secretKeys: openSecretKeys(() => current),
    learn: (effective) => learn(effective, { ...init, prices, store }),
    controls: await openControls(store.controls),
    ...openSharing(config, log),
    memory,
    shelf,
    ping: store.ping,
    ...world,
    ...AROUND,
  });
  const reloading = await reloadOnChange(init, {
    settings,
    current: () => current,
    apply(next) {
      app.reload(next);
      current = next;
    },
    settled: (next) => settle(next, app.config(), { ...init, budgeting, prices }),
    changes: store.changes,
    effective: app.config,
  });
  await settings.open().then(app.providers.open).then(app.live.open).then(app.limits.open);
  // From here to `stopOnSignal` nothing is awaited: who finds the port open may end us at once.
  let server: Server;
  try {
    server = listen(app, config, log);
  } catch (error) {
    await reloading.stop();
    app.close();
    await memory.stop();
    await shelf?.stop();
    await reading.close();
    await budgeting.close();
    await books.close();
    await store.close();
    await init.closeLog();
    throw error;
  }
  ring.start();
  void app.resume();
  prices.watch(() => recordPrices(prices.layers(), { changes: store.changes, log }));
  const close = async (): Promise<Left> => {
    prices.stop();
    await app.closeMail(MAIL_GRACE_MS);
    app.close();
    await memory.stop();
    await shelf?.stop();
    // The rows of calls that were just cut are on their way.
    await ledger.settled(CUT_GRACE_MS);
    await recounter.stop(RECOUNT_GRACE_MS);
    await reading.close();
    const left = await books.close();
    await ring.stop();
    await budgeting.close();
    await store.close();
    await init.closeLog();
    return left;
  };
  const deadlineMs = (): number => current.timeouts.shutdownMs;
  const stopped = stopOnSignal({ app, server, log, deadlineMs, close, stopReloading: reloading.stop });
  return { url: server.url.href.replace(/\/$/u, ""), stopped };
}

/** What comes into force is masked and priced as it is, whoever said it. */
function learn(
  config: Config,
  { adopt, prices, store }: Pick<DaemonInit, "adopt"> & { prices: { adopt(config: Config): unknown }; store: Store },
): void {
  adopt(config);
  store.changes.hide(config.secrets);
  void prices.adopt(config);
}

/** Whatever changed, if anything. `effective`: with what was declared while the gateway runs. */
async function settle(
  next: Config,
  effective: Config,
  parts: Pick<DaemonInit, "adopt"> & Record<"budgeting" | "prices", { adopt(config: Config): unknown }>,
): Promise<void> {
  parts.adopt(effective);
  await parts.budgeting.adopt(next);
  await parts.prices.adopt(effective);
}

function openSettings(
  { load, loaded, log }: DaemonInit,
  store: Store,
  adopt: (isStart: boolean) => Promise<unknown>,
): SettingDesk {
  return createSettingDesk({ store: store.settings, load, loaded, adopt, clock: systemClock, log });
}

type People = Pick<
  AppParts,
  "admission" | "directory" | "isContainer" | "isForeign" | "localPasses" | "sendMail" | "signedIn" | "signIn"
>;

async function openPeople(store: Store, config: Config, log: Log): Promise<People> {
  const directory = createDirectory({ store: store.identity, now: Date.now });
  await directory.ensureRoot(config.adminEmail);
  const signIn = createSignIn({ store: store.identity, now: Date.now });
  const admission = createAdmission({ store: store.identity, now: Date.now });
  await offerSetup({ config, signIn, log }, process.stderr.isTTY);
  await closeProoflessDoor({ config, signIn, log });
  const isContainer = existsSync("/.dockerenv") || existsSync("/run/.containerenv");
  const signedIn = createSessionDirectory({ store: store.identity, now: Date.now, directory });
  const owners = process.platform === "linux" ? { isForeign } : {};
  const doors = { ...openLocalPasses(config, log), ...owners };
  return { admission, directory, signIn, signedIn, sendMail, isContainer, ...doors };
}

/** Those that routes of the server read by themselves. */
type StoreParts = Pick<AppParts, "bindings" | "changes" | "limitStore" | "providerStore" | "routeStore">;

function pickStores({ bindings, changes, limits, providers, routes }: Store): StoreParts {
  return { bindings, changes, limitStore: limits, providerStore: providers, routeStore: routes };
}

async function openRing(store: Store, log: Log): Promise<KeyRing> {
  const ring = createKeyRing({
    store: store.identity,
    now: Date.now,
    onError: (error) => log.warn("Users and keys cannot be read; those in memory stay in force", { error }),
    onRecover: () => log.info("Users and keys can be read again"),
  });
  await ring.load();
  return ring;
}

/** What of an upload is held in memory while its model is looked for; beyond it, a file. */
const SPOOL_MEMORY_BYTES = 1024 * 1024;

function openMemory(store: Store, config: Config, log: Log): Memory {
  return createMemory({
    store: store.answers,
    clock: systemClock,
    limits: config.answers,
    isShared: store.engine === "postgres",
    onFault: (error) => log.error("Answers could not be kept for later reference", { error }),
  });
}

/** For sign-in links that are on their way to the mail server. */
const MAIL_GRACE_MS = 3_000;
/** For calls that were cut to write their rows. */
const CUT_GRACE_MS = 3_000;
/** For texts that wait to be counted; what is left is put down as skipped. */
const RECOUNT_GRACE_MS = 5_000;
