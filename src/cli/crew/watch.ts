// Watches over the processes of workers: begins them, begins those anew that die, and ends them all. Nothing that it waits for may take for ever. Knows no
// gateway: what is done for a worker while it lives, and once it is gone, it is given.

import type { Clock } from "../../lib/clock.ts";
import { explainError, type Log } from "../../telemetry/log.ts";
import { CliError, EXIT, type ExitCode } from "../error.ts";
import type { Line } from "./line.ts";
import { createPatience } from "./patience.ts";
import type { BeginSeat, Ending, Seat } from "./seat.ts";
import { within } from "./within.ts";
import type { OfficeWords, Trouble, WorkerWords } from "./word.ts";

/** What is done for one worker. */
export interface Host {
  words: Omit<OfficeWords, "failed" | "ready">;
  /** It takes requests from now on. */
  serves(line: Line<WorkerWords>): void;
  /** It is gone; another one takes its place when this resolves, or does not in time. */
  leaves(): Promise<void>;
}

export interface Watch<Own extends Host> {
  /** Those that are there. */
  hosts(): ReadonlyMap<number, Own>;
  each(work: (line: Line<WorkerWords>) => void, but?: number | null): void;
  /** How many take requests now, and how many are gone that did so once. */
  count(): { serving: number; ended: number };
  /** Resolves once all have answered, or after a moment; what one of them does not answer is left out. */
  askAll(work: (line: Line<WorkerWords>, host: Own) => Promise<void>): Promise<void>;
  /** All serve when it resolves. Rejects with a CliError where one cannot begin; then all are gone. */
  open(): Promise<void>;
  /** Resolves where workers die again and again, and none serves for long. */
  failed: Promise<void>;
  isStopping(): boolean;
  /** They take no new calls, and end when theirs have. */
  drain(): void;
  /** Cuts what still runs; all are gone when it resolves. */
  stop(): Promise<void>;
}

interface WatchInit<Own extends Host> {
  count: number;
  clock: Clock;
  log: Log;
  beginSeat: BeginSeat;
  host: (index: number) => Own;
  /** One is gone, and another is to take its place. */
  onLoss: () => void;
}

interface Post<Own> {
  seat: Seat;
  host: Own;
  isServing: boolean;
  trouble: Trouble | null;
  /** Looks in a row at which nothing was heard of it. */
  silent: number;
}

/** For an answer of a worker, of whom nothing is needed at once. */
const ANSWER_MS = 1_000;
/** Until one serves. */
const BEGIN_MS = 60_000;
/** For what one that is gone left. */
const LEAVE_MS = 5_000;
/** For workers that were told to end at once. */
const CUT_MS = 15_000;
/** For the system to end those that were killed. */
const KILL_MS = 5_000;
const LOOK_MS = 1_000;
/** Each tells of itself once a second. Looks are counted, and not the time, so that one which this process slept through counts for nobody's silence. */
const MOST_SILENT = 15;

