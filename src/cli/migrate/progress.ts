// The bar of a long move, one for each thing that is done, with how fast it goes and how long it will still take; where nobody looks on, a line from
// time to time. Knows no database.

import { type Progress, say, startProgress } from "../output.ts";

const EVERY_MS = 100;
/** Where stderr is no terminal. */
const LINE_EVERY_MS = 10_000;
/** Before that, the speed is no more than a guess. */
const LEAST_MS = 500;

interface Stage {
  doing: string;
  progress: Progress;
  /** When it began, and with how much: what an earlier run had done is no speed of this one. */
  sinceMs: number;
  from: number;
  drawnMs: number;
  saidMs: number;
}

export interface Stages {
  update(doing: string, done: number, total: number): void;
  end(): void;
}

/** @param nowMs by a clock that does not jump */
export function startStages(nowMs: () => number = () => performance.now()): Stages {
  let stage: Stage | null = null;
  const begin = (doing: string, done: number): Stage => {
    stage?.progress.end();
    const sinceMs = nowMs();
    const drawnMs = Number.NEGATIVE_INFINITY;
    return { doing, progress: startProgress(doing), sinceMs, from: done, drawnMs, saidMs: sinceMs };
  };
  return {
    update(doing, done, total) {
      if (stage?.doing !== doing) stage = begin(doing, done);
      const now = nowMs();
      if (now - stage.drawnMs < EVERY_MS && done < total) return;
      stage.drawnMs = now;
      const pace = printPace({ done: done - stage.from, left: total - done, ms: now - stage.sinceMs });
      stage.progress.update(done, total, pace);
      if (process.stderr.isTTY || now - stage.saidMs < LINE_EVERY_MS) return;
      stage.saidMs = now;
      say(`${doing}: ${done} of ${total}${pace}`);
    },
    end: () => stage?.progress.end(),
  };
}

interface Pace {
  done: number;
  left: number;
  ms: number;
}

/** Empty where it cannot be told yet. */
export function printPace({ done, left, ms }: Pace): string {
  if (ms < LEAST_MS || done <= 0) return "";
  const perSecond = (done * 1_000) / ms;
  return `, ${Math.round(perSecond)} rows/s, ${printSeconds(Math.ceil(left / perSecond))} left`;
}

function printSeconds(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const two = (number: number): string => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
