// Sums of what providers counted beyond our own count, in tokens and in money, each between the bounds of what we cannot know.
// Pure. Knows no database and no price list.

import type { JsonObject } from "../ir/index.ts";
import type { LedgerEntry, Recount } from "../ledger/index.ts";
import { formatUsd } from "../ledger/index.ts";
import { INTERVAL_SIGMAS } from "./recount/calibration.ts";

/** A call as it is booked, corrections and all, and its recount; null where there is none. */
export interface AuditedCall {
  entry: LedgerEntry;
  recount: Recount | null;
}

/** What a row's input and its output cost, in nano-dollars; null where that is unknown. */
export type SplitCost = (entry: LedgerEntry) => { input: number; output: number } | null;

/** A sum, and the bounds within which the true one lies with 95 % confidence. */
interface Interval {
  sum: number;
  low: number;
  high: number;
}

/** Of every call in a group. */
export interface TokenFigures {
  rows: number;
  counted: number;
  exact: number;
  estimated: number;
  /** By reason. */
  skipped: Map<string, number>;
  over: number;
  under: number;
  /** Of the calls that were counted, and of these the sides that were. */
  providerTokens: number;
  ourTokens: number;
  /** Of the calls that were counted, those whose cost nobody knows: they are in no sum of money. */
  unpriced: number;
  /** Thoughts that were not shown: the provider's word is all there is. */
  unverifiedTokens: number;
  all: Difference;
  /** Of the flagged rows alone. */
  overBilled: Difference;
  underBilled: Difference;
}

/**
 * How sums get their bounds. Each side of a row has its own: of an exact count the few marks that may be counted or not, of an estimate three
 * standard deviations. Errors of single rows are independent and add up as squares. What one ratio was learned from too few rows for errs in
 * the same direction everywhere: of a row whose ratio rests on n rows, 1/(n+1) of the variance is such, and adds up plainly, as do marks.
 * Both together at 1.96 standard deviations are the interval of 95 %.
 */
class Difference {
  #sum = 0;
  #squaresBelow = 0;
  #squaresAbove = 0;
  #plainBelow = 0;
  #plainAbove = 0;

  add({ difference, below, above, rows, isExact }: RowDifference, unit = 1): void {
    this.#sum += difference * unit;
    if (isExact) {
      this.#plainBelow += below * unit;
      this.#plainAbove += above * unit;
      return;
    }
    const common = 1 / (rows + 1);
    const [downward, upward] = [(below / INTERVAL_SIGMAS) * unit, (above / INTERVAL_SIGMAS) * unit];
    this.#squaresBelow += downward ** 2 * (1 - common);
    this.#squaresAbove += upward ** 2 * (1 - common);
    this.#plainBelow += SIGMAS * downward * Math.sqrt(common);
    this.#plainAbove += SIGMAS * upward * Math.sqrt(common);
  }

