// Learns from a provider's own figures how many tokens it counts where its family usually counts one, and how sure that is; within what the
// family may count at all. Knows no text and no model.

import type { Range } from "./prior.ts";

/** What one series of rows has taught: rows of one provider, model and kind, of input or of output. */
export interface Learned {
  /** Rows that it rests on. */
  rows: number;
  /** Their weights together. */
  weight: number;
  /** Weighted mean of the provider's count over what is usual. */
  ratio: number;
  /** Weighted sum of squared deviations from it. */
  squares: number;
}

export const NOTHING_LEARNED: Learned = Object.freeze({ rows: 0, weight: 0, ratio: 1, squares: 0 });

export interface Estimate {
  tokens: number;
  low: number;
  high: number;
  /** How much of what is usual the provider was taken to count. */
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

/** With one more row in which the provider counted `theirs` where `ours` are usual. */
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
 * provider's history the mean goes to what it really does, and the spread to how steadily it does so; but neither leads beyond what no
 * honest count of such a text comes to. Who reports more from the first call on is not the measure of himself.
 */
export function estimate(expected: Range, learned: Learned): Estimate {
  const usual = Math.max(expected.usual, 1e-9);
  const noise = Math.sqrt(1 / Math.max(weigh(usual), 1e-3));
  const priorWeight = PRIOR_ROWS * weigh(10 * AROUND_TOKENS) * fadePrior(learned);
  const mean = (priorWeight + learned.ratio * learned.weight) / (priorWeight + learned.weight);
  const ratio = Math.min(Math.max(mean, expected.low / usual), expected.high / usual);
  const center = usual * ratio;
  // Of one row, and of the mean itself; a short row tells less.
  const deviations = INTERVAL_SIGMAS * usual * Math.sqrt(noise ** 2 + 1 / (learned.weight + 1));
  const [down, up] = [usual - expected.low, expected.high - usual];
  const half = (side: number): number => deviations * spreadOf(learned, side / usual / INTERVAL_SIGMAS) + SLACK_TOKENS;
  const beyond = (side: number): number => side * Math.max(0, noise - 1) + SLACK_TOKENS;
  return {
    tokens: Math.round(center),
    low: Math.max(0, Math.floor(Math.max(center - half(down), expected.low - beyond(down)))),
    high: Math.ceil(Math.min(center + half(up), expected.high + beyond(up))),
    ratio,
    rows: learned.rows,
  };
}

/** Of one row, relative: guessed at first, then what the rows show themselves. */
function spreadOf({ rows, squares }: Learned, guessed: number): number {
  const priorRows = PRIOR_ROWS / (1 + (rows / FEW_ROWS) ** 2);
  const square = (priorRows * guessed ** 2 + squares) / (priorRows + Math.max(0, rows - 1));
  return Math.sqrt(Math.max(LEAST_SPREAD ** 2, square));
}

/** The first guess of the mean is soon worth nothing beside what the provider itself has shown. */
function fadePrior({ rows }: Learned): number {
  return 1 / (1 + rows ** 2);
}
