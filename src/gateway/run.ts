// Answers that are made in the background: who makes them, how to follow and how to end them. Knows no format and no SQL.

import { type GatewayError, GatewayError as Failure, toGatewayError } from "../ir/index.ts";
import type { Clock } from "../lib/clock.ts";
import { createLru } from "../lib/lru.ts";
import type { AnswerStore, KeptAnswer } from "./answer-store.ts";
import type { Presence } from "./presence.ts";

/** Why a run ends before its answer is complete: its owner wants no more of it, or this process stops. */
export type RunEnd = "cancelled" | "stopped";

/** The making of one answer in this process. */
export interface Run {
  id: string;
  userId: string;
  /** Why it is to end; null while it is not. */
  ended(): RunEnd | null;
  end(reason: RunEnd): void;
  /** Called once it is to end, or was told; at once where that is so already. */
  onEnd(action: () => void): void;
  /** Its provider, which makes it, has told somebody else how it ended: nobody need ask any more. */
  tell(answer: string): void;
  /** The answer's text as it was told; null before. */
  told(): string | null;
  /** Another piece of its stream, for whoever follows it. */
  push(piece: string): void;
  /** The pieces so far and those to come; ends with the run, or once whoever follows is gone. */
  follow(presence?: Presence): AsyncGenerator<string>;
  /** Says in the database how it looks now. */
  renew(body: string): Promise<void>;
  /** It is over, whatever came of it. */
  close(): void;
}

interface Runs {
  /** One of the places of an owner; what is answered gives it back. Throws rate_limited where there is none. */
  takePlace(userId: string): () => void;
  begin(answer: Omit<KeptAnswer, "leaseUntil">): Promise<Run>;
  /** One that leaves no trace in the database. */
  track(answer: Pick<KeptAnswer, "body" | "id" | "userId">): Run;
  find(id: string, userId: string): Run | null;
  /** The pieces of the stream of one that is over since shortly; none where nobody has them any more. */
  readEnded(id: string, userId: string): readonly string[];
  /** Ends all of them, and waits until they are closed. */
  stop(): Promise<void>;
}

interface RunsInit {
  store: Pick<AnswerStore, "put" | "renew">;
  clock: Clock;
  onFault: (error: GatewayError) => void;
}

/** Of one owner at a time. */
const MAX_RUNS = 100;

/** A maker that has been silent for so long is dead. */
const LEASE_MS = 60_000;
const RENEW_MS = 20_000;

/** Whoever lost his connection comes back for what he missed, by its number, which only the pieces have: no other stream of the answer is cut as this one was. */
const ENDED_MS = 10 * 60_000;
const MAX_ENDED_BYTES = 32 * 1024 * 1024;

export function createRuns(init: RunsInit): Runs {
  const ended = createLru<readonly string[]>({ maxBytes: MAX_ENDED_BYTES, nowMs: init.clock.monotonicMs });
  const keepEnded = (name: string, pieces: readonly string[]): void => {
    if (pieces.length === 0) return;
    const bytes = 2 * pieces.reduce((sum, { length }) => sum + length, 0);
    ended.put(name, pieces, { bytes, expiresMs: init.clock.monotonicMs() + ENDED_MS });
  };
  /** By owner and id: two providers may give one id to two owners. */
  const running = new Map<string, Run>();
  let onNone: (() => void) | null = null;
  /** Places that are taken, by owner. */
  const taken = new Map<string, number>();
  const track = (answer: Parameters<Runs["track"]>[0], giveBack?: () => void): Run => {
    const name = nameRun(answer);
    const run = startRun(answer, init, (pieces) => {
      giveBack?.();
      keepEnded(name, pieces);
      if (running.get(name) === run) running.delete(name);
      if (running.size === 0) onNone?.();
    });
    running.set(name, run);
    return run;
  };
  const takePlace = (userId: string): (() => void) => {
    const count = taken.get(userId) ?? 0;
    if (count >= MAX_RUNS) {
      throw new Failure({
        kind: "rate_limited",
        message: `There are ${MAX_RUNS} answers being made for you in the background. Wait for one of them, or cancel it.`,
        retryAfterMs: 5_000,
      });
    }
    taken.set(userId, count + 1);
    let isBack = false;
    return () => {
      if (isBack) return;
      isBack = true;
      const left = (taken.get(userId) ?? 0) - 1;
      if (left > 0) taken.set(userId, left);
      else taken.delete(userId);
    };
  };
  return {
    takePlace,
    async begin(answer) {
      // Counted from now on, before it is durable: of many that are asked for at once no more begin than may.
      const run = track(answer, takePlace(answer.userId));
      const leaseUntil = new Date(init.clock.wallMs() + LEASE_MS);
      try {
        await init.store.put([{ ...answer, leaseUntil, items: [] }]);
      } catch (error) {
        run.close();
        throw error;
      }
      return run;
    },
    track: (answer) => track(answer),
    find: (id, userId) => running.get(nameRun({ id, userId })) ?? null,
    readEnded: (id, userId) => ended.get(nameRun({ id, userId })) ?? [],
    async stop() {
      if (running.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onNone = resolve;
      for (const run of running.values()) run.end("stopped");
      await promise;
    },
  };
}

function nameRun({ id, userId }: Pick<KeptAnswer, "id" | "userId">): string {
  return `${userId}/${id}`;
}

function startRun(
  answer: Pick<KeptAnswer, "body" | "id" | "userId">,
  { store, clock, onFault }: RunsInit,
  onClose: (pieces: readonly string[]) => void,
): Run {
  const pieces: string[] = [];
  let { body } = answer;
  let reason: RunEnd | null = null;
  let told: string | null = null;
  let isClosed = false;
  let onEnd: (() => void) | null = null;
  let wake = Promise.withResolvers<void>();
  let cancelRenewal: (() => void) | null = null;

  const signal = (): void => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  const end = (why: RunEnd): void => {
    if (reason !== null || isClosed) return;
    reason = why;
    onEnd?.();
  };
  const renew = async (): Promise<void> => {
    cancelRenewal?.();
    try {
      const until = new Date(clock.wallMs() + LEASE_MS);
      if (!(await store.renew({ id: answer.id, userId: answer.userId, body }, until))) end("cancelled");
    } catch (error) {
      onFault(toGatewayError(error));
    }
    if (!isClosed) cancelRenewal = clock.after(RENEW_MS, () => void renew());
  };

  return {
    id: answer.id,
    userId: answer.userId,
    ended: () => reason,
    end,
    onEnd(action) {
      onEnd = action;
      if (reason !== null || told !== null) action();
    },
    tell(text) {
      if (told !== null || isClosed) return;
      told = text;
      onEnd?.();
    },
    told: () => told,
    push(piece) {
      pieces.push(piece);
      signal();
    },
    async *follow(presence) {
      presence?.addEventListener("abort", signal);
      for (let index = 0; presence?.aborted !== true;) {
        const piece = pieces[index];
        if (piece !== undefined) {
          index++;
          yield piece;
        } else if (isClosed) return;
        else await wake.promise;
      }
    },
    async renew(next) {
      body = next;
      await renew();
    },
    close() {
      isClosed = true;
      cancelRenewal?.();
      onClose(pieces);
      signal();
    },
  };
}
