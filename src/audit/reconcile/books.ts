// What the books hold of a provider's calls, as sums by day, model and key. Knows no SQL.

import type { Attempt, LedgerEntry } from "../../ledger/index.ts";
import { findAnswering } from "../../lib/share.ts";
import type { TimeZone } from "../../lib/time-zone.ts";
import type { BilledLine } from "./line.ts";
import type { SplitCost } from "./split.ts";
import { type Tally, createTally } from "./tally.ts";

/** What is read of the books. */
export interface BookReader {
  /** Calls that arrived from `from` on and before `to`, each once, the oldest first. */
  calls(from: Date, to: Date): AsyncIterable<readonly LedgerEntry[]>;
  /** Whatever corrects one of these rows. */
  corrections(ids: readonly string[]): Promise<readonly LedgerEntry[]>;
  /** Rows from before then may be gone by age; null where none are. */
  removedBefore(): Promise<Date | null>;
}

export interface BookedSums {
  tally: Tally;
  /** Calls to the provider, those that came to nothing too. */
  calls: number;
  /** Of these, calls of which nobody knows what they used: cut off, or never answered. */
  unmeasured: number;
  /** Whose usage is our estimate, as the provider reported none. */
  estimated: number;
  /** Whose price is unknown. */
  unpriced: number;
  corrections: number;
  /** Rows of these days from before then may be gone by age; null where all are there. */
  removedBefore: Date | null;
}

export interface BookOptions {
  /** Names of providers in the books. */
  providers: ReadonlySet<string>;
  from: Date;
  to: Date;
  zone: TimeZone;
  /** Null where keys are not told apart. */
  keyOf: ((provider: string, account: string | undefined) => string | null) | null;
  split: SplitCost;
  onProgress?: (calls: number) => void;
}

export async function sumBooks(books: BookReader, options: BookOptions): Promise<BookedSums> {
  const removedBefore = await books.removedBefore();
  const isCut = removedBefore !== null && removedBefore > options.from;
  const counts = { calls: 0, unmeasured: 0, estimated: 0, unpriced: 0, corrections: 0 };
  const sums: BookedSums = { tally: createTally(), ...counts, removedBefore: isCut ? removedBefore : null };
  let read = 0;
  for await (const page of books.calls(options.from, options.to)) {
    const byId = new Map<string, LedgerEntry>();
    for (const call of page) {
      if (call.direction === "consume" && addCall(sums, call, options)) byId.set(call.id, call);
    }
    if (byId.size > 0) {
      for (const correction of await books.corrections([...byId.keys()])) {
        const call = byId.get(correction.corrects ?? "");
        if (call !== undefined) addCorrection(sums, call, correction, options);
      }
    }
    read += page.length;
    options.onProgress?.(read);
  }
  return sums;
}

/** Whether the provider had a part in it. */
function addCall(sums: BookedSums, call: LedgerEntry, options: BookOptions): boolean {
  const attempts = call.attempts.filter(({ usage }) => usage !== undefined);
  // Each of several attempts was billed on its own, perhaps by somebody else.
  if (attempts.length > 0) return addAttempts(sums, call, attempts, options);
  if (call.provider === null || !options.providers.has(call.provider)) return false;
  sums.calls++;
  if (call.usageSource === "none") {
    sums.unmeasured++;
    return true;
  }
  if (call.usageSource === "estimate") sums.estimated++;
  if (call.costNanos === null) sums.unpriced++;
  sums.tally.add({
    ...place(call, { provider: call.provider, account: findAnswering(call)?.account }, options),
    model: call.modelServed ?? call.modelAsked,
    requests: 1,
    tokens: {
      // Null where something else than tokens was counted.
      fresh: call.freshInputTokens ?? 0,
      cacheRead: call.cacheReadTokens ?? 0,
      cacheWrite: call.cacheWriteTokens ?? 0,
      longCacheWrite: call.longCacheWriteTokens ?? 0,
      output: call.outputTokens ?? 0,
    },
    money: call.costNanos === null ? {} : (options.split(call) ?? { all: BigInt(call.costNanos) }),
    unpriced: Number(call.costNanos === null),
  });
  return true;
}

