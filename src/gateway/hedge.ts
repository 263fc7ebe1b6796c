// A second target beside one that is silent for longer than it mostly is: of both, the first answer is the client's, and the other call is ended.
// Knows no format.

import { GatewayError } from "../ir/index.ts";
import type { Leg } from "./leg.ts";
import { chooseRules, isSamePlace } from "./order.ts";
import type { Target } from "./target.ts";
import type { Presence } from "./presence.ts";
import { type CallRecord, withDoors } from "./record.ts";
import type { HedgeRule } from "./rule.ts";
import { type Line, openLine } from "./send.ts";
import { race } from "./way/beside.ts";
import { type Patience, createPatience } from "./way/patience.ts";
import { type RetryBudget, createRetryBudgets } from "./way/retry.ts";
import type { Outcome } from "./way/travel.ts";

/** What is known of how long places take, and how many calls were made beside others. */
export interface Hedges {
  patience: Patience;
  /** Of the provider that is too slow. */
  budgets: { of(provider: string): RetryBudget };
  /** Since the start: second calls that were made, and those of them whose answer was given. */
  figures: { started: number; won: number };
}

/** One call more for ten, so that a provider which has become slow is not given twice the work. */
const BUDGET = { ratio: 0.1, reserve: 2 };

export function createHedges(): Hedges {
  return { patience: createPatience(), budgets: createRetryBudgets(BUDGET), figures: { started: 0, won: 0 } };
}

/** Of one call: its own line, and its own hand in the record. */
export interface Hand {
  line: Line;
  record: CallRecord;
}

interface Hedging {
  leg: Leg;
  rule: HedgeRule;
  /** Makes the call. Never rejects. */
  ask: (target: Target, hand: Hand) => Promise<Outcome<Response>>;
  budgetOf: (target: Target) => RetryBudget;
  /** Whether those that were declared are asked still, and nobody in their place. */
  mayAsk: () => boolean;
}

export interface Hedged {
  attempt(target: Target): Promise<Outcome<Response> & { calls: number }>;
  /** Whether it was called beside another one: what came of it is known. */
  isKnown(target: Target): boolean;
}

export function openHedging({ leg, rule, ask, budgetOf, mayAsk }: Hedging): Hedged {
  const { chosen, targets, call, tools, scene, record } = leg;
  const { clock } = tools;
  const { patience, budgets, figures } = tools.hedges;
  const { maxAttempts } = chooseRules(scene.travel, chosen.policy);
  /** What came of those that were called beside others, until it is their turn. */
  const known = new Map<Target, Outcome<Response>>();
  const asked = new Set<Target>();
  /** Those that were called beside others. */
  const seconds = new Set<Target>();
  let calls = 0;
  leg.line.release(false);

  const run = async (target: Target): Promise<Outcome<Response>> => {
    calls++;
    asked.add(target);
    const startedMs = clock.monotonicMs();
    const presence = follow(call.signal);
    const own = record.fork(() => presence.abort());
    const hand = {
      record: seconds.has(target) ? countOut(own, figures) : own,
      line: openLine(presence.signal, clock),
    };
    const outcome = await ask(target, hand);
    const isBeaten = outcome.failure === null ? !hand.record.win() : outcome.failure.kind === "cancelled";
    // A first one that nobody waited for any longer was slow, too: else the slow ones would never be counted. A second one may just have begun.
    const isSlow = outcome.failure?.kind === "timeout" || (isBeaten && !seconds.has(target));
    const isMeasured = isSlow || (outcome.failure === null && !isBeaten);
    if (isMeasured && !call.signal.aborted) patience.note(nameOf(target, leg), clock.monotonicMs() - startedMs);
    if (outcome.failure !== null) hand.record.release();
    else if (!isBeaten && seconds.has(target)) figures.won++;
    return isBeaten && outcome.failure === null ? beaten() : outcome;
  };

  const findSecond = (first: Target): Target | null => {
    if (!mayAsk() || call.signal.aborted || calls >= maxAttempts) return null;
    const target = targets.find(
      (each) => !asked.has(each) && !isSamePlace(each, first) && !leg.stay.isFull(each.provider.name),
    );
    if (target === undefined || !budgets.of(first.provider.name).spend()) return null;
    if (!budgetOf(target).spend()) return null;
    seconds.add(target);
    return target;
  };

  return {
    isKnown: (target) => known.has(target),
    async attempt(target) {
      const found = known.get(target);
      if (found !== undefined) {
        known.delete(target);
        return { ...found, calls: 0 };
      }
      budgets.of(target.provider.name).called();
      const afterMs = rule.afterMs ?? patience.p95(nameOf(target, leg)) ?? scene.travel.hedgeAfterMs;
      const raced = await race(target, { clock, afterMs, run, second: () => findSecond(target) });
      if (raced.beside !== null) known.set(raced.beside.target, raced.beside.outcome);
      return { ...raced.outcome, calls: raced.calls };
    },
  };
}

/** Not all that are planned are made. */
function countOut(record: CallRecord, figures: Hedges["figures"]): CallRecord {
  return withDoors(record, {
    intend(isKnown) {
      figures.started++;
      return record.intend(isKnown);
    },
  });
}

/** Whole answers and first words take their time, each its own. */
function nameOf({ provider, model }: Target, { isStream }: Leg): string {
  return `${provider.name}#${provider.account ?? ""}/${model.slice(0, 200)}${isStream ? "" : " (whole)"}`;
}

/** Aborted with the other one, which is as short-lived as its request. */
function follow(signal: Presence): AbortController {
  const own = new AbortController();
  const go = (): void => own.abort(signal.reason);
  if (signal.aborted) go();
  else signal.addEventListener("abort", go, { once: true });
  return own;
}

function beaten(): Outcome<Response> {
  const failure = new GatewayError({ kind: "cancelled", message: "Another provider answered first." });
  return { failure, tell: () => Promise.reject(failure) };
}
