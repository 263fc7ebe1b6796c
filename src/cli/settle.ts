// Puts in force what a new configuration names and the server itself does not hold: at once where it lies here. Knows no process and no file.

import type { Config } from "../config/index.ts";

interface SettleParts {
  adopt(effective: Config): void;
  /** Each has files of its own to read, and waits for none of ours. */
  tellWorkers(): void;
  /** A database that hangs holds them up. */
  budgeting: { adopt(config: Config): Promise<void> };
  prices: { adopt(config: Config): Promise<void> };
}

/** Whatever changed, if anything. `effective`: with what was declared while the gateway runs. */
export async function settle(
  next: Config,
  effective: Config,
  { adopt, tellWorkers, budgeting, prices }: SettleParts,
): Promise<void> {
  adopt(effective);
  tellWorkers();
  await Promise.all([prices.adopt(effective), budgeting.adopt(next)]);
}