function addAttempts(sums: BookedSums, call: LedgerEntry, attempts: readonly Attempt[], options: BookOptions): boolean {
  const own = attempts.filter(({ provider }) => options.providers.has(provider));
  const answering = findAnswering(call);
  for (const attempt of own) {
    const { provider, account, model, usage, costNanos = null } = attempt;
    if (usage === undefined) continue;
    sums.calls++;
    if (call.usageSource === "estimate") sums.estimated++;
    if (costNanos === null) sums.unpriced++;
    sums.tally.add({
      ...place(call, { provider, account }, options),
      // The model that answered is known of the one that answered.
      model: attempt === answering ? (call.modelServed ?? model) : model,
      requests: 1,
      tokens: {
        fresh: usage.freshInputTokens,
        cacheRead: usage.cacheReadTokens,
        cacheWrite: usage.cacheWriteTokens,
        longCacheWrite: usage.longCacheWriteTokens ?? 0,
        output: usage.outputTokens,
      },
      money: costNanos === null ? {} : { all: BigInt(costNanos) },
      unpriced: Number(costNanos === null),
    });
  }
  return own.length > 0;
}

/** Its figures are what is to be added, on the day of the call. */
function addCorrection(sums: BookedSums, call: LedgerEntry, correction: LedgerEntry, options: BookOptions): void {
  const parts = correction.attempts.filter(({ costNanos }) => costNanos !== undefined);
  if (parts.length > 0) return addParts(sums, call, { correction, parts }, options);
  const provider = correction.provider ?? call.provider;
  if (provider === null || !options.providers.has(provider)) return;
  sums.corrections++;
  if (correction.pricesUnknown === true) sums.unpriced--;
  sums.tally.add({
    ...place(call, { provider, account: findAnswering(call)?.account }, options),
    model: correction.modelServed ?? call.modelServed ?? call.modelAsked,
    requests: 0,
    tokens: {
      fresh: correction.freshInputTokens ?? 0,
      cacheRead: correction.cacheReadTokens ?? 0,
      cacheWrite: correction.cacheWriteTokens ?? 0,
      longCacheWrite: correction.longCacheWriteTokens ?? 0,
      output: correction.outputTokens ?? 0,
    },
    money: correction.costNanos === null ? {} : { all: BigInt(correction.costNanos) },
    unpriced: correction.pricesUnknown === true ? -1 : 0,
  });
}

/** Of a new price for a call of several attempts, each provider's own part. */
function addParts(
  sums: BookedSums,
  call: LedgerEntry,
  { correction, parts }: { correction: LedgerEntry; parts: readonly Attempt[] },
  options: BookOptions,
): void {
  const measured = call.attempts.filter(({ usage }) => usage !== undefined);
  const answering = findAnswering(call);
  let isOwn = false;
  for (const [index, { provider, account, model, costNanos }] of parts.entries()) {
    if (!options.providers.has(provider)) continue;
    isOwn = true;
    const attempt = measured[index];
    // Where the cost of the whole was unknown, a part is told in full: what was known of it is counted already.
    const known = correction.pricesUnknown === true ? (attempt?.costNanos ?? null) : 0;
    if (known === null) sums.unpriced--;
    sums.tally.add({
      ...place(call, { provider, account }, options),
      model: attempt !== undefined && attempt === answering ? (call.modelServed ?? model) : model,
      requests: 0,
      tokens: { fresh: 0, cacheRead: 0, cacheWrite: 0, longCacheWrite: 0, output: 0 },
      money: { all: BigInt((costNanos ?? 0) - (known ?? 0)) },
      unpriced: known === null ? -1 : 0,
    });
  }
  if (isOwn) sums.corrections++;
}

/** Who billed it: a provider, by one of its keys where it has several. */
type Biller = Pick<Attempt, "provider"> & { account: string | undefined };

function place(
  call: LedgerEntry,
  { provider, account }: Biller,
  { zone, keyOf }: BookOptions,
): Pick<BilledLine, "day" | "key"> {
  return { day: zone.dayOf(call.createdAt.getTime()), key: keyOf === null ? null : keyOf(provider, account) };
}
