// Who is charged where several were asked for one request: its row names who answered, and what the others used is theirs. Pure; knows no row.

/** Figures of a row that belong to whoever used them. */
export interface Spent {
  freshInputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  longCacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costNanos: number;
}

/** What of a row's figures was spent at another provider, or on another model of the same, than the one that the row names. */
export interface Share extends Spent {
  provider: string;
  /** As it was asked for there. */
  model: string;
  /** Calls made there; none in a correction, which makes no call. */
  attempts: number;
}

/** One call to one provider. Without figures of its own it used nothing, or is the only one. */
interface Call {
  provider: string;
  model: string;
  errorKind: string | null;
  usage?: {
    freshInputTokens: number;
    cacheReadTokens: number;
    cacheWriteTokens: number;
    longCacheWriteTokens?: number | undefined;
    outputTokens: number;
    reasoningTokens: number | null;
  };
  costNanos?: number | null;
}

interface Shared {
  attempts: readonly Call[];
  costNanos: number | null;
  /** `call`, or what corrects one. */
  kind: string;
  provider: string | null;
}

export const SPENT_FIELDS = [
  "cacheReadTokens",
  "cacheWriteTokens",
  "costNanos",
  "freshInputTokens",
  "longCacheWriteTokens",
  "outputTokens",
  "reasoningTokens",
] as const satisfies readonly (keyof Spent)[];

const NONE: readonly Share[] = Object.freeze([]);

/**
 * Nothing for all rows but those with several attempts that differ. What is left of the row's figures is its own: all parts together are
 * always the row. Where its cost is unknown as a whole, no part of it is told apart.
 */
export function listShares({ attempts, costNanos, kind, provider }: Shared): readonly Share[] {
  if (attempts.length < 2) return NONE;
  const own = findAnswering({ attempts, provider });
  if (own === undefined || attempts.every((attempt) => isSame(attempt, own))) return NONE;
  const shares: Share[] = [];
  for (const attempt of attempts) {
    if (isSame(attempt, own)) continue;
    const found = shares.find((share) => isSame(share, attempt)) ?? startShare(shares, attempt);
    addAttempt(found, attempt, costNanos !== null);
    if (kind === "call") found.attempts++;
  }
  return shares;
}

/** The attempt that the row tells of: the last one of its provider that came to something, else its last. */
export function findAnswering<Own extends Pick<Call, "errorKind" | "provider">>({
  attempts,
  provider,
}: {
  attempts: readonly Own[];
  provider: string | null;
}): Own | undefined {
  if (attempts.length === 1) return attempts[0];
  const theirs = attempts.filter((attempt) => attempt.provider === provider);
  return theirs.findLast(({ errorKind }) => errorKind === null) ?? theirs.at(-1) ?? attempts.at(-1);
}

function startShare(shares: Share[], { provider, model }: Call): Share {
  const share: Share = {
    provider,
    model,
    attempts: 0,
    freshInputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    longCacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    costNanos: 0,
  };
  shares.push(share);
  return share;
}

function addAttempt(share: Share, { usage, costNanos }: Call, isPriced: boolean): void {
  share.freshInputTokens += usage?.freshInputTokens ?? 0;
  share.cacheReadTokens += usage?.cacheReadTokens ?? 0;
  share.cacheWriteTokens += usage?.cacheWriteTokens ?? 0;
  share.longCacheWriteTokens += usage?.longCacheWriteTokens ?? 0;
  share.outputTokens += usage?.outputTokens ?? 0;
  share.reasoningTokens += usage?.reasoningTokens ?? 0;
  if (isPriced) share.costNanos += costNanos ?? 0;
}

function isSame(left: Pick<Call, "model" | "provider">, right: Pick<Call, "model" | "provider">): boolean {
  return left.provider === right.provider && left.model === right.model;
}
