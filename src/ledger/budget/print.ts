// Budgets as JSON for people and programs: the same words by HTTP and on the command line.

import type { JsonObject } from "../../ir/index.ts";
import { formatUsd } from "../money.ts";
import { printGap } from "../print-report.ts";
import { findUncounted } from "./uncounted.ts";
import type { Budget } from "./model.ts";
import type { Window } from "./window.ts";

/** What a window of a budget has come to. */
export interface BudgetState {
  window: Window;
  spent: number;
  /** By running calls. */
  reserved: number;
  refusals: number;
  unpriced: number;
}

export function printBudget(budget: Budget): JsonObject {
  return {
    id: budget.id,
    name: budget.name,
    user_id: budget.userId,
    api_key_id: budget.apiKeyId,
    provider: budget.provider,
    model: budget.model,
    tag: budget.tag,
    each: budget.each,
    unit: budget.unit,
    ...printLimits(budget),
    period: budget.period,
    time_zone: budget.timeZone,
    mode: budget.mode,
    unpriced: budget.unpriced,
    alert_percents: [...budget.alertPercents],
    declared_by: budget.isDeclared ? "configuration" : null,
    created_at: budget.createdAt.toISOString(),
    updated_at: budget.updatedAt.toISOString(),
  };
}

/** @param obstacle why it concerns nobody any more; null where it does */
export function printForce(obstacle: string | null): JsonObject {
  return { in_force: obstacle === null, ...(obstacle === null ? {} : { why_not: obstacle }) };
}

/** What is spent lacks rows that were gone before the budget was made. */
export function printUncounted(budget: Budget, nowMs: number): JsonObject {
  return printGap({ removedBefore: findUncounted(budget, nowMs) });
}

/** To those whom it concerns: neither whom else, nor what becomes of their calls. */
export function printOwnBudget(budget: Budget, state: BudgetState | null, nowMs: number): JsonObject {
  return {
    id: budget.id,
    name: budget.name,
    provider: budget.provider,
    model: budget.model,
    tag: budget.tag,
    each: budget.each,
    unit: budget.unit,
    ...printLimits(budget),
    period: budget.period,
    time_zone: budget.timeZone,
    mode: budget.mode,
    ...printUncounted(budget, nowMs),
    state: state === null ? null : printState(budget, state),
  };
}

export function printState(budget: Budget, state: BudgetState): JsonObject {
  const { window, spent, reserved } = state;
  const used = spent + reserved;
  const left = (limit: number | null): number | null => (limit === null ? null : Math.max(0, limit - used));
  return {
    window_start: new Date(window.startMs).toISOString(),
    resets_at: Number.isFinite(window.endMs) ? new Date(window.endMs).toISOString() : null,
    ...printFigure(budget, "spent", spent),
    ...printFigure(budget, "reserved", reserved),
    ...printFigure(budget, "remaining", left(budget.hardLimit)),
    ...printFigure(budget, "soft_remaining", left(budget.softLimit)),
    refusals: state.refusals,
    unpriced_requests: state.unpriced,
  };
}

/** Each with its subject, where it is counted for each. */
export function printStates(budget: Budget, states: readonly { subject: string; state: BudgetState }[]): JsonObject[] {
  return states.map(({ subject, state }) => ({
    ...(budget.each === null ? {} : { [budget.each]: subject }),
    ...printState(budget, state),
  }));
}

function printLimits(budget: Budget): JsonObject {
  return { ...printFigure(budget, "limit", budget.hardLimit), ...printFigure(budget, "soft_limit", budget.softLimit) };
}

/** `spent_usd` and `spent_nanos`, or `spent_tokens`. */
function printFigure({ unit }: Budget, name: string, amount: number | null): JsonObject {
  if (unit === "tokens") return { [`${name}_tokens`]: amount };
  return { [`${name}_usd`]: amount === null ? null : formatUsd(amount), [`${name}_nanos`]: amount };
}
