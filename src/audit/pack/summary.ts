// The figures of a pack: what was booked, what the provider reported, what we counted, by day, model and key; and the prices that were used.
// Knows no file and no page.

import type { LedgerEntry, Recount } from "../../ledger/index.ts";
import type { PackTotals } from "./layout.ts";
import { listKnownCosts, readOwnPart, sumInput } from "./part.ts";

export interface Figures {
  calls: number;
  corrections: number;
  /** Booked tokens: all of the prompt, and all that was produced. */
  input: number;
  output: number;
  /** Of these, as the provider itself reported them; the rest is our estimate. */
  reportedInput: number;
  reportedOutput: number;
  /** Nano-dollars. */
  cost: bigint;
  /** Calls that have no price. */
  unpriced: number;
  /** Rows that were counted again, what was booked for them, and what we counted, as the bounds of what it may be. */
  recounted: number;
  recountedInput: number;
  recountedOutput: number;
  inputLow: number;
  inputHigh: number;
  outputLow: number;
  outputHigh: number;
  /** Rows of which the provider's figure lies outside of the tolerance. */
  over: number;
  under: number;
}

export interface Group {
  day: string;
  model: string;
  key: string;
}

export interface PriceUse {
  id: string;
  source: string;
  date: string;
  tier: string;
  /** Whom and what it was first used for. */
  provider: string;
  model: string;
  first: Date;
  last: Date;
  calls: number;
  cost: bigint;
}

export interface Summary {
  addEntry(row: LedgerEntry, call: LedgerEntry): void;
  addRecount(row: Recount, call: LedgerEntry): void;
  groups(): (Figures & Group)[];
  prices(): PriceUse[];
  /** Tokenizers that counted, with the number of rows each. */
  methods(): { method: string; tokenizer: string; version: string; rows: number }[];
  total(): Figures;
}

/** One call to one provider at a price. */
interface Priced {
  id: string;
  source: string;
  date: string | null;
  provider: string;
  model: string;
  costNanos: number | null;
}

