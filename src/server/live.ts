// What is declared while the gateway runs, as far as it is known here: looked at once a second, and put in force where it changed. Knows nothing of what
// it is.

import type { Clock } from "../lib/clock.ts";
import type { Log } from "../telemetry/log.ts";

export interface Live<Item> {
  /** As far as they are known here. */
  versions(): readonly Item[];
  /** Looks at the database now. Never rejects: what was known stays in force, and the failure is told. */
  refresh(): Promise<void>;
  /** Looks now, and from then on every second, for changes that others make. */
  open(): Promise<void>;
  stop(): void;
}

interface LiveInit<Item> {
  /** For the log: `Routes`. */
  what: string;
  store: { list(): Promise<readonly Item[]>; revision(): Promise<number | string> };
  /** Between two looks; a second unless given. */
  everyMs?: number;
  clock: Pick<Clock, "after">;
  log: Log;
  adopt: (versions: readonly Item[]) => void;
}

const EVERY_MS = 1_000;

export function createLive<Item>({ what, store, everyMs = EVERY_MS, clock, log, adopt }: LiveInit<Item>): Live<Item> {
  let known: readonly Item[] = [];
  let revision: number | string | null = null;
  let isFailing = false;
  let running: Promise<void> | null = null;
  let waiting: Promise<void> | null = null;
  let callOff: (() => void) | null = null;

  const tellBack = (): void => {
    if (isFailing) log.info(`${what} can be read again`);
    isFailing = false;
  };

  const look = async (): Promise<void> => {
    try {
      // Read first: what changes in between is read again at the next look instead of never.
      const now = await store.revision();
      if (now === revision) return tellBack();
      const next = await store.list();
      if (revision !== null || next.length > 0) {
        known = next;
        adopt(next);
      }
      if (revision !== null) log.info(`${what} changed`, { count: next.length });
      revision = now;
      tellBack();
    } catch (error) {
      if (!isFailing) log.warn(`${what} cannot be read; those in memory stay in force`, { error });
      isFailing = true;
    }
  };

  /** A look that is under way may have been before the change that the caller means. */
  const refresh = (): Promise<void> => {
    if (running !== null) return (waiting ??= running.then(refresh));
    waiting = null;
    running = look().finally(() => (running = null));
    return running;
  };

  const plan = (): void => {
    callOff = clock.after(everyMs, () => void refresh().then(() => (callOff === null ? undefined : plan())));
  };

  return {
    versions: () => known,
    refresh,
    async open() {
      await refresh();
      if (callOff === null) plan();
    },
    stop() {
      callOff?.();
      callOff = null;
    },
  };
}
