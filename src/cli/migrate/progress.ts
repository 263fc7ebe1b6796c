// The bar of a long move, one for each thing that is done. Knows no database.

import { type Progress, startProgress } from "../output.ts";

const EVERY_MS = 100;

export function startStages(): { update: (doing: string, done: number, total: number) => void; end: () => void } {
  let stage: { doing: string; progress: Progress } | null = null;
  let drawnMs = Number.NEGATIVE_INFINITY;
  return {
    update(doing, done, total) {
      if (stage?.doing !== doing) {
        stage?.progress.end();
        stage = { doing, progress: startProgress(doing) };
        drawnMs = Number.NEGATIVE_INFINITY;
      }
      const nowMs = performance.now();
      if (nowMs - drawnMs < EVERY_MS && done < total) return;
      drawnMs = nowMs;
      stage.progress.update(done, total);
    },
    end: () => stage?.progress.end(),
  };
}