/** Of what concerns these providers: of a call that went on to another one, that one's part is left out. */
export function createSummary(providers: ReadonlySet<string>): Summary {
  const groups = new Map<string, Figures & Group>();
  const prices = new Map<string, PriceUse>();
  const methods = new Map<string, { method: string; tokenizer: string; version: string; rows: number }>();

  const find = (call: LedgerEntry): Figures => {
    const day = call.createdAt.toISOString().slice(0, 10);
    const group = { day, model: call.modelServed ?? call.modelAsked, key: call.apiKeyId };
    const name = Object.values(group).join("\n");
    let figures = groups.get(name);
    if (figures === undefined) {
      figures = { ...group, ...emptyFigures() };
      groups.set(name, figures);
    }
    return figures;
  };

  const addPrice = (row: LedgerEntry): void => {
    // Of several attempts each was priced by itself.
    const priced = row.attempts.filter(({ price }) => price !== undefined);
    for (const { provider, model, price, costNanos } of priced)
      if (price !== undefined) addUse(row, { ...price, provider, model, costNanos: costNanos ?? null });
    const { priceId: id, priceSource: source, priceDate: date, costNanos } = row;
    if (priced.length > 0 || id === null) return;
    const whom = { provider: row.provider ?? "", model: row.modelServed ?? row.modelAsked };
    addUse(row, { id, source: source ?? "", date, ...whom, costNanos });
  };

  const addUse = (row: LedgerEntry, { id, source, date, provider, model, costNanos }: Priced): void => {
    if (!providers.has(provider)) return;
    const use = { id, source, date: date ?? "", tier: row.serviceTier ?? "" };
    const name = Object.values(use).join("\n");
    let found = prices.get(name);
    if (found === undefined) {
      found = { ...use, provider, model, first: row.createdAt, last: row.createdAt, calls: 0, cost: 0n };
      prices.set(name, found);
    }
    if (row.createdAt < found.first) found.first = row.createdAt;
    if (row.createdAt > found.last) found.last = row.createdAt;
    found.calls++;
    found.cost += BigInt(costNanos ?? 0);
  };

  return {
    addEntry(row, call) {
      const figures = find(call);
      const { input, output, cost, isUnpriced } = readOwnPart(row, providers, listKnownCosts(call));
      figures.input += input;
      figures.output += output;
      figures.cost += cost;
      if (row.kind === "correction") {
        figures.corrections++;
        if (row.pricesUnknown === true && readOwnPart(call, providers).isUnpriced) figures.unpriced--;
      } else {
        figures.calls++;
        if (isUnpriced) figures.unpriced++;
      }
      if (row.usageSource === "provider") {
        figures.reportedInput += input;
        figures.reportedOutput += output;
      }
      addPrice(row);
    },
    addRecount(row, call) {
      if (row.state !== "counted" || !providers.has(call.provider ?? "")) return;
      const figures = find(call);
      figures.recounted++;
      figures.recountedInput += sumInput(call) ?? 0;
      figures.recountedOutput += call.outputTokens ?? 0;
      figures.inputLow += row.inputLow ?? row.inputTokens ?? 0;
      figures.inputHigh += row.inputHigh ?? row.inputTokens ?? 0;
      figures.outputLow += row.outputLow ?? row.outputTokens ?? 0;
      figures.outputHigh += row.outputHigh ?? row.outputTokens ?? 0;
      if (row.verdict === "over") figures.over++;
      if (row.verdict === "under") figures.under++;
      // Each estimate names its own ratio, which would be a line for each row.
      const tokenizer = (row.tokenizer ?? "").replace(RATIOS, "");
      const use = { method: row.method ?? "", tokenizer, version: row.tokenizerVersion ?? "" };
      const name = Object.values(use).join("\n");
      const found = methods.get(name) ?? { ...use, rows: 0 };
      found.rows++;
      methods.set(name, found);
    },
    groups: () => sortByName(groups),
    prices: () => sortByName(prices),
    methods: () => sortByName(methods),
    total: () => addUp([...groups.values()]),
  };
}

/** Behind a tokenizer's name: ` x1.1870(33)/1.0400(12)`. */
const RATIOS = / x[\d.]+(?:\(\d+\))?\/[\d.]+(?:\(\d+\))?$/u;

/** False where nothing of it has a price: what it costs is unknown then, and not nought. */
export function isCostKnown({ cost, unpriced }: Pick<Figures, "cost" | "unpriced">): boolean {
  return unpriced === 0 || cost !== 0n;
}

/** Made anew in the same order each time, whatever order the rows came in. */
function sortByName<T>(found: ReadonlyMap<string, T>): T[] {
  return [...found].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, value]) => value);
}

export function addUp(groups: readonly Figures[]): Figures {
  const total = emptyFigures();
  for (const group of groups) {
    for (const name of COUNTS) total[name] += group[name];
    total.cost += group.cost;
  }
  return total;
}

/** What `Manifest` says of it. */
export function printTotals(figures: Figures, recounts: number): PackTotals {
  const { calls, corrections, input, output, cost } = figures;
  return { calls, corrections, recounts, input_tokens: input, output_tokens: output, cost_nanos: cost.toString() };
}

function emptyFigures(): Figures {
  return { ...Object.fromEntries(COUNTS.map((name) => [name, 0])), cost: 0n } as unknown as Figures;
}

const COUNTS = [
  "calls",
  "corrections",
  "input",
  "inputHigh",
  "inputLow",
  "output",
  "outputHigh",
  "outputLow",
  "over",
  "recounted",
  "recountedInput",
  "recountedOutput",
  "reportedInput",
  "reportedOutput",
  "under",
  "unpriced",
] as const satisfies readonly Exclude<keyof Figures, "cost">[];
