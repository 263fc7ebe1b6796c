// The way of one request from target to target, as its route and the gateway's rules have it. Knows no format.

import { type GatewayError, toGatewayError } from "../ir/index.ts";
import type { Call, GatewayTools, Scene } from "./call.ts";
import { chooseRules, findStandIns, isSamePlace } from "./order.ts";
import type { Target, Targets } from "./plan.ts";
import type { CallRecord } from "./record.ts";
import { type Line, openLine } from "./send.ts";
import type { Visit } from "./way/fleet.ts";
import { type Outcome, travel } from "./way/travel.ts";

export interface Leg {
  chosen: Targets;
  /** In the order in which they are asked. */
  targets: readonly [Target, ...Target[]];
  call: Call;
  tools: GatewayTools;
  scene: Scene;
  /** Of the call; each attempt hangs on it by a line of its own. */
  line: Line;
  record: Pick<CallRecord, "hold" | "intend">;
}

/** One call to one target. */
export interface AttemptAt {
  target: Target;
  line: Line;
  visit: Visit;
  /** Whether an answer that is a refusal gives way to another provider's. */
  watchesRefusals: boolean;
}

/** Asks one target after another, as far as that may help. */
export function travelOn(
  { chosen, targets, call, tools, scene, line, record }: Leg,
  attempt: (at: AttemptAt) => Promise<Outcome<Response>>,
): Promise<Response> {
  let isFirst = true;
  let watchesRefusals = (chosen.policy?.onRefusal.length ?? 0) > 0;
  return travel({
    targets,
    rules: chooseRules(scene.travel, chosen.policy),
    clock: tools.clock,
    random: Math.random,
    isKin: isSamePlace,
    budgetOf: ({ provider }) => tools.retryBudgets.of(provider.name),
    signal: call.signal,
    startedMs: call.startedMs,
    // Nobody waits for it: should it not be written, the call stands there as under way.
    resting: () => void record.intend().catch(() => undefined),
    standIns(failure) {
      const found = findStandIns(chosen, { scene, tools }, failure);
      if (found.length > 0) watchesRefusals = false;
      return found;
    },
    async attempt(target) {
      const own = isFirst ? line : openLine(call.signal, tools.clock);
      isFirst = false;
      const visit = tools.fleet.visit(target);
      try {
        const outcome = await attempt({ target, line: own, visit, watchesRefusals });
        return outcome.failure === null ? outcome : heldAt(record.hold(), outcome.failure, outcome.tell);
      } catch (error) {
        own.release(true);
        // Where it came so far that it was made, its end is known by now.
        visit.drop();
        const failure = toGatewayError(error);
        return heldAt(record.hold(), failure, async (headers) => {
          failure.headers = { ...failure.headers, ...headers };
          throw failure;
        });
      }
    },
  });
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
