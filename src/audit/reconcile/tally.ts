// Sums by day, model and key: what an export bills, and what the books hold. Knows no file and no database.

import type { BilledLine, MoneyPart, TokenPart } from "./line.ts";

export interface Sum {
  day: string;
  /** As that side names it; null where it does not. */
  model: string | null;
  key: string | null;
  requests: number | null;
  tokens: Partial<Record<TokenPart, number>>;
  /** Nano-dollars. */
  money: Partial<Record<MoneyPart, bigint>>;
  /** Lines or rows in it. */
  lines: number;
  /** Of these, rows of the books without a cost. */
  unpriced: number;
}

export interface Tally {
  /** `unpriced` counts rows of the books without a cost, or takes back what was counted. */
  add(line: BilledLine & { lines?: number; unpriced?: number }): void;
  sums(): IterableIterator<Sum>;
}

export function createTally(): Tally {
  const sums = new Map<string, Sum>();
  return {
    add(line) {
      const { day, model, key } = line;
      const name = `${day}\n${model ?? ""}\n${key ?? ""}`;
      let sum = sums.get(name);
      if (sum === undefined) {
        sum = { day, model, key, requests: null, tokens: {}, money: {}, lines: 0, unpriced: 0 };
        sums.set(name, sum);
      }
      addTo(sum, line, line.unpriced ?? 0, line.lines ?? 1);
    },
    sums: () => sums.values(),
  };
}

/** One into the other. */
export function mergeSum(into: Sum, other: Sum): void {
  addTo(into, other, other.unpriced, other.lines);
}

function addTo(
  sum: Sum,
  line: Pick<BilledLine, "money" | "requests" | "tokens">,
  unpriced: number,
  lines: number,
): void {
  sum.lines += lines;
  sum.unpriced += unpriced;
  if (line.requests !== null) sum.requests = (sum.requests ?? 0) + line.requests;
  for (const [part, count] of Object.entries(line.tokens) as [TokenPart, number][]) {
    sum.tokens[part] = (sum.tokens[part] ?? 0) + count;
  }
  for (const [part, nanos] of Object.entries(line.money) as [MoneyPart, bigint][]) {
    sum.money[part] = (sum.money[part] ?? 0n) + nanos;
  }
}
