// What the commands that work on the database share: it is opened before and closed after.
// No server need run, and one that runs is not disturbed.

import { type Config, loadConfig } from "../config/index.ts";
import { type Actor, createDirectory, type Directory } from "../identity/index.ts";
import { openStore, type Store } from "../store/index.ts";
import { type ConfigFlags, toLoadOptions } from "./flags.ts";
import { say } from "./output.ts";

/** Whoever can read and write the database may do all. */
export const OPERATOR: Actor = { kind: "operator" };

export interface Opened {
  config: Config;
  store: Store;
  directory: Directory;
}

/** Opens what the configuration names, makes the root admin where there is none, does the work, and closes. */
export async function runWithStore<T>(flags: ConfigFlags, work: (opened: Opened) => Promise<T>): Promise<T> {
  const { config, warnings } = await loadConfig(toLoadOptions(flags));
  for (const warning of warnings) say(`warning: ${warning}`);
  const store = await openStore(config);
  try {
    const directory = createDirectory({ store: store.identity, now: Date.now });
    await directory.ensureRoot(config.adminEmail);
    return await work({ config, store, directory });
  } finally {
    await store.close();
  }
}
