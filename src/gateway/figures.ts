// What is booked of one call to a provider, of several, and of the bodies that went to and fro. Knows no SQL and no format.

import { type Hash, createHash, hash } from "node:crypto";
import { type Units, type Usage, type UsageSource, joinUnits, joinUsage } from "../ir/index.ts";
import { type LedgerEntry, type Price, digestPayloads } from "../ledger/index.ts";

/** What is booked, of one attempt or of all. */
export interface Figures {
  usage: Usage | null;
  units: Units | null;
  source: UsageSource;
  price: Price | null;
}

/**
 * What all attempts used and cost: those that lost were paid for as well. Unknown as soon as the price of any tokens is. The price that is named is that of
 * `own`, the one that the row tells of.
 */
export function sumFigures(parts: readonly Figures[], own: Figures | undefined): Figures {
  const known = parts.filter(({ source }) => source !== "none");
  const last = known.at(-1);
  if (last === undefined) return { usage: null, units: null, source: "none", price: null };
  const usages = known.flatMap(({ usage }) => usage ?? []);
  const prices = known.flatMap(({ price }) => price ?? []);
  const named = own?.price ?? last.price;
  const costNanos = prices.reduce((sum, price) => sum + price.costNanos, 0);
  return {
    usage: usages.length === 0 ? null : usages.reduce((left, right) => joinUsage(left, right)),
    units: known.reduce<Units | null>((sum, { units }) => joinUnits(sum, units), null),
    source: known.some(({ source }) => source === "estimate") ? "estimate" : "provider",
    price: named === null || prices.length < known.length ? null : { ...named, costNanos },
  };
}

/** The fields of a row that tell of them. */
export function layOut({ usage, units, source, price }: Figures) {
  return {
    freshInputTokens: usage?.freshInputTokens ?? null,
    cacheReadTokens: usage?.cacheReadTokens ?? null,
    cacheWriteTokens: usage?.cacheWriteTokens ?? null,
    longCacheWriteTokens: usage === null ? null : (usage.longCacheWriteTokens ?? 0),
    outputTokens: usage?.outputTokens ?? null,
    reasoningTokens: usage?.reasoningTokens ?? null,
    units,
    serviceTier: usage?.serviceTier ?? null,
    usageSource: source,
    costNanos: price?.costNanos ?? null,
    priceId: price?.id ?? null,
    priceSource: price?.source ?? null,
    priceDate: price?.date ?? null,
  } satisfies Partial<LedgerEntry>;
}

/** The bodies of one call to a provider, as hashes. */
export interface Bodies {
  sent(body: string): void;
  got(piece: string | Uint8Array): void;
  /** Null where the provider was sent nothing. */
  layOut(): Pick<LedgerEntry, "payloadDigest" | "payloadSalt" | "requestHash" | "responseHash"> | null;
}

export function openBodies(): Bodies {
  return new OpenBodies();
}

class OpenBodies implements Bodies {
  #requestHash: string | null = null;
  /** As long as nothing else came: hashed in one go, which costs a third. */
  #whole: string | null = null;
  #pieces: Hash | null = null;

  sent(body: string): void {
    this.#requestHash = hash("sha256", body, "base64url");
  }

  got(piece: string | Uint8Array): void {
    if (this.#pieces === null && this.#whole === null && typeof piece === "string") {
      this.#whole = piece;
      return;
    }
    this.#pieces ??= createHash("sha256");
    if (this.#whole !== null) this.#pieces.update(this.#whole);
    this.#whole = null;
    this.#pieces.update(piece);
  }

  layOut(): ReturnType<Bodies["layOut"]> {
    const requestHash = this.#requestHash;
    const responseHash =
      this.#whole === null ? (this.#pieces?.digest("base64url") ?? null) : hash("sha256", this.#whole, "base64url");
    if (requestHash === null && responseHash === null) return null;
    const payloadSalt = crypto.randomUUID();
    const payloadDigest = digestPayloads(payloadSalt, requestHash, responseHash);
    return { payloadDigest, payloadSalt, requestHash, responseHash };
  }
}
