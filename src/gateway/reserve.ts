// What budgets hold of one call while it lives: reserved before anybody is called, booked when its row is made. Knows no limit.

import { sumInputTokens } from "../ir/index.ts";
import type { Amount, CallFacts, LedgerEntry, Reservation } from "../ledger/index.ts";
import { findAnswering, listShares, type Share } from "../lib/share.ts";
import type { GatewayTools } from "./call.ts";
import type { Figures } from "./figures.ts";
import type { LimitingHand, Spent } from "./limit/index.ts";
import type { Plan } from "./plan.ts";
import type { RecordedCall } from "./record.ts";
import { MAX_NAME_LENGTH } from "./tally.ts";

export interface Reserving {
  /**
   * A promise only where something must be waited for. Throws or rejects with a GatewayError where the call does not fit. `used`: what the call before it
   * came to, which stays held until the row says so.
   */
  reserve(next: Target, asked: Asked, bound: (() => Amount) | null, used: () => Amount): Promise<void> | undefined;
  /** Of limits that are near. */
  headers(): Readonly<Record<string, string>> | null;
  /** Once: what the row says is booked. */
  book(entry: LedgerEntry): void;
  /** Nothing more is to come of it; of what was `used` the row tells that another one writes. `budget`: the rate limits go on to hold. */
  release(only?: "budget", used?: () => Amount): void;
}

type Target = Pick<Plan, "model" | "provider">;
type Asked = Pick<LedgerEntry, "modelAsked" | "tags">;

const NO_TAGS: readonly string[] = Object.freeze([]);
const NOTHING: Amount = Object.freeze({ costNanos: 0, tokens: 0 });
export const USED_NOTHING = (): Amount => NOTHING;

/** What is known of a call by now. */
export function measureUsed({ usage, price, source }: Figures): Amount {
  if (source === "none") return NOTHING;
  return {
    costNanos: price?.costNanos ?? null,
    tokens: usage === null ? null : sumInputTokens(usage) + usage.outputTokens,
  };
}

export function openReserving(
  call: RecordedCall,
  { budgets }: Pick<GatewayTools, "budgets">,
  limiting: LimitingHand,
): Reserving {
  return new OpenReserving(call, budgets, limiting);
}

class OpenReserving implements Reserving {
  readonly #call: RecordedCall;
  readonly #budgets: GatewayTools["budgets"];
  readonly #limiting: LimitingHand;
  #reservation: Reservation | null = null;
  /** Of calls before the present one, what they came to. */
  readonly #kept: Reservation[] = [];
  #reservedFor: Target | null = null;
  #isOver = false;
  #near: Reservation["headers"] = null;

  constructor(call: RecordedCall, budgets: GatewayTools["budgets"], limiting: LimitingHand) {
    this.#call = call;
    this.#budgets = budgets;
    this.#limiting = limiting;
  }

