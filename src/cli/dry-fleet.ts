// The fleet of a process that asks nobody: rules and orders as a server has them, and nothing known of how anybody is doing.

import type { Config } from "../config/index.ts";
import { type Control, type Fleet, openControls } from "../gateway/index.ts";
import { systemClock } from "../lib/clock.ts";
import { openHealth } from "../server/index.ts";

/** @param kept what an operator took out of service */
export async function openDryFleet(config: Config, kept: readonly Control[]): Promise<Fleet> {
  const nothing = (): Promise<void> => Promise.resolve();
  const quiet = (): void => undefined;
  const controls = await openControls({ list: () => Promise.resolve([...kept]), put: nothing, remove: nothing });
  const log = { debug: quiet, error: quiet, info: quiet, warn: quiet, setLevel: quiet };
  return openHealth({ config, clock: systemClock, log, controls, changes: { tell: nothing } }).fleet;
}