  /** Whole numbers, the bounds rounded outwards. */
  read(): Interval {
    return {
      sum: Math.round(this.#sum),
      low: Math.floor(this.#sum - SIGMAS * Math.sqrt(this.#squaresBelow) - this.#plainBelow),
      high: Math.ceil(this.#sum + SIGMAS * Math.sqrt(this.#squaresAbove) + this.#plainAbove),
    };
  }
}

const SIGMAS = 1.96;

/** One side of one row: the provider's count less ours, and how far that may be off. */
interface RowDifference {
  difference: number;
  /** By how much the difference may be smaller, as we may have counted too little. */
  below: number;
  above: number;
  /** That the row's ratio rests on. */
  rows: number;
  isExact: boolean;
}

/** What is known of one row's tokens, and of its cost. */
export interface TokenSums extends TokenFigures {
  cost: { all: Difference; overBilled: Difference; underBilled: Difference };
}

export function startFigures(): TokenSums {
  return {
    rows: 0,
    counted: 0,
    exact: 0,
    estimated: 0,
    skipped: new Map(),
    over: 0,
    under: 0,
    providerTokens: 0,
    ourTokens: 0,
    unpriced: 0,
    unverifiedTokens: 0,
    all: new Difference(),
    overBilled: new Difference(),
    underBilled: new Difference(),
    cost: { all: new Difference(), overBilled: new Difference(), underBilled: new Difference() },
  };
}

export function addCall(into: TokenSums, { entry, recount }: AuditedCall, splitCost: SplitCost): void {
  into.rows++;
  if (recount === null || recount.state === "skipped") {
    const reason = recount?.reason ?? "not_counted";
    into.skipped.set(reason, (into.skipped.get(reason) ?? 0) + 1);
    return;
  }
  into.counted++;
  if (recount.method === "exact") into.exact++;
  else into.estimated++;
  if (recount.verdict === "over") into.over++;
  if (recount.verdict === "under") into.under++;
  const cost = splitCost(entry);
  if (cost === null) into.unpriced++;
  for (const side of listSides(entry, recount)) {
    if (side.difference === null) {
      into.unverifiedTokens += side.theirs;
      continue;
    }
    into.providerTokens += side.theirs;
    into.ourTokens += side.theirs - side.difference.difference;
    into.unverifiedTokens += side.unverified;
    const rate = cost === null || side.theirs === 0 ? 0 : cost[side.name] / side.theirs;
    into.all.add(side.difference);
    into.cost.all.add(side.difference, rate);
    if (recount.verdict !== "over" && recount.verdict !== "under") continue;
    const where = recount.verdict === "over" ? "overBilled" : "underBilled";
    into[where].add(side.difference);
    into.cost[where].add(side.difference, rate);
  }
}

interface SideFigures {
  name: "input" | "output";
  theirs: number;
  /** Null where there is no telling, for thoughts that nobody told of may be among them. */
  difference: RowDifference | null;
  unverified: number;
}

/** The sides that were counted. */
export function listSides(entry: LedgerEntry, recount: Recount): SideFigures[] {
  const { freshInputTokens: fresh, cacheReadTokens: read, cacheWriteTokens: write } = entry;
  const [input, output] = readRows(recount.tokenizer ?? "");
  const isExact = recount.method === "exact";
  const sides: SideFigures[] = [];
  if (fresh !== null && recount.inputTokens !== null) {
    const theirs = fresh + (read ?? 0) + (write ?? 0);
    const bounds = { tokens: recount.inputTokens, low: recount.inputLow, high: recount.inputHigh };
    const difference = subtract(theirs, bounds, { rows: input, isExact });
    sides.push({ name: "input", theirs, difference, unverified: 0 });
  }
  if (entry.outputTokens !== null && recount.outputTokens !== null) {
    const theirs = entry.outputTokens;
    const thoughts = isExact ? 0 : (entry.reasoningTokens ?? 0);
    // For thoughts there is the provider's word: they are no part of what is in doubt, and told apart.
    const bounds = {
      tokens: recount.outputTokens,
      low: Math.min(recount.outputTokens, (recount.outputLow ?? 0) + thoughts),
      high: recount.outputHigh,
    };
    const difference = bounds.high === null ? null : subtract(theirs, bounds, { rows: output, isExact });
    sides.push({
      name: "output",
      theirs,
      difference,
      unverified: difference === null ? 0 : Math.min(thoughts, theirs),
    });
  }
  return sides;
}

function subtract(
  theirs: number,
  { tokens, low, high }: { tokens: number; low: number | null; high: number | null },
  { rows, isExact }: Pick<RowDifference, "isExact" | "rows">,
): RowDifference {
  return {
    difference: theirs - tokens,
    below: Math.max(0, (high ?? tokens) - tokens),
    above: Math.max(0, tokens - (low ?? tokens)),
    rows,
    isExact,
  };
}

/** Of `o200k_base x1.1870(33)/1.0400(12)` 33 and 12; 0 where nothing is said. */
function readRows(tokenizer: string): [input: number, output: number] {
  const [, input, output] = / x[\d.]+(?:\((\d+)\))?\/[\d.]+(?:\((\d+)\))?$/u.exec(tokenizer) ?? [];
  return [Number(input ?? 0), Number(output ?? 0)];
}

export function printFigures(figures: TokenSums): JsonObject {
  // Where no call has a price, what was billed too much of it is not known, and not nothing.
  const printCost = (difference: Difference): JsonObject | null =>
    figures.unpriced > 0 && figures.unpriced === figures.counted ? null : printMoney(difference.read());
  return {
    rows: figures.rows,
    counted: figures.counted,
    exact: figures.exact,
    estimated: figures.estimated,
    skipped: Object.fromEntries([...figures.skipped].toSorted(([left], [right]) => (left < right ? -1 : 1))),
    flagged_over: figures.over,
    flagged_under: figures.under,
    provider_tokens: figures.providerTokens,
    our_tokens: figures.ourTokens,
    unverified_tokens: figures.unverifiedTokens,
    unpriced: figures.unpriced,
    difference_tokens: { ...figures.all.read() },
    difference_usd: printCost(figures.cost.all),
    over_billed_tokens: { ...figures.overBilled.read() },
    over_billed_usd: printCost(figures.cost.overBilled),
    under_billed_tokens: { ...figures.underBilled.read() },
    under_billed_usd: printCost(figures.cost.underBilled),
  };
}

function printMoney({ sum, low, high }: Interval): JsonObject {
  return { sum: formatUsd(sum), low: formatUsd(low), high: formatUsd(high) };
}
