// A client that is replaced when its connections are lost, and calls that end in time. Knows no statement.
//
// postgres.js 3.4.9 keeps a cancelled write timer when a connection closes under a query (`closed` in its connection.js), and
// what is sent over that connection later waits for nothing. So after a loss the whole client goes, not only the connection.

import { codeOf } from "../error.ts";

const LOSSES = ["08", "25P03", "57P0", "CONNECTION_", "CONNECT_TIMEOUT", "ECONN", "EPIPE", "ETIMEDOUT"];

export interface Pool<Client> {
  /** Runs `work` on the present client; again where it was undone to end a deadlock. Rejects as `work` does, or after `deadlineMs` with the code ETIMEDOUT. */
  once<T>(deadlineMs: number, work: (client: Client) => PromiseLike<T>): Promise<T>;
  /** `once`, and a second time where the connection was lost or of no use: for what does no harm when it happens twice. */
  repeat<T>(deadlineMs: number, work: (client: Client) => PromiseLike<T>): Promise<T>;
  end(): Promise<void>;
}

/**
 * @param end lets running queries finish for a moment, then ends them
 * @param most how much of the work is done at the same time
 */
export function createPool<Client>(
  connect: () => Client,
  end: (client: Client) => Promise<void>,
  most: number,
): Pool<Client> {
  let client = connect();
  let turn = createTurns(most);
  let ended = false;

  async function once<T>(deadlineMs: number, work: (client: Client) => PromiseLike<T>): Promise<T> {
    const [used, take] = [client, turn];
    try {
      return await withDeadline(
        undeadlocked(() => take(() => work(used))),
        deadlineMs,
      );
    } catch (error) {
      if (isStale(error) && used === client && !ended) {
        client = connect();
        turn = createTurns(most);
        // Nobody waits for the old one, and it has nothing to say that its queries did not.
        end(used).catch(() => {});
      }
      throw error;
    }
  }

  return {
    once,
    async repeat(deadlineMs, work) {
      try {
        return await once(deadlineMs, work);
      } catch (error) {
        if (!isStale(error) || ended) throw error;
        return once(deadlineMs, work);
      }
    },
    async end() {
      ended = true;
      await end(client);
    },
  };
}

/** Work beyond `most` waits for what began before it. */
export function createTurns(most: number): <T>(work: () => PromiseLike<T>) => Promise<T> {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html: deadlock_detected. */
const DEADLOCK = "40P01";
const MOST_TRIES = 5;

/** Of two that wait for each other the server undoes one as a whole: nothing of it was done, and the other one goes on meanwhile. */
export async function undeadlocked<T>(work: () => PromiseLike<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (codeOf(error) !== DEADLOCK || tries === MOST_TRIES) throw error;
    }
  }
}

/** A server that takes no writes may take them from the next connection, or that one leads to the server which does. */
function isStale(error: unknown): boolean {
  return isLoss(error) || codeOf(error) === "25006";
}

/** Whether the connection is gone, or about to go. */
export function isLoss(error: unknown): boolean {
  const code = codeOf(error);
  return LOSSES.some((prefix) => code.startsWith(prefix));
}

/** A server that went away without a word never rejects; the system would notice after many minutes. */
export async function withDeadline<T>(work: PromiseLike<T>, deadlineMs: number): Promise<T> {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`no answer within ${deadlineMs} ms`), { code: "ETIMEDOUT" }));
    }, deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
