// Puts another configuration in force while the daemon runs: at SIGHUP, when a file changes, and when a setting is changed otherwise. Knows no setting.

import { type Config, ConfigError, diffReload, watchConfig } from "../config/index.ts";
import type { SettingDesk } from "../server/index.ts";
import type { ChangeStore } from "../store/index.ts";
import type { DaemonInit } from "./assemble.ts";
import { recordReload } from "./reload-record.ts";

interface ReloadInit {
  settings: Pick<SettingDesk, "load" | "stop">;
  current: () => Config;
  apply: (next: Config) => void;
  /** Whatever changed, if anything: what the configuration names may have. */
  settled: (next: Config) => Promise<void>;
  /** Where it is recorded; null where another process of this gateway does that. */
  changes: Pick<ChangeStore, "tell"> | null;
  /** Known secrets are not recorded. */
  hide: ChangeStore["hide"];
  /** As it is in force, with what was declared while the gateway runs. */
  effective: () => Config;
}

/** A bad configuration changes nothing and says so. */
export function createReload(
  init: Pick<DaemonInit, "loaded" | "log">,
  { settings, current, apply, settled, changes: record, hide, effective }: ReloadInit,
): { reload: (isStart: boolean) => Promise<readonly string[] | undefined> } {
  const { log } = init;
  let loaded = init.loaded;
  const reloadNow = async (isStart: boolean): Promise<readonly string[] | undefined> => {
    try {
      const next = await settings.load();
      const { changes, needRestart } = diffReload(current(), next.config);
      for (const warning of next.warnings) log.warn(warning);
      // A file may be touched without saying anything new; nothing is rebuilt then.
      if (changes.length > 0) apply(next.config);
      hide([...loaded.config.secrets, ...effective().secrets]);
      await settled(next.config);
      const reloaded = { before: loaded, after: next, changed: [...changes, ...needRestart] };
      if (!isStart && record !== null) await recordReload(reloaded, { changes: record, log });
      loaded = next;
      if (needRestart.length > 0) log.warn("These changes take effect at the next start", { keys: needRestart });
      log.info("Configuration reloaded", { changed: changes });
      return next.watched;
    } catch (error) {
      log.error("The configuration is not usable; the one before stays in force", { error });
      // What it names and is not there yet may come.
      return error instanceof ConfigError ? [...new Set([...loaded.watched, ...error.watched])] : undefined;
    }
  };
  // One after another: of two that run at once the older could come out last.
  let running: Promise<unknown> = Promise.resolve();
  return {
    reload(isStart) {
      const next = running.then(() => reloadNow(isStart));
      running = next;
      return next;
    },
  };
}

/** SIGHUP and a changed file put a new configuration in force. */
export async function reloadOnChange(
  init: Pick<DaemonInit, "loaded" | "log">,
  given: Omit<ReloadInit, "hide"> & { changes: Pick<ChangeStore, "hide" | "tell"> },
): Promise<{ reload: (isStart: boolean) => Promise<unknown>; stop: () => Promise<void> }> {
  const { log } = init;
  const { settings, changes } = given;
  const { reload } = createReload(init, { ...given, hide: changes.hide });
  // There it says that the console is closed.
  if (process.platform !== "win32") process.on("SIGHUP", () => void reload(false));
  const stopWatching = await watchConfig({
    paths: init.loaded.watched,
    onChange: () => reload(false),
    onError: (error) => log.warn("Configuration files cannot be watched; send SIGHUP after a change", { error }),
  });
  return {
    reload,
    async stop() {
      settings.stop();
      await stopWatching();
    },
  };
}
