// Goes on where a gateway ended that had rows whose providers were still to tell what they used. Knows no vendor.

import type { Usage } from "../ir/index.ts";
import type { Attempt, LedgerEntry, Price, Untold } from "../ledger/index.ts";
import type { GatewayTools } from "./call.ts";
import { MAX_WATCH_MS, followOn } from "./elsewhere.ts";
import { type Estimated, correctLater } from "./later.ts";
import { type Counted, priceCall } from "./price-call.ts";
import { findKeeper, nameKeeper } from "./way/pool.ts";

/** How old a row may be whose provider is asked: it took as long as one may, and no gateway ran for as long again. */
export const LATEST_MS = 2 * MAX_WATCH_MS;

/** `pending`: the answers about which somebody else asks. */
export function resumeCorrections(
  { entries, corrections }: Untold,
  tools: GatewayTools,
  pending: ReadonlySet<string>,
): void {
  const told = new Set(corrections.flatMap(({ attempts }) => attempts.map((attempt) => attempt.upstreamRequestId)));
  const { providers } = tools.scene();
  for (const entry of entries) {
    for (const attempt of entry.attempts) {
      const { provider: name, account, answerId } = attempt;
      const provider = findKeeper(providers, nameKeeper(account === undefined ? { name } : { name, account }));
      if (answerId === undefined || provider === undefined) continue;
      if (told.has(answerId) || pending.has(answerId)) continue;
      const plan = { provider, model: attempt.model, dropped: [] };
      const findPrice = (counted: Counted): Price | null =>
        priceCall(tools.prices, plan, { ...counted, at: entry.createdAt });
      const estimated = { entry, plan, answerId, ...readBooked(entry, attempt), findPrice };
      if (provider.usageLater === undefined) void followOn(estimated, tools);
      else correctLater(estimated, tools);
    }
  }
}

/** What the row says of that attempt: where there is but one, they are the row's own figures. */
function readBooked(entry: LedgerEntry, attempt: Attempt): Pick<Estimated, "price" | "units" | "usage"> {
  const usage = attempt.usage ?? readUsage(entry);
  const costNanos = (attempt.usage === undefined ? entry.costNanos : attempt.costNanos) ?? null;
  return { usage, units: usage?.units ?? null, price: costNanos === null ? null : { costNanos } };
}

function readUsage(entry: LedgerEntry): Usage | null {
  const { freshInputTokens, outputTokens, longCacheWriteTokens, units } = entry;
  if (freshInputTokens === null && outputTokens === null) return null;
  return {
    freshInputTokens: freshInputTokens ?? 0,
    cacheReadTokens: entry.cacheReadTokens ?? 0,
    cacheWriteTokens: entry.cacheWriteTokens ?? 0,
    ...(longCacheWriteTokens === null ? {} : { longCacheWriteTokens }),
    outputTokens: outputTokens ?? 0,
    reasoningTokens: entry.reasoningTokens,
    ...(units === null ? {} : { units }),
  };
}
