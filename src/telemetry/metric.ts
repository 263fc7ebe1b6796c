// What the gateway counts of itself: every instrument by its name. Counting is a few additions; the text is made when somebody asks for it.
// Knows no HTTP and no row: it is told what to count.

import { type Point, type Series, createHistogram, createSeries, findPoint, sumPoints } from "./series.ts";
import { type Tally, addTallies, tallyFigures } from "./tally.ts";

/** Of a settled row, what is counted. */
export interface CountedRow {
  endpoint: string;
  provider: string | null;
  modelServed: string | null;
  status: number;
  usageSource: string;
  freshInputTokens: number | null;
  cacheReadTokens: number | null;
  cacheWriteTokens: number | null;
  outputTokens: number | null;
  reasoningTokens: number | null;
  costNanos: number | null;
  errorKind: string | null;
  /** Calls to providers. */
  attempts: readonly { provider: string; errorKind: string | null; costNanos?: number | null }[];
}

/** What of a row's figures was spent at another provider than the one that it names. */
export interface CountedShare {
  provider: string;
  model: string;
  freshInputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costNanos: number;
}

/** A figure that somebody else keeps, read when the metrics are asked for. */
export type Gauge = SingleGauge | LabelledGauge;

interface GaugeName {
  name: string;
  about: string;
  /** Of several processes that serve as one, all know the same: it is told once. */
  isCommon?: true;
  /** Of several, the greatest holds. */
  isWorst?: true;
}

export interface SingleGauge extends GaugeName {
  /** True where it only ever grows. */
  isCounter?: true;
  /** Null where there is none at present: then it is left out. */
  read(): number | null;
}

/** One for each of several; whoever keeps them bounds how many. */
export interface LabelledGauge extends GaugeName {
  /** True where they only ever grow. */
  isCounter?: true;
  points(): readonly { labels: Readonly<Record<string, string>>; value: number }[];
}

export interface Metrics {
  /** A row that a request waited for is durable. */
  settled(row: CountedRow, elsewhere?: readonly CountedShare[]): void;
  /** One commit of the books. */
  committed(durationMs: number, rows: number): void;
  watch(gauges: readonly Gauge[]): void;
  /** What other processes counted, which serve with this one as one, is part of what is told. */
  include(others: () => Promise<readonly Tally[]>): void;
  /** What was counted here alone. */
  tally(): Tally;
  /** In the text format of Prometheus. https://prometheus.io/docs/instrumenting/exposition_formats */
  print(): Promise<string>;
}

const KINDS = [
  ["fresh_input", "freshInputTokens"],
  ["cache_read", "cacheReadTokens"],
  ["cache_write", "cacheWriteTokens"],
  ["output", "outputTokens"],
  ["reasoning", "reasoningTokens"],
] as const;

/** Seconds: a commit takes tens of microseconds, and on a slow disk tens of milliseconds. */
const COMMIT_BOUNDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];
const BATCH_BOUNDS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
/** Names of models that providers give are bounded in length and in number. */
const MAX_MODEL_LENGTH = 100;
const OTHER = "other";

const MAX_PLACES = 2_000;
const MAX_COUNT = Number.MAX_SAFE_INTEGER;

interface Place {
  requests: Point;
  attempts: Point;
  /** In the order of the kinds; null until there is something to count. */
  tokens: (Point | null)[];
  find(kind: string): Point;
  cost: Point | null;
  provider: string;
}

