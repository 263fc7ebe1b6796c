// How a caller learns of a budget: the refusal, and the headers that tell of limits which are near. Names the budget, and nobody's spending but its own.

import { GatewayError } from "../../ir/index.ts";
import { formatUsd } from "../money.ts";
import { type Account, countLeft, countUsed, isSpent } from "./account.ts";
import { type Budget, baseLimit } from "./model.ts";

/** Whoever waits longer than this does not wait for the answer to one request. */
const MAX_RETRY_MS = 60_000;
const SOON_MS = 2_000;

/** 429, in the words by which clients know that money and not speed is the matter. */
export function refuseSpent(account: Account, bound: number, nowMs: number): GatewayError {
  const { budget, window, held, others } = account;
  const limit = budget.hardLimit ?? 0;
  const left = countLeft(account, limit);
  const running = held + others.held;
  const waits = running > 0 ? ` Calls that are running have reserved ${printAmount(budget, running)}.` : "";
  const needs = left > 0 ? ` This one may cost ${printAmount(budget, bound)}.` : "";
  const kept = Math.min(left, others.granted - others.spent - others.held);
  const keeps =
    kept > 0
      ? ` Other gateways keep ${printAmount(budget, kept)} of that for calls of their own; one that died, for a minute more.`
      : "";
  return refuse(account, nowMs, {
    // What is reserved comes back as soon as it is known what it cost.
    ...(isSpent(account) ? {} : { retryAfterMs: SOON_MS }),
    message:
      `The budget "${budget.name}" of ${printLimit(budget, limit)} has ${printAmount(budget, left)} left.` +
      `${keeps}${waits}${needs} ${printReset(window.endMs)}`,
  });
}

/** A call whose price nobody knows would get past a limit in money. */
export function refuseUnpriced(account: Account, model: string, nowMs: number): GatewayError {
  const { budget } = account;
  return refuse(account, nowMs, {
    code: "price_unknown",
    message:
      `The budget "${budget.name}" of ${printLimit(budget, budget.hardLimit ?? 0)} cannot hold what nobody knows the price of: ` +
      `there is none for ${model === "" ? "this call" : `the model "${model.slice(0, 200)}" or a tool that it may use`}. ` +
      "Use another model or leave the tool out, or let the operator give it a price or let the budget pass it (unpriced = allow).",
  });
}

function refuse(
  account: Account,
  nowMs: number,
  said: { code?: string; message: string; retryAfterMs?: number },
): GatewayError {
  const { endMs } = account.window;
  const waitMs = endMs - nowMs;
  const error = new GatewayError({
    kind: "quota_exceeded",
    code: said.code ?? "insufficient_quota",
    message: said.message,
    retryAfterMs: waitMs > 0 && waitMs <= MAX_RETRY_MS ? waitMs : said.retryAfterMs,
    isOfTarget: account.budget.provider !== null || account.budget.model !== null,
  });
  error.headers = describeAccount(account);
  return error;
}

/** Where the count cannot be asked for, and the operator wants nothing to pass uncounted. */
export function refuseUnreachable(account: Account, cause: unknown): GatewayError {
  const error = new GatewayError({
    kind: "overloaded",
    code: "budget_unreachable",
    message:
      `The budget "${account.budget.name}" is shared with other gateways, and the database where they share it does not answer. ` +
      "What this one was granted beforehand is used up. Try again in a moment.",
    retryAfterMs: 5_000,
    cause,
  });
  error.headers = { "x-tokligence-budget": cleanName(account.budget.name) };
  return error;
}

/** Since the start nobody could be asked which budgets there are. */
export function refuseUnknown(): GatewayError {
  return new GatewayError({
    kind: "overloaded",
    code: "budget_unreachable",
    message:
      "The database that holds the budgets does not answer, and nothing is to pass uncounted. Try again in a moment.",
    retryAfterMs: 5_000,
  });
}

/** What clients can read without looking at the message. */
export function describeAccount(account: Account): Record<string, string> {
  const { budget, window } = account;
  const limit = baseLimit(budget);
  return {
    "x-tokligence-budget": cleanName(budget.name),
    "x-tokligence-budget-id": budget.id,
    "x-tokligence-budget-unit": budget.unit,
    "x-tokligence-budget-limit": printFigure(budget, limit),
    "x-tokligence-budget-remaining": printFigure(budget, countLeft(account, limit)),
    "x-tokligence-budget-reset": Number.isFinite(window.endMs) ? new Date(window.endMs).toISOString() : "never",
  };
}

/** Beyond a soft limit, and for a budget that only says what it would do. */
export function warnOf(account: Account, wouldRefuse: boolean): Record<string, string> | null {
  const { budget } = account;
  const isSoft = budget.softLimit !== null && countUsed(account) > budget.softLimit;
  if (!isSoft && !wouldRefuse) return null;
  return {
    ...describeAccount(account),
    ...(isSoft
      ? { "x-tokligence-budget-warning": `soft limit ${printFigure(budget, budget.softLimit ?? 0)} passed` }
      : {}),
    ...(wouldRefuse ? { "x-tokligence-budget-shadow": "would refuse" } : {}),
  };
}

export function printAmount(budget: Pick<Budget, "unit">, amount: number): string {
  return budget.unit === "usd" ? `$${formatUsd(amount)}` : `${amount} tokens`;
}

function printLimit(budget: Budget, limit: number): string {
  const period = budget.period === "lifetime" ? "in all" : `${budget.period === "hour" ? "an" : "a"} ${budget.period}`;
  return `${printAmount(budget, limit)} ${period}`;
}

function printFigure(budget: Pick<Budget, "unit">, amount: number): string {
  return budget.unit === "usd" ? formatUsd(amount) : String(amount);
}

function printReset(endMs: number): string {
  if (!Number.isFinite(endMs)) return "It does not begin anew; the operator can raise it.";
  return `It begins anew at ${new Date(endMs).toISOString()}.`;
}

/** Header values are printable ASCII. */
function cleanName(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/gu, "?");
}
