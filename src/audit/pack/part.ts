// What of a row concerns the providers that a pack is about: where several were asked, each has its own part of the figures. Reads rows as they
// are attested, of the books or of a pack.

interface Tokens {
  freshInputTokens?: number | null;
  cacheReadTokens?: number | null;
  cacheWriteTokens?: number | null;
  outputTokens?: number | null;
}

export interface RowFigures extends Tokens {
  provider?: string | null;
  costNanos?: number | null;
  usageSource?: string;
  pricesUnknown?: boolean | null;
  attempts?: readonly { provider: string; usage?: Tokens; costNanos?: number | null }[];
}

export interface OwnPart {
  /** All prompt tokens. */
  input: number;
  output: number;
  /** Nano-dollars. */
  cost: bigint;
  /** It used something, and nobody knows what that costs. */
  isUnpriced: boolean;
}

/** `known`: of a correction, what the attempts of its call cost as far as that was known. */
export function readOwnPart(row: RowFigures, providers: ReadonlySet<string>, known: readonly number[] = []): OwnPart {
  // A correction of several has what each of them costs, and no usage.
  const measured = row.attempts?.filter(({ usage, costNanos }) => usage !== undefined || costNanos !== undefined) ?? [];
  const part: OwnPart = { input: 0, output: 0, cost: 0n, isUnpriced: false };
  if (measured.length > 0) {
    for (const [at, { provider, usage, costNanos }] of measured.entries()) {
      if (!providers.has(provider)) continue;
      add(part, usage ?? {}, costNanos ?? null);
      // Where the cost of the whole was unknown, each part is told in full: what was known of it is counted already.
      if (row.pricesUnknown === true) part.cost -= BigInt(known[at] ?? 0);
    }
  } else if (providers.has(row.provider ?? "") && row.usageSource !== "none") add(part, row, row.costNanos ?? null);
  return part;
}

/** What is known of the parts of a call whose cost is unknown as a whole. */
export function listKnownCosts({ costNanos, attempts = [] }: RowFigures): number[] {
  if (typeof costNanos === "number") return [];
  return attempts.filter(({ usage }) => usage !== undefined).map((attempt) => attempt.costNanos ?? 0);
}

function add(part: OwnPart, tokens: Tokens, costNanos: number | null): void {
  part.input += sumInput(tokens) ?? 0;
  part.output += tokens.outputTokens ?? 0;
  if (costNanos === null) part.isUnpriced = true;
  else part.cost += BigInt(costNanos);
}

/** All prompt tokens; null where nobody knows. */
export function sumInput({ freshInputTokens, cacheReadTokens, cacheWriteTokens }: Tokens): number | null {
  if (freshInputTokens === null || freshInputTokens === undefined) return null;
  return freshInputTokens + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
}
