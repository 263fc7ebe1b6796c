// What budgets hold of one call while it lives: reserved before anybody is called, booked when its row is made. Knows no limit.

import type { Amount, CallFacts, LedgerEntry, Reservation } from "../ledger/index.ts";
import { findAnswering, listShares, type Share } from "../lib/share.ts";
import type { GatewayTools } from "./call.ts";
import type { Limiting, LimitingHand } from "./limit/index.ts";
import type { Plan } from "./plan.ts";
import type { RecordedCall } from "./record.ts";
import { MAX_NAME_LENGTH } from "./tally.ts";

export interface Reserving {
  /** A promise only where something must be waited for. Throws or rejects with a GatewayError where the call does not fit. */
  reserve(plan: Target, asked: Asked, bound: (() => Amount) | null): Promise<void> | undefined;
  /** Of limits that are near. */
  headers(): Readonly<Record<string, string>> | null;
  /** Once: what the row says is booked. */
  book(entry: LedgerEntry): void;
  /** There is no row: nothing was spent. `budget`: the rate limits go on to hold. */
  release(only?: "budget"): void;
}

type Target = Pick<Plan, "model" | "provider">;
type Asked = Pick<LedgerEntry, "modelAsked" | "tags">;

const NO_TAGS: readonly string[] = Object.freeze([]);
const NOTHING: Amount = Object.freeze({ costNanos: 0, tokens: 0 });

export function openReserving(
  call: RecordedCall,
  { budgets }: Pick<GatewayTools, "budgets">,
  limiting: LimitingHand,
): Reserving {
  let reservation: Reservation | null = null;
  let reservedFor: Target | null = null;
  let isOver = false;
  let near: Reservation["headers"] = null;

  const toFacts = ({ model, provider }: Target, { modelAsked, tags }: Asked): CallFacts => ({
    userId: call.caller.userId,
    apiKeyId: call.caller.keyId,
    tags: tags ?? NO_TAGS,
    provider: provider.name,
    modelAsked,
    modelSent: model.slice(0, MAX_NAME_LENGTH),
    atMs: call.startedWallMs,
  });

  const keep = (made: Reservation | null): void => {
    // The call was over before there was room for it: its row was booked all the same.
    if (isOver) made?.settle(NOTHING);
    else reservation = made;
    near = made?.headers ?? null;
  };

  const refuse = (error: unknown): never => {
    limiting.undo();
    throw error;
  };

  const reserve = (plan: Target, asked: Asked, bound: () => Amount): Promise<void> | undefined => {
    // Whatever the target before it cost is booked with the row.
    reservation?.settle(NOTHING);
    reservation = null;
    reservedFor = plan;
    const made = budgets.reserve(toFacts(plan, asked), bound);
    if (made instanceof Promise) return made.then(keep);
    keep(made);
    return undefined;
  };

  return {
    reserve(plan, asked, bound) {
      const isSame = reservedFor?.provider === plan.provider && reservedFor.model === plan.model;
      if (isSame && reservation !== null) return undefined;
      const target = { provider: plan.provider.name, modelAsked: asked.modelAsked, modelSent: plan.model };
      const moving = limiting.move(target, () => bound?.().tokens ?? 0);
      if (bound === null) return moving;
      if (moving !== undefined) return moving.then(() => reserve(plan, asked, bound)).catch(refuse);
      return reserve(plan, asked, bound);
    },
    headers: () => near,
    book(entry) {
      // Once: whatever comes later is another call's.
      const reserved = reservation;
      reservation = null;
      isOver = true;
      const { own, elsewhere } = takeApart(entry);
      if (reserved !== null) reserved.settle(own);
      else book(entry, nameOwn(entry), own, budgets);
      for (const { share, amount } of elsewhere) book(entry, share, amount, budgets);
    },
    release(only) {
      reservation?.settle(NOTHING);
      reservation = null;
      isOver = true;
      if (only === undefined) limiting.leave();
    },
  };
}

/** What a row says, for the rate limits that its call was under. */
export function listSpent(entry: LedgerEntry): Parameters<Limiting["settle"]>[0] {
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
  const own = { costNanos: whole.costNanos, tokens: whole.tokens ?? 0 };
  const elsewhere = shares.map((share) => {
    const tokens = share.freshInputTokens + share.cacheReadTokens + share.cacheWriteTokens + share.outputTokens;
    own.tokens -= tokens;
    if (own.costNanos !== null) own.costNanos -= share.costNanos;
    return { share, amount: { costNanos: share.costNanos, tokens } };
  });
  return { own, elsewhere };
}

/** As the ledger's sums count it. */
function toAmount(entry: LedgerEntry): Amount {
  if (entry.usageSource === "none") return NOTHING;
  const { freshInputTokens, cacheReadTokens, cacheWriteTokens, outputTokens, costNanos } = entry;
  const tokens = (freshInputTokens ?? 0) + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0) + (outputTokens ?? 0);
  // A correction without a price leaves the cost as it was.
  return { costNanos: entry.kind === "call" ? costNanos : (costNanos ?? 0), tokens };
}
