// Keeps answers that may be given again in a Redis that gateways share. No request waits for a connection, and none longer than a moment for an
// answer: while Redis is away or slow, there is nothing in it. Knows no format.

import { RedisClient } from "bun";
import type { AnswerShelf, StoredAnswer } from "../../gateway/cache/store.ts";
import type { Clock } from "../../lib/clock.ts";
import { explainRedis } from "./explain.ts";

interface ShelfInit {
  url: string;
  clock: Clock;
  /** Told once for each time that it begins to fail. */
  onFault: (error: Error) => void;
  onRecovery: () => void;
}

const PREFIX = "tokligence:answer:";

/** What a request waits at most. */
const PATIENCE_MS = 100;
const CONNECT_MS = 2_000;
/** Between two tries to reach it, doubled each time. */
const RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
/** What is on its way to it at most; what comes then is not kept. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Whoever asks for all of it may wait so long. */
const SCAN_MS = 30_000;
const SCANNED_AT_ONCE = "1000";

/** `ready` resolves once it is connected, or could not be. */
export function openRedisShelf({ url, clock, onFault, onRecovery }: ShelfInit): AnswerShelf & { ready: Promise<void> } {
  let client: RedisClient | null = null;
  let isDown = false;
  /** It is there, and takes nothing: it may be full. */
  let isRefusing = false;
  let isStopped = false;
  let triesInARow = 0;
  let waitingBytes = 0;
  let cancel: (() => void) | null = null;

  const connect = async (): Promise<void> => {
    if (isStopped) return;
    const next = new RedisClient(url, {
      autoReconnect: false,
      enableOfflineQueue: false,
      connectionTimeout: CONNECT_MS,
    });
    try {
      await within(next.connect(), CONNECT_MS, clock);
      if (isStopped) return next.close();
      // One that wants a password answers, too, and says so.
      await within(next.send("PING", []), CONNECT_MS, clock);
    } catch (error) {
      next.close();
      return lose(isDown ? error : await explainRedis(url, error), null);
    }
    client = next;
    // It has no listeners, only this.
    Object.assign(next, { onclose: (error: Error) => lose(error, next) });
    triesInARow = 0;
    if (isDown) onRecovery();
    isDown = false;
  };

  /** Of a connection that was given up already, nothing is heard any more. */
  const lose = (cause: unknown, of: RedisClient | null): void => {
    if (isStopped || of !== client) return;
    client = null;
    of?.close();
    waitingBytes = 0;
    isRefusing = false;
    if (!isDown) onFault(cause instanceof Error ? cause : new Error(String(cause)));
    isDown = true;
    cancel?.();
    cancel = clock.after(Math.min(RETRY_MS * 2 ** triesInARow++, LONGEST_RETRY_MS), () => void connect());
  };

  const ask = async (of: RedisClient, key: string): Promise<StoredAnswer | null> => {
    try {
      const bytes = await within(of.getBuffer(PREFIX + key), PATIENCE_MS, clock);
      return bytes === null ? null : unpack(bytes);
    } catch (error) {
      lose(error, of);
      return null;
    }
  };

  /** Hands over the keys that there are, some at a time; answers how many. */
  const scan = async (each: (of: RedisClient, keys: string[]) => Promise<unknown>): Promise<number | null> => {
    const of = client;
    if (of === null) return null;
    let count = 0;
    let cursor = "0";
    do {
      const found: unknown = await of.send("SCAN", [cursor, "MATCH", `${PREFIX}*`, "COUNT", SCANNED_AT_ONCE]);
      const [next, keys] = Array.isArray(found) ? (found as [unknown, string[]]) : ["0", []];
      if (keys.length > 0) await each(of, keys);
      count += keys.length;
      cursor = String(next);
    } while (cursor !== "0");
    return count;
  };

  const scanAll = (each: Parameters<typeof scan>[0]): Promise<number | null> =>
    within(scan(each), SCAN_MS, clock).catch(() => null);

  return {
    kind: "redis",
    ready: connect(),
    get: (key) => (client === null ? null : ask(client, key)),
    put(key, answer, ttlMs) {
      const of = client;
      const bytes = pack(answer);
      if (of === null || waitingBytes + bytes.byteLength > MAX_WAITING_BYTES) return;
      waitingBytes += bytes.byteLength;
      const done = (refusal: Error | null): void => {
        if (of !== client) return;
        waitingBytes -= bytes.byteLength;
        if (refusal !== null && !isRefusing) onFault(refusal);
        if (refusal === null && isRefusing) onRecovery();
        isRefusing = refusal !== null;
      };
      of.set(PREFIX + key, bytes, "PX", Math.max(1, Math.round(ttlMs))).then(
        () => done(null),
        (error: unknown) => (isRefusal(error) ? done(error) : lose(error, of)),
      );
    },
    clear: () => scanAll((of, keys) => of.send("UNLINK", keys)),
    size: async () => ({ entries: await scanAll(async () => undefined), bytes: null }),
    glance: () => ({ entries: null, bytes: null }),
    async stop() {
      isStopped = true;
      cancel?.();
      client?.close();
      client = null;
    },
  };
}

/** An answer of the server's own, by which the connection is as good as before. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "ERR_REDIS_SERVER_ERROR";
}

/** Rejects after so long. What comes later is nobody's. */
function within<T>(work: Promise<T>, ms: number, clock: Clock): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const cancel = clock.after(ms, () => reject(new Error(`Redis did not answer within ${ms} ms.`)));
  work.then(cancel, cancel);
  return Promise.race([work, promise]);
}

/** Length of what is said about it, that, and its body. */
const LENGTH_BYTES = 4;

function pack({ body, ...meta }: StoredAnswer): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(JSON.stringify(meta));
  const bytes = new Uint8Array(LENGTH_BYTES + head.byteLength + body.byteLength);
  new DataView(bytes.buffer).setUint32(0, head.byteLength);
  bytes.set(head, LENGTH_BYTES);
  bytes.set(body, LENGTH_BYTES + head.byteLength);
  return bytes;
}

/** Null for what is none of ours. */
function unpack(bytes: Uint8Array<ArrayBuffer>): StoredAnswer | null {
  if (bytes.byteLength < LENGTH_BYTES) return null;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const start = LENGTH_BYTES + length;
  if (start > bytes.byteLength) return null;
  try {
    // Written by `pack`, whose key names the edition.
    const meta = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, start))) as Omit<
      StoredAnswer,
      "body"
    >;
    return { ...meta, body: bytes.subarray(start) };
  } catch {
    return null;
  }
}
