// A bindery in a thread of its own, which is started anew should it end. Knows no SQL.

import type { Bindery, BinderyInit } from "./bindery.ts";
import type { BinderyAsk, BinderyOrder, BinderyWord } from "./bindery-serve.ts";
import type { Place } from "./journal/disk.ts";

const RESTART_MS = 1_000;
/** For the last transaction, beyond what a close is given for the delivery. */
const CLOSE_GRACE_MS = 10_000;

type Asked = Exclude<BinderyAsk, { type: "guestWrote" | "open" | "wrote" }>;
/** Without its number. */
type Question = Asked extends infer One ? (One extends Asked ? Omit<One, "id"> : never) : never;

export function startBindery(
  startThread: () => Worker,
  order: BinderyOrder,
  { after, onState, onTiding }: Pick<BinderyInit, "after" | "onState" | "onTiding">,
): Bindery {
  const waiting = new Map<number, PromiseWithResolvers<void>>();
  let worker: Worker | null = null;
  let isClosing = false;
  let last = 0;
  let end: Place | null = null;
  const guests = new Map<number, Place>();
  /** It ended, and the next one has not said anything yet. */
  let isLost = false;

  const start = (): void => {
    const started = startThread();
    worker = started;
    const lose = (why: string): void => {
      if (worker !== started) return;
      worker = null;
      const reason = `The thread that binds rows ended: ${why}`;
      for (const { reject } of waiting.values()) reject(new Error(reason));
      waiting.clear();
      if (isClosing) return;
      if (!isLost) onTiding({ type: "stuck", at: "binding", reason });
      isLost = true;
      after(RESTART_MS, () => {
        if (!isClosing) start();
      });
    };
    started.addEventListener("message", ({ data }: MessageEvent<BinderyWord>) => hear(data));
    started.addEventListener("error", ({ message }) => lose(message));
    started.addEventListener("close", () => lose("it was stopped"));
    started.unref();
    send(started, { type: "open", order });
    if (end !== null) send(started, { type: "wrote", end });
    for (const [slot, place] of guests) send(started, { type: "guestWrote", slot, end: place });
  };

  const hear = (word: BinderyWord): void => {
    if (isLost) onTiding({ type: "unstuck", at: "binding" });
    isLost = false;
    if (word.type === "state") onState(word.state);
    else if (word.type === "tiding") onTiding(word.tiding);
    else {
      const asked = waiting.get(word.id);
      waiting.delete(word.id);
      if (waiting.size === 0) worker?.unref();
      if (word.failure === null) asked?.resolve();
      else asked?.reject(new Error(word.failure));
    }
  };

  const ask = (question: Question): Promise<void> => {
    const asked = Promise.withResolvers<void>();
    if (worker === null) asked.reject(new Error("The thread that binds rows is being started anew."));
    else {
      const id = ++last;
      waiting.set(id, asked);
      // Whoever waits keeps the process alive.
      worker.ref();
      send(worker, { ...question, id });
    }
    return asked.promise;
  };

  /** What happens in time; whoever waits does not wait for ever. */
  const within = async (limitMs: number, work: Promise<void>): Promise<void> => {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = after(limitMs, resolve);
    await Promise.race([work.catch(() => undefined), late]);
    cancel();
  };

  start();
  return {
    wrote(place) {
      end = place;
      if (worker !== null) send(worker, { type: "wrote", end });
    },
    guestWrote(slot, place) {
      guests.set(slot, place);
      if (worker !== null) send(worker, { type: "guestWrote", slot, end: place });
    },
    guestLeaves(slot, place, isSettled) {
      guests.delete(slot);
      return ask({ type: "guestLeaves", slot, end: place, isSettled });
    },
    flush: (place, limitMs) => within(limitMs, ask({ type: "flush", end: place, limitMs })),
    keepHead: (head) => ask({ type: "keepHead", head }),
    adopt: () => ask({ type: "adopt" }),
    async close(place, limitMs, isSettled) {
      isClosing = true;
      await within(limitMs + CLOSE_GRACE_MS, ask({ type: "close", end: place, limitMs, isSettled }));
      const ended = worker;
      worker = null;
      ended?.terminate();
    },
  };
}

function send(worker: Worker, what: BinderyAsk): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  worker.postMessage(what);
}