export function openWatch<Own extends Host>(init: WatchInit<Own>): Watch<Own> {
  const { clock, log } = init;
  const posts = new Map<number, Post<Own>>();
  const patience = createPatience(clock);
  const failed = Promise.withResolvers<void>();
  let ended = 0;
  let isStopping = false;

  /** Resolves once it serves, or is gone. `isAnother`: in the place of one that served. */
  const begin = (index: number, isAnother: boolean): Promise<Trouble | null> => {
    const { promise, resolve } = Promise.withResolvers<Trouble | null>();
    const words: Record<string, unknown> = {};
    const post: Post<Own> = { ...open(index, words), isServing: false, trouble: null, silent: 0 };
    const callOff = clock.after(BEGIN_MS, () => {
      post.trouble ??= explainSlow(index);
      post.seat.kill();
    });
    Object.assign(words, post.host.words, {
      ready() {
        callOff();
        post.isServing = true;
        patience.serves(index);
        post.host.serves(post.seat.line);
        resolve(null);
      },
      failed: (trouble) => void (post.trouble = trouble),
    } satisfies Pick<OfficeWords, "failed" | "ready">);
    posts.set(index, post);
    void post.seat.exited.then(async (ending) => {
      callOff();
      if (posts.get(index) === post) posts.delete(index);
      await within(post.host.leaves(), LEAVE_MS, clock);
      resolve(post.trouble ?? explainEnd(index, ending));
      if (!isStopping && (post.isServing || isAnother)) await replace(post, ending);
    });
    return promise;
  };

  const beginFirst = async (index: number): Promise<Trouble | null> => {
    try {
      return await begin(index, false);
    } catch (error) {
      return explainUnbegun(index, error);
    }
  };

  const open = (index: number, words: Record<string, unknown>): Pick<Post<Own>, "host" | "seat"> => {
    const seat = init.beginSeat({
      index,
      offer: words as OfficeWords,
      onHear() {
        const post = posts.get(index);
        if (post?.seat === seat) post.silent = 0;
      },
      onFault: (error) => log.error("A worker asked for what could not be done", { worker: index, error }),
    });
    return { seat, host: init.host(index) };
  };

  const replace = async ({ seat, trouble }: Post<Own>, ending: Ending): Promise<void> => {
    const { index, pid } = seat;
    ended++;
    const reason = trouble?.message ?? ending.signal ?? `exit code ${ending.code}`;
    const level = ending.code === EXIT.ok ? "info" : "error";
    await beginAgain(index, reason, (waitMs) =>
      log[level]("A worker ended; another one takes its place", { worker: index, pid, reason, in_ms: waitMs }),
    );
  };

  /** After a while, of which `tell` is told. */
  const beginAgain = async (index: number, reason: string, tell: (waitMs: number) => void): Promise<void> => {
    const waitMs = patience.ended(index);
    if (waitMs === null) {
      log.error("Workers end again and again, and none serves for long: the gateway stops", { worker: index, reason });
      failed.resolve();
      return;
    }
    tell(waitMs);
    init.onLoss();
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.after(waitMs, resolve);
    await promise;
    if (isStopping) return;
    try {
      const found = await begin(index, true);
      if (found === null) log.info("A worker serves in the place of the one that ended", { worker: index });
    } catch (error) {
      // The system has no process to give, say.
      await beginAgain(index, explainError(error), (againMs) =>
        log.error("A worker could not be begun; it is tried again", { worker: index, error, in_ms: againMs }),
      );
    }
  };

  /** One that hears nothing any more, and still gets its part of the connections, is worse than none. */
  const lookAgainAndAgain = (): void => {
    clock.after(LOOK_MS, () => {
      if (isStopping) return;
      for (const post of posts.values()) {
        if (!post.isServing || ++post.silent !== MOST_SILENT) continue;
        post.trouble ??= { message: "it did not answer any more", hint: undefined, exitCode: EXIT.failed };
        log.error("A worker does not answer any more and is ended", { worker: post.seat.index, pid: post.seat.pid });
        post.seat.kill();
      }
      lookAgainAndAgain();
    });
  };

  const stop = async (): Promise<void> => {
    isStopping = true;
    const all = [...posts.values()].map(({ seat }) => seat);
    const gone = Promise.all(all.map(({ exited }) => exited));
    for (const { line } of all) line.tell("cut");
    if ((await within(gone, CUT_MS, clock)) !== null) return;
    for (const seat of all) seat.kill();
    if ((await within(gone, KILL_MS, clock)) === null) log.error("Workers that were killed are still there");
  };

  return {
    count: () => ({ serving: [...posts.values()].filter(({ isServing }) => isServing).length, ended }),
    hosts: () => new Map([...posts].map(([index, { host }]) => [index, host])),
    each(work, but = null) {
      for (const [index, { seat }] of posts) if (index !== but) work(seat.line);
    },
    async askAll(work) {
      const all = [...posts.values()].map(({ seat, host }) => work(seat.line, host).catch(() => undefined));
      await within(Promise.all(all), ANSWER_MS, clock);
    },
    async open() {
      const indexes = Array.from({ length: init.count }, (_, position) => position + 1);
      const troubles = await Promise.all(indexes.map(beginFirst));
      const trouble = troubles.find((each) => each !== null);
      // Who was told to stop meanwhile need not serve.
      if (trouble !== undefined && trouble !== null && !isStopping) {
        await stop();
        throw new CliError(trouble.message, { exitCode: trouble.exitCode as ExitCode, hint: trouble.hint });
      }
      lookAgainAndAgain();
    },
    failed: failed.promise,
    isStopping: () => isStopping,
    drain() {
      isStopping = true;
      for (const { seat } of posts.values()) seat.line.tell("stop");
    },
    stop,
  };
}

function explainEnd(index: number, { code, signal }: Ending): Trouble {
  return {
    message: `Worker ${index} ended before it could serve (${signal ?? `exit code ${code}`}).`,
    hint: "The log says why.",
    exitCode: EXIT.failed,
  };
}

function explainUnbegun(index: number, error: unknown): Trouble {
  return {
    message: `Worker ${index} could not be begun: ${explainError(error)}`,
    hint: "See that this user may start further processes (ulimit -u, TasksMax, a container's limit) and that /dev/null is there; or set workers = 1.",
    exitCode: EXIT.failed,
  };
}

function explainSlow(index: number): Trouble {
  return {
    message: `Worker ${index} did not serve within ${BEGIN_MS / 1000} s of its beginning.`,
    hint: "The machine may be too busy, or too small, for so many workers: say fewer.",
    exitCode: EXIT.failed,
  };
}
