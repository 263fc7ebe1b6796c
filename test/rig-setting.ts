// The settings of a gateway under test: read from its own folder, and none of the configuration that it runs with.

import { type Config, loadConfig } from "../src/config/index.ts";
import { type SettingDesk, createSettingDesk } from "../src/server/index.ts";
import type { Store } from "../src/store/index.ts";
import type { Log } from "../src/telemetry/log.ts";
import type { TestClock } from "./clock.ts";

export interface SettingsInit {
  /** Of the settings. */
  env?: Readonly<Record<string, string>>;
  /** Hears of each change of them. */
  adopt?: (config: Config) => void;
}

interface Place {
  store: Store;
  folder: string;
  clock: TestClock;
  log: Log;
}

export async function openSettings(
  { store, folder, clock, log }: Place,
  { env = {}, adopt }: SettingsInit,
): Promise<SettingDesk> {
  const load = (runtime: Readonly<Record<string, string>>) => loadConfig({ cwd: folder, env, runtime });
  const desk: SettingDesk = createSettingDesk({
    store: store.settings,
    load,
    loaded: await load({}),
    adopt: async () => adopt?.((await desk.load()).config),
    clock,
    log,
  });
  return desk;
}
