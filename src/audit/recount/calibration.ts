// Learns from a provider's own figures how many tokens it counts for each of ours, and how sure that is. Knows no text and no model.

import type { Prior } from "./profile.ts";

/** What one series of rows has taught: rows of one provider, model and kind, of input or of output. */
export interface Learned {
  /** Rows that it rests on. */
  rows: number;
  /** Their weights together. */
  weight: number;
  /** Weighted mean of the provider's count over ours. */
  ratio: number;
  /** Weighted sum of squared deviations from it. */
  squares: number;
}

export const NOTHING_LEARNED: Learned = Object.freeze({ rows: 0, weight: 0, ratio: 1, squares: 0 });

export interface Estimate {
  tokens: number;
  low: number;
  high: number;
  /** What a token of ours was taken for. */
  ratio: number;
  rows: number;
}

/** Half the interval in standard deviations: of a thousand honest rows three lie outside. */
export const INTERVAL_SIGMAS = 3;
/** Of tokens around the text that no ratio covers: a short row tells less than a long one. */
const AROUND_TOKENS = 60;
/** What the prior counts for, in rows. */
const PRIOR_ROWS = 2;
/** From so many rows on the spread that they show themselves is worth more than the one that was guessed. */
const FEW_ROWS = 10;
/** Nobody's counting is taken for steadier than this. */
const LEAST_SPREAD = 0.01;
/** Older rows fade: a provider may change its ways. */
const MEMORY_ROWS = 1_000;
/** No tokenizer makes more of a text: who reports more of it is not measured by what he reports. */
const MOST_RATIO = 3;
/** Marks that nothing explains. */
const SLACK_TOKENS = 2;

/** The weight of a row: the variance of its ratio is `spread² · (1 + around/ours)`, as marks around the text count for more in a short one. */
function weigh(ours: number): number {
  return ours / (ours + AROUND_TOKENS);
}

/** With one more row in which the provider counted `theirs`. */
export function learn(from: Learned, ours: number, theirs: number): Learned {
  if (ours <= 0 || theirs <= 0 || theirs > MOST_RATIO * (ours + AROUND_TOKENS)) return from;
  const fade = from.rows >= MEMORY_ROWS ? 1 - 1 / MEMORY_ROWS : 1;
  const added = weigh(ours);
  const weight = from.weight * fade + added;
  const off = theirs / ours - from.ratio;
  const ratio = from.ratio + (off * added) / weight;
  return {
    rows: Math.min(from.rows + 1, MEMORY_ROWS),
    weight,
    ratio,
    squares: from.squares * fade + added * off * (theirs / ours - ratio),
  };
}

/**
 * What the provider should have counted, between bounds of three standard deviations. The prior counts like a few rows, so that with the
 * provider's history the mean goes to what it really does, and the spread to how steadily it does so.
 */
export function estimate(ours: number, learned: Learned, prior: Prior): Estimate {
  const priorWeight = PRIOR_ROWS * weigh(10 * AROUND_TOKENS);
  const ratio =
    (prior.ratio * priorWeight * fadePrior(learned) + learned.ratio * learned.weight) /
    (priorWeight * fadePrior(learned) + learned.weight);
  const priorRows = PRIOR_ROWS / (1 + (learned.rows / FEW_ROWS) ** 2);
  const spread = Math.sqrt(
    Math.max(
      LEAST_SPREAD ** 2,
      (priorRows * prior.spread ** 2 + learned.squares) / (priorRows + Math.max(0, learned.rows - 1)),
    ),
  );
  // Of one row, and of the mean itself.
  const variance = spread ** 2 * (1 / Math.max(weigh(ours), 1e-3) + 1 / (learned.weight + 1));
  const half = INTERVAL_SIGMAS * ours * Math.sqrt(variance) + SLACK_TOKENS;
  const tokens = Math.round(ours * ratio);
  return {
    tokens,
    low: Math.max(0, Math.floor(ours * ratio - half)),
    high: Math.ceil(ours * ratio + half),
    ratio,
    rows: learned.rows,
  };
}

/** The first guess of the mean is soon worth nothing beside what the provider itself has shown. */
function fadePrior({ rows }: Learned): number {
  return 1 / (1 + rows ** 2);
}
