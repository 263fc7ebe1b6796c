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

export function readOwnPart(row: RowFigures, providers: ReadonlySet<string>): OwnPart {
  // A correction of several has what each of them costs, and no usage.
  const measured = row.attempts?.filter(({ usage, costNanos }) => usage !== undefined || costNanos !== undefined) ?? [];
  const part: OwnPart = { input: 0, output: 0, cost: 0n, isUnpriced: false };
  if (measured.length > 0) {
    // Where the cost of the whole is unknown, so are those of its parts: a correction that brings it has all of them.
    const isKnown = row.costNanos !== null && row.costNanos !== undefined;
    for (const { provider, usage, costNanos } of measured) {
      if (providers.has(provider)) add(part, usage ?? {}, isKnown ? (costNanos ?? null) : null);
    }
  } else if (providers.has(row.provider ?? "") && row.usageSource !== "none") add(part, row, row.costNanos ?? null);
  return part;
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
