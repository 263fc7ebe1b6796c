// What the commands of `admin cache` share: the place that the configuration names, opened for a moment. Prints nothing but warnings.

import { type Config, loadConfig } from "../../../config/index.ts";
import type { AnswerShelf } from "../../../gateway/index.ts";
import { systemClock } from "../../../lib/clock.ts";
import { openShelf } from "../../cache.ts";
import { type ConfigFlags, toLoadOptions } from "../../flags.ts";
import { say } from "../../output.ts";

/** What lives in the server alone. */
export const OF_THE_SERVER =
  "A cache in memory is the running server's own: ask it, with an administrator's key, by GET /api/v1/admin/cache (DELETE empties it).";

/** `shelf` is null where it is off, or cannot be reached from here. */
export async function withShelf<T>(
  flags: ConfigFlags,
  work: (config: Config, shelf: AnswerShelf | null) => Promise<T>,
): Promise<T> {
  const { config, warnings } = await loadConfig(toLoadOptions(flags));
  for (const warning of warnings) say(`warning: ${warning}`);
  if (config.cache.store === "memory") return work(config, null);
  const warn = (message: string, fields?: { error?: unknown }): void =>
    say(`warning: ${message}${fields?.error instanceof Error ? `: ${fields.error.message}` : ""}`);
  const shelf = await openShelf(config, { clock: systemClock, log: { info: () => undefined, warn } });
  try {
    await shelf?.ready;
    return await work(config, shelf);
  } finally {
    await shelf?.stop();
  }
}
