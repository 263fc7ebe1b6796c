// A pair of connections to a Redis, one to say and one to hear, made again for as long as it takes. No caller waits for it. Knows nothing of
// what is said.

import { RedisClient } from "bun";
import type { Clock } from "../../lib/clock.ts";
import { explainRedis } from "./explain.ts";

interface LinkInit {
  url: string;
  clock: Pick<Clock, "after">;
  channel: string;
  hear: (message: string) => void;
  /** It is there (again): rejects where it is of no use, and it is given up. */
  opened: (client: RedisClient) => Promise<void>;
  /** Told once for each time that it begins to fail. */
  onFault: (error: Error) => void;
  onRecovery: () => void;
}

export interface Link {
  /** Null while there is none. */
  client(): RedisClient | null;
  /** Work on the connection; where that fails or takes too long, the connection is given up. */
  use(work: (client: RedisClient) => Promise<unknown>): void;
  stop(): void;
}

const PATIENCE_MS = 2_000;
/** Between two tries, doubled each time. */
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** How often it is looked whether what we say is heard. */
const BEAT_MS = 10_000;
const BEAT = "beat";

interface Pair {
  speaker: RedisClient;
  listener: RedisClient;
  /** Whether our own beat came back. */
  isHeard: boolean;
  /** Given up: that both are closed then is no news. */
  isLost: boolean;
}

export function openLink(init: LinkInit): Link {
  const { url, clock, channel } = init;
  const own = `${BEAT} ${crypto.randomUUID()}`;
  let pair: Pair | null = null;
  let isDown = false;
  let isStopped = false;
  let triesInARow = 0;
  let cancel: (() => void) | null = null;

  const make = (): RedisClient =>
    new RedisClient(url, { autoReconnect: false, enableOfflineQueue: false, connectionTimeout: PATIENCE_MS });

  const close = ({ speaker, listener }: Pair): void => {
    speaker.close();
    listener.close();
  };

  const lose = (cause: unknown, of: Pair): void => {
    if (isStopped || of.isLost) return;
    of.isLost = true;
    pair = null;
    close(of);
    if (!isDown) init.onFault(cause instanceof Error ? cause : new Error(String(cause)));
    isDown = true;
    cancel?.();
    cancel = clock.after(Math.min(RETRY_MS * 2 ** Math.min(triesInARow++, 5), LONGEST_RETRY_MS), () => void connect());
  };

  const connect = async (): Promise<void> => {
    if (isStopped) return;
    const next: Pair = { speaker: make(), listener: make(), isHeard: true, isLost: false };
    try {
      await within(Promise.all([next.speaker.connect(), next.listener.connect()]), PATIENCE_MS, clock);
      await within(
        next.listener.subscribe(channel, (message) => take(message, next)),
        PATIENCE_MS,
        clock,
      );
      await within(init.opened(next.speaker), PATIENCE_MS, clock);
    } catch (error) {
      return lose(isDown ? error : await explainRedis(url, error), next);
    }
    if (isStopped) return close(next);
    pair = next;
    // They have no listeners, only this.
    for (const client of [next.speaker, next.listener]) {
      Object.assign(client, { onclose: (error: Error) => lose(error, next) });
    }
    triesInARow = 0;
    if (isDown) init.onRecovery();
    isDown = false;
    beat(next);
  };

  const take = (message: string, of: Pair): void => {
    if (message === own) of.isHeard = true;
    else if (!message.startsWith(BEAT)) init.hear(message);
  };

  const use = (of: Pair, work: (client: RedisClient) => Promise<unknown>): void => {
    within(work(of.speaker), PATIENCE_MS, clock).catch((error: unknown) => {
      if (pair === of) lose(error, of);
    });
  };

  /** A connection on which nothing comes any more looks like one on which there is nothing to say. */
  const beat = (of: Pair): void => {
    if (isStopped || pair !== of) return;
    if (!of.isHeard) return lose(new Error("Redis does not hand on what it is told."), of);
    of.isHeard = false;
    use(of, (client) => client.publish(channel, own));
    cancel = clock.after(BEAT_MS, () => beat(of));
  };

  void connect();
  return {
    client: () => pair?.speaker ?? null,
    use(work) {
      if (pair !== null) use(pair, work);
    },
    stop() {
      isStopped = true;
      cancel?.();
      if (pair !== null) close(pair);
      pair = null;
    },
  };
}

/** Rejects after so long. What comes later is nobody's. */
function within<T>(work: Promise<T>, ms: number, clock: Pick<Clock, "after">): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => reject(new Error(`Redis did not answer within ${ms} ms.`)));
  work.then(cancel, cancel);
  return Promise.race([work, promise]);
}