export function createMetrics(): Metrics {
  const series = {
    requests: createSeries("tokligence_requests", "Requests on the books", ["endpoint", "provider", "status"]),
    tokens: createSeries("tokligence_tokens", "Tokens on the books; reasoning is part of output", [
      "provider",
      "model",
      "kind",
      "source",
    ]),
    cost: createSeries("tokligence_cost_nanodollars", "Cost on the books, in billionths of a US dollar", ["provider"]),
    unpriced: createSeries("tokligence_requests_unpriced", "Requests that used something whose price is unknown", [
      "provider",
    ]),
    attempts: createSeries("tokligence_attempts", "Calls to providers; several for a request that was tried again", [
      "provider",
    ]),
    lost: createSeries(
      "tokligence_hedges_lost_cost_nanodollars",
      "Cost of calls that were given up since another one for the same request answered first, in billionths of a US dollar",
      ["provider"],
    ),
    acknowledged: createSeries(
      "tokligence_ledger_requests_acknowledged",
      "Requests that were told that their row is durable",
      [],
    ),
  };
  const acknowledged = findPoint(series.acknowledged, []);
  const commits = createHistogram("tokligence_ledger_commit_duration_seconds", "Time of one commit", COMMIT_BOUNDS);
  const batches = createHistogram("tokligence_ledger_commit_rows", "Rows in one commit", BATCH_BOUNDS);
  const gauges: Gauge[] = [];
  let others: (() => Promise<readonly Tally[]>) | null = null;

  /** Of a kind of row, where it is counted: one look for all of it. */
  const places = new Map<string, Place>();
  const findPlace = (row: CountedRow): Place => {
    const key = `${row.endpoint}\n${row.provider}\n${row.status}\n${row.usageSource}\n${row.modelServed}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    const provider = row.provider ?? "none";
    const model = chooseLabel(row);
    const place: Place = {
      requests: findPoint(series.requests, [row.endpoint, provider, String(row.status)]),
      attempts: findPoint(series.attempts, [provider]),
      tokens: KINDS.map(() => null),
      find: (kind) => findPoint(series.tokens, [provider, model, kind, row.usageSource]),
      cost: null,
      provider,
    };
    if (places.size >= MAX_PLACES) places.clear();
    places.set(key, place);
    return place;
  };

  const countElsewhere = (row: CountedRow, share: CountedShare, kind: string, count: number): void => {
    const model = share.model.length <= MAX_MODEL_LENGTH ? share.model : OTHER;
    findPoint(series.tokens, [share.provider, model, kind, row.usageSource]).count += count;
  };

  const countAttempt = (row: CountedRow, { provider, errorKind, costNanos }: CountedRow["attempts"][number]): void => {
    findPoint(series.attempts, [provider]).count++;
    // Of a request that has its answer, nothing else was called off.
    if (row.errorKind !== null || errorKind !== "cancelled") return;
    const point = findPoint(series.lost, [provider]);
    point.count += costNanos ?? 0;
  };

  return {
    settled(row, elsewhere = []) {
      const place = findPlace(row);
      acknowledged.count++;
      place.requests.count++;
      if (row.attempts.length === 1 && row.attempts[0]?.provider === row.provider) place.attempts.count++;
      else for (const attempt of row.attempts) countAttempt(row, attempt);
      // What was used may have been seconds or searches alone, which have their price as well.
      if (row.usageSource === "none") return;
      for (const [index, [kind, field]] of KINDS.entries()) {
        let count = row[field] ?? 0;
        for (const share of elsewhere) {
          count -= share[field];
          if (share[field] > 0) countElsewhere(row, share, kind, share[field]);
        }
        // What is no number that anything could have used would spoil the sum for good.
        if (count > 0 && count <= MAX_COUNT) (place.tokens[index] ??= place.find(kind)).count += count;
      }
      if (row.costNanos === null) findPoint(series.unpriced, [place.provider]).count++;
      else {
        let cost = row.costNanos;
        for (const share of elsewhere) {
          cost -= share.costNanos;
          if (share.costNanos > 0) findPoint(series.cost, [share.provider]).count += share.costNanos;
        }
        if (cost > 0 && cost <= MAX_COUNT) (place.cost ??= findPoint(series.cost, [place.provider])).count += cost;
      }
    },
    committed(durationMs, rows) {
      commits.record(durationMs / 1_000);
      batches.record(rows);
    },
    watch(more) {
      gauges.push(...more);
    },
    include(more) {
      others = more;
    },
    tally: () => tallyFigures({ series: Object.values(series), histograms: [commits, batches], gauges }),
    async print() {
      const { printMetrics } = await import("./prometheus.ts");
      const own = { series: Object.values(series), histograms: [commits, batches], gauges };
      const all = others === null ? own : addTallies(own, await others());
      const acknowledgedBy = all.series.find(({ name }) => name === series.acknowledged.name) ?? series.acknowledged;
      return printMetrics(all.series, all.histograms, [...all.gauges, tellRatio(acknowledgedBy, all.gauges)]);
    },
  };
}

/** A model that answered is one of a provider's; what a client merely asked for is anything. */
function chooseLabel({ modelServed, status }: CountedRow): string {
  return modelServed !== null && status < 400 && modelServed.length <= MAX_MODEL_LENGTH ? modelServed : OTHER;
}

/** The name of the gauge that counts durable rows where they are written, not where they are waited for. */
export const ROWS_SETTLED = "tokligence_ledger_rows_settled";

/**
 * Durable rows against requests that were told of one: 1, and nothing else, as long as rows can be written. More where rows were written
 * after their request had to be refused; less would be an answer without a row.
 */
function tellRatio(acknowledged: Series, gauges: readonly Gauge[]): Gauge {
  return {
    name: "tokligence_ledger_rows_per_acknowledged_request",
    about: "Durable rows of requests for each that was told of one; must be 1",
    read() {
      const requests = sumPoints(acknowledged);
      const settled = gauges.find(({ name }) => name === ROWS_SETTLED);
      const rows = settled !== undefined && "read" in settled ? settled.read() : null;
      return rows === null || requests === 0 ? null : rows / requests;
    },
  };
}
