// Delivers notices: each target has a line of its own, so that one which is down holds up no other, and nobody ever waits for any.
// Knows no channel's workings.

import { hash } from "node:crypto";
import type { Clock } from "../lib/clock.ts";
import { sendToFile } from "./file.ts";
import { sendToLog } from "./log.ts";
import { sendByMail } from "./mail.ts";
import type { Notice, Send, World } from "./notice.ts";
import type { NoticeShelf, Waiting } from "./shelf.ts";
import { nameTarget, type Target } from "./target.ts";
import { putIntoStore, sendToWebhook } from "./web.ts";

const CHANNELS = {
  file: sendToFile,
  log: sendToLog,
  mail: sendByMail,
  object: putIntoStore,
  webhook: sendToWebhook,
} as const satisfies { [K in Target["kind"]]: Send<Extract<Target, { kind: K }>> };

export interface Notifier {
  /** Hands it to every target and returns at once. */
  deliver(notice: Notice): void;
  /** Tries what waits once more, without pauses; resolves when all is delivered or given up, or after `limitMs`. */
  stop(limitMs: number): Promise<void>;
}

interface NotifierInit extends World {
  targets: readonly Target[];
  clock: Clock;
  /** Where what waits outlives the process; without it, that is lost with it. */
  shelf?: NoticeShelf;
}

/** Pauses before the next try; after the last one a notice is given up. */
const PAUSES_MS: readonly number[] = [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000];
/** Of one target. The oldest goes first: where notices build on each other, the newest says most. */
const MAX_WAITING = 100;

export function createNotifier(init: NotifierInit): Notifier {
  const { shelf, log } = init;
  const keep = (): void => {
    try {
      shelf?.save(lanes.flatMap((lane) => lane.waiting()));
    } catch (error) {
      log.warn("Notices that wait cannot be kept for the next start", { error });
    }
  };
  const lanes = init.targets.map((target) => createLane(target, init, keep));
  const kept = shelf?.load() ?? [];
  for (const { target, notice } of kept) lanes.find((lane) => lane.id === target)?.add(notice);
  // Whom they were for is configured no more, or otherwise: of a target that was, only a name is kept that tells nothing.
  const strays = kept.filter(({ target }) => lanes.every((lane) => lane.id !== target));
  for (const { notice } of strays)
    log.error("A notice was given up", {
      subject: notice.subject,
      reason: "whom it was for is not configured any more",
    });
  if (strays.length > 0) keep();
  return {
    deliver(notice) {
      for (const lane of lanes) lane.add(notice);
      keep();
    },
    async stop(limitMs) {
      const { promise: tooLate, resolve } = Promise.withResolvers<void>();
      const callOff = init.clock.after(limitMs, resolve);
      await Promise.race([tooLate, Promise.all(lanes.map((lane) => lane.stop()))]);
      callOff();
      for (const lane of lanes) lane.giveUp();
    },
  };
}

interface Lane {
  /** Of its target, and the same at the next start. */
  id: string;
  waiting(): Waiting[];
  add(notice: Notice): void;
  /** Tells what was not delivered in time. */
  giveUp(): void;
  stop(): Promise<void>;
}

function createLane(target: Target, { clock, shelf, ...world }: NotifierInit, keep: () => void): Lane {
  const id = hash("sha256", JSON.stringify(target), "base64url");
  const waiting: Notice[] = [];
  /** Not delivered when the gateway stopped, and kept for the next one. */
  const left: Notice[] = [];
  const idle = Promise.withResolvers<void>();
  let isSending = false;
  let isStopping = false;
  let isOver = false;
  let failures = 0;
  let callOffPause: (() => void) | null = null;

  const go = (): void => {
    const [notice] = waiting;
    if (isSending || callOffPause !== null) return;
    if (notice === undefined) {
      if (isStopping) idle.resolve();
      return;
    }
    isSending = true;
    send(target, notice, world).then(
      () => finish(notice, null),
      (error: unknown) => finish(notice, error),
    );
  };

  const finish = (notice: Notice, error: unknown): void => {
    isSending = false;
    if (isOver) {
      // Left for the next start, and arrived after all.
      const late = left.indexOf(notice);
      if (error === null && late !== -1) left.splice(late, 1);
      return keep();
    }
    const pauseMs = error === null || isStopping ? undefined : PAUSES_MS[failures];
    if (error !== null) tell(notice, error, pauseMs);
    if (pauseMs === undefined) {
      if (waiting[0] === notice) waiting.shift();
      if (error !== null && isStopping && shelf !== undefined) left.push(notice);
      failures = 0;
      keep();
      go();
      return;
    }
    failures++;
    callOffPause = clock.after(pauseMs, () => {
      callOffPause = null;
      go();
    });
  };

  const lose = (subject: string, reason: string): void =>
    world.log.error("A notice was given up", { target: nameTarget(target), subject, reason });

  const leave = (subject: string, reason: string): void =>
    world.log.warn("A notice could not be delivered; the next start tries it again", {
      target: nameTarget(target),
      subject,
      reason,
    });

  const tell = ({ subject }: Notice, error: unknown, pauseMs: number | undefined): void => {
    const reason = error instanceof Error ? error.message : String(error);
    if (pauseMs === undefined)
      return isStopping && shelf !== undefined ? leave(subject, reason) : lose(subject, reason);
    const fields = { target: nameTarget(target), subject, reason, again_in_ms: pauseMs };
    world.log.warn("A notice could not be delivered; it is tried again", fields);
  };

  return {
    id,
    waiting: () => [...left, ...waiting].map((notice) => ({ target: id, notice })),
    add(notice) {
      waiting.push(notice);
      // The first may be on its way.
      if (waiting.length > MAX_WAITING) {
        const [lost] = waiting.splice(isSending ? 1 : 0, 1);
        lose(lost?.subject ?? "", `more than ${MAX_WAITING} wait for this target`);
      }
      go();
    },
    giveUp() {
      isOver = true;
      if (shelf !== undefined) left.push(...waiting);
      for (const { subject } of waiting.splice(0))
        if (shelf === undefined) lose(subject, "the gateway stopped");
        else leave(subject, "the gateway stopped");
    },
    stop() {
      isStopping = true;
      callOffPause?.();
      callOffPause = null;
      go();
      return idle.promise;
    },
  };
}

function send(target: Target, notice: Notice, world: World): Promise<void> {
  // The table pairs each kind with a channel of that very kind.
  const channel: Send<never> = CHANNELS[target.kind];
  return channel(target as never, notice, world);
}