  reserve(plan: Target, asked: Asked, bound: (() => Amount) | null, used: () => Amount): Promise<void> | undefined {
    const { provider, model } = plan;
    const isSame = this.#reservedFor?.provider === provider && this.#reservedFor.model === model;
    if (isSame && this.#reservation !== null) {
      if (bound === null || !this.#keepUsed(used)) return undefined;
      return this.#reserve(plan, asked, bound);
    }
    const target = { provider: provider.name, modelAsked: asked.modelAsked, modelSent: model };
    const moving = this.#limiting.move(target, () => bound?.().tokens ?? 0);
    if (bound === null) return moving;
    this.#keepUsed(used);
    if (moving === undefined) return this.#reserve(plan, asked, bound);
    const refuse = (error: unknown): never => {
      this.#limiting.undo();
      throw error;
    };
    return moving.then(() => this.#reserve(plan, asked, bound)).catch(refuse);
  }

  headers(): Reservation["headers"] {
    return this.#near;
  }

  book(entry: LedgerEntry): void {
    // Once: whatever comes later is another call's.
    const reserved = this.#reservation;
    this.#reservation = null;
    this.#isOver = true;
    const { own, elsewhere } = takeApart(entry);
    // What several calls came to together says nothing of what one comes to.
    const isOne = reserved !== null && this.#kept.length === 0;
    if (!isOne) book(entry, nameOwn(entry), own, this.#budgets);
    reserved?.settle(isOne ? own : NOTHING);
    for (const { share, amount } of elsewhere) book(entry, share, amount, this.#budgets);
    this.#freeKept();
  }

  release(only?: "budget", used?: () => Amount): void {
    if (used === undefined) this.#freeKept();
    else this.#keepUsed(used);
    this.#reservation?.settle(NOTHING);
    this.#reservation = null;
    this.#isOver = true;
    if (only === undefined) this.#limiting.leave();
  }

  /** Whether it came to anything. */
  #keepUsed(used: () => Amount): boolean {
    const reserved = this.#reservation;
    if (reserved === null) return false;
    const amount = used();
    if (amount.costNanos === 0 && amount.tokens === 0) return false;
    reserved.keep(amount);
    this.#kept.push(reserved);
    this.#reservation = null;
    return true;
  }

  #freeKept(): void {
    for (const each of this.#kept.splice(0)) each.settle(NOTHING);
  }

  #reserve(plan: Target, asked: Asked, bound: () => Amount): Promise<void> | undefined {
    this.#reservation?.settle(NOTHING);
    this.#reservation = null;
    this.#reservedFor = plan;
    const made = this.#budgets.reserve(this.#toFacts(plan, asked), bound);
    if (made instanceof Promise) return made.then((reservation) => this.#keep(reservation));
    this.#keep(made);
    return undefined;
  }

  #keep(made: Reservation | null): void {
    // The call was over before there was room for it: its row was booked all the same.
    if (this.#isOver) made?.settle(NOTHING);
    else this.#reservation = made;
    this.#near = made?.headers ?? null;
  }

  #toFacts({ model, provider }: Target, { modelAsked, tags }: Asked): CallFacts {
    const { caller, startedWallMs } = this.#call;
    return {
      userId: caller.userId,
      apiKeyId: caller.keyId,
      tags: tags ?? NO_TAGS,
      provider: provider.name,
      modelAsked,
      modelSent: model.slice(0, MAX_NAME_LENGTH),
      atMs: startedWallMs,
    };
  }
}

/** What a row says, for the rate limits that its call was under. */
export function listSpent(entry: LedgerEntry): Spent {
  const { own, elsewhere } = takeApart(entry);
  const at = [{ share: nameOwn(entry), amount: own }, ...elsewhere].flatMap(({ share, amount }) =>
    share.provider === null ? [] : [{ provider: share.provider, model: share.model, tokens: amount.tokens ?? 0 }],
  );
  const isRefused = entry.errorKind === "rate_limited" || entry.errorKind === "quota_exceeded";
  return { modelAsked: entry.modelAsked, at, isRefused: isRefused && entry.attempts.length === 0 };
}

/** What a row says, of which nothing was reserved: a correction, or work that ended long after its call. */
export function bookRow(entry: LedgerEntry, budgets: Pick<GatewayTools["budgets"], "book">): void {
  const { own, elsewhere } = takeApart(entry);
  book(entry, nameOwn(entry), own, budgets);
  for (const { share, amount } of elsewhere) book(entry, share, amount, budgets);
}

interface Place {
  provider: string | null;
  /** As it was sent. */
  model: string;
}

function nameOwn(entry: LedgerEntry): Place {
  return { provider: entry.provider, model: findAnswering(entry)?.model ?? "" };
}

function book(
  entry: LedgerEntry,
  { provider, model }: Place,
  amount: Amount,
  budgets: Pick<GatewayTools["budgets"], "book">,
): void {
  if (provider === null || amount === NOTHING) return;
  const { userId, apiKeyId, modelAsked, createdAt } = entry;
  const facts = { userId, apiKeyId, tags: entry.tags ?? NO_TAGS, provider, modelAsked, modelSent: model };
  budgets.book({ ...facts, atMs: createdAt.getTime() }, amount);
}

/** What the row's own provider is charged with, and what each other one is that was asked. */
function takeApart(entry: LedgerEntry): { own: Amount; elsewhere: { share: Share; amount: Amount }[] } {
  const whole = toAmount(entry);
  const shares = listShares(entry);
  if (shares.length === 0 || whole === NOTHING) return { own: whole, elsewhere: [] };
  const own = { costNanos: whole.costNanos, tokens: whole.tokens ?? 0, rowId: entry.id };
  const elsewhere = shares.map((share) => {
    const tokens = share.freshInputTokens + share.cacheReadTokens + share.cacheWriteTokens + share.outputTokens;
    own.tokens -= tokens;
    if (own.costNanos !== null) own.costNanos -= share.costNanos;
    return { share, amount: { costNanos: share.costNanos, tokens, rowId: entry.id } };
  });
  return { own, elsewhere };
}

/** As the ledger's sums count it. */
function toAmount(entry: LedgerEntry): Amount {
  if (entry.usageSource === "none") return NOTHING;
  const { freshInputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, costNanos } = entry;
  const tokens = (freshInputTokens ?? 0) + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0) + (outputTokens ?? 0);
  // A correction without a price leaves the cost as it was.
  return { costNanos: entry.kind === "call" ? costNanos : (costNanos ?? 0), tokens, rowId: entry.id };
}
