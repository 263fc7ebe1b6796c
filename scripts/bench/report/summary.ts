// What many rounds say together: medians with how far the rounds lie apart, and what each adds over the provider itself, round by round. Pure.

import type { Quantiles } from "../load/type.ts";
import type { Round } from "../run/round.ts";
import { type Spread, spread } from "./statistic.ts";

export interface Summary {
  rounds: number;
  requests: number;
  perSecond: Spread | null;
  /** Microseconds over what the provider itself took in the same round; null without it. */
  added: Record<QuantileName, Spread | null>;
  /** Likewise to the first piece of a stream, and of each piece on its way. */
  addedFirst: Record<QuantileName, Spread | null>;
  addedPiece: Record<QuantileName, Spread | null>;
  /** Microseconds, in all. */
  latency: Record<QuantileName, Spread | null>;
  cpuUs: Spread | null;
  pieceCpuUs: Spread | null;
  rssBytes: Spread | null;
  /** What the bench itself takes for a request. */
  loadUs: Spread | null;
  upstreamUs: Spread | null;
  faults: Faults;
  notes: Note[];
}

export type Note = "does not keep up" | "the bench was the limit";

/** Any of these makes a run void. */
export interface Faults {
  errors: Record<string, number>;
  missingRows: number;
  strayCalls: number;
}

export type QuantileName = Exclude<keyof Quantiles, "count">;

const QUANTILES = ["p50", "p90", "p99", "p999"] as const satisfies readonly QuantileName[];
/** From so many on a percentile says something. */
const LEAST = { p50: 5, p90: 30, p99: 300, p999: 1_000 } as const satisfies Record<QuantileName, number>;
/** A processor that is so busy has nothing left. */
const FULL = 0.9;

export function summarize(rounds: readonly Round[], direct: readonly Round[]): Summary {
  const of = (pick: (round: Round) => number): Spread | null => spread(rounds.map(pick));
  const added = (pick: (round: Round) => Quantiles | null) =>
    forEach((name) =>
      spread(
        rounds.flatMap((round, index) => {
          const base = direct[index];
          return base === undefined ? [] : [readQuantile(pick(round), name) - readQuantile(pick(base), name)];
        }),
      ),
    );
  return {
    rounds: rounds.length,
    requests: rounds.reduce((sum, { requests }) => sum + requests, 0),
    perSecond: of(({ requests, seconds }) => requests / seconds),
    added: added(({ latency }) => latency),
    addedFirst: added(({ first }) => first),
    addedPiece: added(({ piece }) => piece),
    latency: forEach((name) => of(({ latency }) => readQuantile(latency, name))),
    cpuUs: of(({ cpuUs }) => cpuUs),
    pieceCpuUs: of(({ pieceCpuUs }) => pieceCpuUs),
    rssBytes: of(({ rssBytes }) => rssBytes),
    loadUs: of(({ loadUs }) => loadUs),
    upstreamUs: of(({ upstreamUs }) => upstreamUs),
    faults: countFaults(rounds),
    notes: listNotes(rounds),
  };
}

/** In words, one for each; none where the run is good. */
export function listFaults({ errors, missingRows, strayCalls }: Faults): string[] {
  return [
    ...Object.entries(errors).map(([name, count]) => `${count} requests failed (${name})`),
    ...(missingRows > 0 ? [`${missingRows} rows are missing from the ledger`] : []),
    ...(missingRows < 0 ? [`${-missingRows} rows of the ledger are of no request that was answered`] : []),
    ...(strayCalls > 0 ? [`${strayCalls} calls came to the provider beyond those that were answered`] : []),
    ...(strayCalls < 0 ? [`${-strayCalls} answers did not come from the provider`] : []),
  ];
}

function countFaults(rounds: readonly Round[]): Faults {
  const faults: Faults = { errors: {}, missingRows: 0, strayCalls: 0 };
  for (const { errors, missingRows, strayCalls } of rounds) {
    for (const [name, count] of Object.entries(errors)) faults.errors[name] = (faults.errors[name] ?? 0) + count;
    // What is missing in one round is not made up for by what another has too many.
    if (Math.abs(missingRows ?? 0) > Math.abs(faults.missingRows)) faults.missingRows = missingRows ?? 0;
    if (Math.abs(strayCalls) > Math.abs(faults.strayCalls)) faults.strayCalls = strayCalls;
  }
  return faults;
}

function listNotes(rounds: readonly Round[]): Note[] {
  const notes: Note[] = [];
  if (rounds.some(({ unsent }) => unsent > 0)) notes.push("does not keep up");
  const isBound = ({ busy }: Round): boolean => busy.peer < FULL && busy.load + busy.upstream > FULL;
  if (rounds.length > 0 && rounds.filter(isBound).length * 2 > rounds.length) notes.push("the bench was the limit");
  return notes;
}

function readQuantile(quantiles: Quantiles | null, name: QuantileName): number {
  return quantiles === null || quantiles.count < LEAST[name] ? Number.NaN : (quantiles[name] ?? Number.NaN);
}

function forEach(make: (name: QuantileName) => Spread | null): Record<QuantileName, Spread | null> {
  const [p50, p90, p99, p999] = QUANTILES.map(make);
  return { p50: p50 ?? null, p90: p90 ?? null, p99: p99 ?? null, p999: p999 ?? null };
}
