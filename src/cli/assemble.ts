// The parts that every process of a gateway is made of, whether it serves alone or with others. Listens to nothing and starts nothing that is done once.

import type { RunningRecounter } from "../audit/index.ts";
import type { Config, Loaded } from "../config/index.ts";
import { type Memory, createMemory } from "../gateway/index.ts";
import {
  type KeyRing,
  createAdmission,
  createDirectory,
  createKeyRing,
  createSessionDirectory,
  createSignIn,
} from "../identity/index.ts";
import { systemClock } from "../lib/clock.ts";
import { isInContainer } from "../lib/container.ts";
import { dial, usesProxy } from "../lib/dial.ts";
import { lookupHost } from "../lib/lookup.ts";
import { COMMIT, VERSION } from "../lib/version.ts";
import { connectWebSocket } from "../lib/web-socket.ts";
import { sendMail } from "../notice/index.ts";
import { type App, type AppParts, type SettingDesk, createSettingDesk } from "../server/index.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import { openLocalPasses } from "./local-key.ts";
import { callOutside } from "./outside.ts";
import type { PriceDesk } from "./price-desk.ts";
import { openSecretKeys } from "./secret-key.ts";
import { isForeign } from "./sign-in.ts";
import { openUploadSpool } from "./temporary.ts";

export interface DaemonInit {
  loaded: Loaded;
  /** `runtime`: what was set while the gateway runs, by key. */
  load: (runtime?: Readonly<Record<string, string>>) => Promise<Loaded>;
  log: Log;
  /** Keeps a line that another process of the gateway logged. */
  keepLine: (line: string) => void;
  /** Level and secrets of the log follow the configuration. */
  adopt: (config: Config) => void;
  closeLog: () => Promise<void>;
}

/** The program's own, the same for every daemon. */
const PROGRAM = {
  newId: () => Bun.randomUUIDv7(),
  openSpool: openUploadSpool,
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

/** What every process works with, however it counts and keeps its books. */
interface Body extends Pick<AppParts, "controls" | "ledger" | "memory" | "metrics" | "ring" | "shelf"> {
  store: Store;
  people: People;
  prices: Pick<PriceDesk, "adopt" | "book">;
}

/** `current`: the configuration in force. */
export function pickParts(
  { loaded: { config }, log, adopt }: Pick<DaemonInit, "adopt" | "loaded" | "log">,
  { store, people, prices, ring, ledger, memory, shelf, controls, metrics }: Body,
  current: () => Config,
) {
  return {
    ring,
    ledger,
    memory,
    shelf,
    controls,
    metrics,
    ...people,
    ...pickStores(store),
    config,
    log,
    prices: prices.book,
    secretKeys: openSecretKeys(current),
    learn: (effective: Config) => learn(effective, { adopt, prices, store }),
    clock: systemClock,
    ...AROUND,
  };
}

/** All that was declared while a gateway ran comes into force, in the order in which one rests on the other. */
export async function openDeclared(
  settings: Pick<SettingDesk, "open">,
  { providers, live, limits }: Pick<App, "limits" | "live" | "providers">,
): Promise<void> {
  await settings.open();
  await providers.open();
  await live.open();
  await limits.open();
}

/** No call runs any more when it resolves, and the rows of all are with the ledger. */
export async function endCalls({
  app,
  memory,
  shelf,
  ledger,
  recounter,
}: Pick<AppParts, "ledger" | "memory" | "shelf"> & { app: Pick<App, "close">; recounter: RunningRecounter }) {
  app.close();
  await memory.stop();
  await shelf?.stop();
  // The rows of calls that were just cut are on their way.
  await ledger.settled(CUT_GRACE_MS);
  await recounter.stop(RECOUNT_GRACE_MS);
}

/** For calls that were cut to write their rows. */
const CUT_GRACE_MS = 3_000;
/** For texts that wait to be counted; what is left is put down as skipped. */
const RECOUNT_GRACE_MS = 5_000;

/** What comes into force is masked and priced as it is, whoever said it. */
function learn(
  config: Config,
  { adopt, prices, store }: Pick<DaemonInit, "adopt"> & { prices: { adopt(config: Config): unknown }; store: Store },
): void {
  adopt(config);
  store.changes.hide(config.secrets);
  void prices.adopt(config);
}

export function openSettings(
  { load, loaded, log }: Pick<DaemonInit, "load" | "loaded" | "log">,
  store: Store,
  adopt: (isStart: boolean) => Promise<unknown>,
): SettingDesk {
  return createSettingDesk({ store: store.settings, load, loaded, adopt, clock: systemClock, log });
}

type People = Pick<
  AppParts,
  "admission" | "directory" | "isContainer" | "isForeign" | "localPasses" | "sendMail" | "signedIn" | "signIn"
>;

export function openPeople(store: Store, config: Config, log: Log): People {
  const directory = createDirectory({ store: store.identity, now: Date.now });
  const signIn = createSignIn({ store: store.identity, now: Date.now });
  const admission = createAdmission({ store: store.identity, now: Date.now });
  const isContainer = isInContainer(process.env);
  const signedIn = createSessionDirectory({ store: store.identity, now: Date.now, directory });
  const owners = process.platform === "linux" ? { isForeign } : {};
  const doors = { ...openLocalPasses(config, log), ...owners };
  return { admission, directory, signIn, signedIn, sendMail, isContainer, ...doors };
}

/** Those that routes of the server read by themselves. */
type StoreParts = Pick<AppParts, "bindings" | "changes" | "limitStore" | "ping" | "providerStore" | "routeStore">;

function pickStores({ bindings, changes, limits, ping, providers, routes }: Store): StoreParts {
  return { bindings, changes, limitStore: limits, ping, providerStore: providers, routeStore: routes };
}

export async function openRing(store: Store, log: Log): Promise<KeyRing> {
  const ring = createKeyRing({
    store: store.identity,
    now: Date.now,
    onError: (error) => log.warn("Users and keys cannot be read; those in memory stay in force", { error }),
    onRecover: () => log.info("Users and keys can be read again"),
  });
  await ring.load();
  return ring;
}

/** `isShared`: other processes work on the same database. */
export function openMemory(store: Store, config: Config, log: Log, isShared: boolean): Memory {
  return createMemory({
    store: store.answers,
    clock: systemClock,
    limits: config.answers,
    isShared,
    onFault: (error) => log.error("Answers could not be kept for later reference", { error }),
  });
}
