// The way of one request from target to target, as its route and the gateway's rules have it. Knows no format.

import { type GatewayError, toGatewayError } from "../ir/index.ts";
import type { Call, GatewayTools, Scene } from "./call.ts";
import { giveStatus } from "./failure.ts";
import { type Hand, openHedging } from "./hedge.ts";
import { chooseRules, findStandIns, isSamePlace } from "./order.ts";
import type { Target, Targets } from "./target.ts";
import type { CallRecord } from "./record.ts";
import { type Line, openLine } from "./send.ts";
import type { Stay } from "./way/admission.ts";
import type { Visit } from "./way/fleet.ts";
import { type RetryBudget, countFirst } from "./way/retry.ts";
import { type Outcome, travel } from "./way/travel.ts";

export interface Leg {
  chosen: Targets;
  /** In the order in which they are asked. */
  targets: readonly [Target, ...Target[]];
  call: Pick<Call, "signal" | "startedMs">;
  tools: GatewayTools;
  scene: Scene;
  stay: Stay;
  /** Of the call; each attempt hangs on it by a line of its own. */
  line: Line;
  record: CallRecord;
  isStream: boolean;
  /** Who may be asked where all of the targets failed. */
  spare: () => { place: Target; inMs: number }[];
  /** Whether nobody else can be asked any more; missing: never. */
  isOver?: () => boolean;
}

/** One call to one target. */
export interface AttemptAt {
  target: Target;
  line: Line;
  record: CallRecord;
  visit: Visit;
  /** Whether an answer that is a refusal gives way to another provider's. */
  watchesRefusals: boolean;
}

/** Asks one target after another, as far as that may help; where the route has it so, a second one beside one that is slow. */
export function travelOn(leg: Leg, attempt: (at: AttemptAt) => Promise<Outcome<Response>>): Promise<Response> {
  const { chosen, targets, call, tools, scene, stay, line, record } = leg;
  let isFirst = true;
  let isTurned = false;
  const watchesRefusals = (chosen.policy?.onRefusal.length ?? 0) > 0;
  const askedProviders = new Set<string>();
  /** Only what is asked of a provider again is a burden that it has not had. */
  const budgetOf = ({ provider }: Target): RetryBudget => {
    const budget = tools.retryBudgets.of(provider.name);
    return askedProviders.has(provider.name) ? budget : countFirst(budget);
  };
  const ask = async (target: Target, hand: Hand): Promise<Outcome<Response>> => {
    let visit: Visit | null = null;
    try {
      // Whoever gets no place there makes no call.
      const entered = stay.visit(target.provider.name);
      const leave = entered instanceof Promise ? await entered : entered;
      askedProviders.add(target.provider.name);
      visit = withPlace(tools.fleet.visit(target), leave);
      const outcome = await attempt({ target, ...hand, visit, watchesRefusals: watchesRefusals && !isTurned });
      return outcome.failure === null ? outcome : heldAt(hand.record.hold(), outcome.failure, outcome.tell);
    } catch (error) {
      hand.line.release(true);
      // Where it came so far that it was made, its end is known by now.
      visit?.drop();
      const failure = toGatewayError(error);
      return heldAt(hand.record.hold(), failure, async (headers) => {
        const told = giveStatus(failure);
        told.headers = { ...told.headers, ...headers };
        throw told;
      });
    }
  };
  const spared = new Set<string>();
  const rule = targets.length > 1 ? chosen.policy?.hedge : undefined;
  const hedged = rule === undefined ? null : openHedging({ leg, rule, ask, budgetOf, mayAsk: () => !isTurned });
  return travel({
    targets,
    rules: chooseRules(scene.travel, chosen.policy),
    clock: tools.clock,
    random: Math.random,
    isKin: isSamePlace,
    budgetOf: (target) => (hedged?.isKnown(target) === true ? FREE : budgetOf(target)),
    isFull: ({ provider }) => stay.isFull(provider.name),
    ...(leg.isOver === undefined ? {} : { isOver: leg.isOver }),
    signal: call.signal,
    startedMs: call.startedMs,
    // Nobody waits for it: should it not be written, the call stands there as under way.
    resting: () => void record.intend().catch(() => undefined),
    spare() {
      const left = leg.spare().filter(({ place }) => !spared.has(nameOf(place)));
      const now = left.filter(({ inMs }) => inMs === 0).map(({ place }) => place);
      for (const each of now) spared.add(nameOf(each));
      return { now, inMs: Math.min(...left.map(({ inMs }) => inMs)) };
    },
    standIns(failure) {
      const found = findStandIns(chosen, { scene, tools }, failure);
      if (found.length > 0) isTurned = true;
      return found;
    },
    attempt(target) {
      if (hedged !== null) return hedged.attempt(target);
      const own = isFirst ? line : openLine(call.signal, tools.clock);
      isFirst = false;
      return ask(target, { line: own, record });
    },
  });
}

function nameOf({ provider, model }: Target): string {
  return `${provider.name}#${provider.account ?? ""}/${model}`;
}

/** Of what was paid for already. */
const FREE: RetryBudget = { called: () => undefined, spend: () => true, isSpent: () => false };

/** The place at the provider is given back when the call ends. */
function withPlace(visit: Visit, leave: () => void): Visit {
  return {
    end(failure, firstOutputMs) {
      leave();
      visit.end(failure, firstOutputMs);
    },
    drop() {
      leave();
      visit.drop();
    },
  };
}

/** Should the client be told of this one in the end, the record is to tell of it, too. */
function heldAt(
  goBack: () => void,
  failure: GatewayError,
  tell: (headers: Readonly<Record<string, string>>) => Promise<Response>,
): Outcome<Response> {
  return {
    failure,
    tell(headers) {
      goBack();
      return tell(headers);
    },
  };
}
