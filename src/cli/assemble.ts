// The parts that every process of a gateway is made of, whether it serves alone or with others. Listens to nothing and starts nothing that is done once.

import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
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
import { dial, usesProxy } from "../lib/dial.ts";
import { lookupHost } from "../lib/lookup.ts";
import { createSpool } from "../lib/spool.ts";
import { COMMIT, VERSION } from "../lib/version.ts";
import { connectWebSocket } from "../lib/web-socket.ts";
import { sendMail } from "../notice/index.ts";
import { type AppParts, type SettingDesk, createSettingDesk } from "../server/index.ts";
import type { Store } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import { openLocalPasses } from "./local-key.ts";
import { callOutside } from "./outside.ts";
import { isForeign } from "./sign-in.ts";

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

/** What of an upload is held in memory while its model is looked for; beyond it, a file. */
const SPOOL_MEMORY_BYTES = 1024 * 1024;

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

export const AROUND = { ...OUTSIDE, ...PROGRAM };

/** What comes into force is masked and priced as it is, whoever said it. */
export function learn(
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
  const isContainer = existsSync("/.dockerenv") || existsSync("/run/.containerenv");
  const signedIn = createSessionDirectory({ store: store.identity, now: Date.now, directory });
  const owners = process.platform === "linux" ? { isForeign } : {};
  const doors = { ...openLocalPasses(config, log), ...owners };
  return { admission, directory, signIn, signedIn, sendMail, isContainer, ...doors };
}

/** Those that routes of the server read by themselves. */
type StoreParts = Pick<AppParts, "bindings" | "changes" | "limitStore" | "ping" | "providerStore" | "routeStore">;

export function pickStores({ bindings, changes, limits, ping, providers, routes }: Store): StoreParts {
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

/** For calls that were cut to write their rows. */
export const CUT_GRACE_MS = 3_000;
/** For texts that wait to be counted; what is left is put down as skipped. */
export const RECOUNT_GRACE_MS = 5_000;
