// Settings that were changed while the gateway runs, as this process has them in force: what another gateway changes holds here within a second.
// Knows no HTTP and no SQL.

import type { Loaded } from "../config/index.ts";
import type { Clock } from "../lib/clock.ts";
import type { SettingRow, SettingStore } from "../store/index.ts";
import type { Log } from "../telemetry/log.ts";
import { createLive } from "./live.ts";
import {
  type LoadSettings,
  type SettingBook,
  type SettingChange,
  createSettingBook,
  loadUsable,
} from "./setting-book.ts";

export interface SettingDesk {
  /** What is in effect here. */
  standing(): { row: SettingRow | null; loaded: Pick<Loaded, "effective" | "files" | "warnings"> };
  /** As SettingBook, and in force here when it resolves. */
  change(said: Parameters<SettingBook["change"]>[0], change: SettingChange): Promise<void>;
  /** Files and all, read again. */
  load(): Promise<Loaded>;
  refresh(): Promise<void>;
  open(): Promise<void>;
  stop(): void;
}

interface DeskInit {
  store: SettingStore;
  load: LoadSettings;
  /** What this process began with. */
  loaded: Loaded;
  /** Reads the configuration again, by `load`, and puts it in force; at the start nothing has changed by that. Never rejects. */
  adopt: (isStart: boolean) => Promise<unknown>;
  clock: Pick<Clock, "after" | "wallMs">;
  log: Log;
}

export function createSettingDesk({ store, load, adopt, clock, log, ...init }: DeskInit): SettingDesk {
  let { loaded } = init;
  let adopting: Promise<unknown> = Promise.resolve();
  let isOpen = false;
  const book = createSettingBook({ store, load, now: clock.wallMs });
  const live = createLive({
    what: "Settings",
    store,
    clock,
    log,
    adopt() {
      adopting = adopt(!isOpen);
    },
  });
  const refresh = async (): Promise<void> => {
    await live.refresh();
    await adopting;
  };
  return {
    standing: () => ({ row: live.versions()[0] ?? null, loaded }),
    async change(said, change) {
      await book.change(said, change);
      await refresh();
    },
    async load() {
      const found = await loadUsable(load, live.versions()[0]?.fields ?? {});
      if (found.leftOut.length > 0) log.warn("Settings that were set do not hold any more", { keys: found.leftOut });
      loaded = found.loaded;
      return loaded;
    },
    refresh,
    async open() {
      await live.open();
      isOpen = true;
      await adopting;
    },
    stop: live.stop,
  };
}
