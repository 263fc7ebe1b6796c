// The way of a call that leaves nothing behind: from key to key and target to target until one answers, as a chat goes. Knows no family by name.

import type { GatewayTools, Scene } from "../call.ts";
import { type AttemptAt, travelOn } from "../leg.ts";
import { chooseOrder, listSpare } from "../order.ts";
import type { CallRecord } from "../record.ts";
import type { Line } from "../send.ts";
import type { WayPolicy } from "../route.ts";
import type { Stay } from "../way/admission.ts";
import { overrule } from "../way/deadline.ts";
import type { Outcome } from "../way/travel.ts";
import { answerCall } from "./answer.ts";
import { callUpstream } from "./ask.ts";
import type { RestCall } from "./call.ts";
import { type Intake, asksStream } from "./sending.ts";
import { type Wanted, addressOf, forwardQuery, listTargets } from "./target.ts";
import { judgeCost, reserve } from "./work.ts";

export interface Parts {
  call: RestCall;
  tools: GatewayTools;
  scene: Scene;
  stay: Stay;
  record: CallRecord;
  line: Line;
  intake: Intake;
}

/** Throws the failure of the last one that was asked. */
export function goOn({ stay, ...parts }: Parts, wanted: Wanted): Promise<Response> {
  const { call, tools, scene, record, line, intake } = parts;
  const chosen = listTargets(scene, wanted);
  // An upload goes to one at a time.
  if (intake.json === null && chosen.policy !== undefined) chosen.policy = withoutHedge(chosen.policy);
  const { startedWallMs } = call;
  const asking = { call: { startedWallMs }, tools, scene, facts: wanted.facts };
  const targets = chooseOrder(chosen, asking);
  const isStream = asksStream(intake);
  // From now on it is others that the client waits for: for a place there, or for an answer.
  call.keepOpen();
  let isFirst = true;
  const attempt = async ({ target, visit, ...at }: AttemptAt): Promise<Outcome<Response>> => {
    const { provider } = target;
    const named = target.route === undefined ? {} : { route: target.route };
    const plan = { provider, model: wanted.model === null ? "" : target.model, dropped: [], ...named };
    const deadlines = overrule(scene.deadlinesOf(provider.name), target.deadlines);
    const state = { ...parts, plan, line: at.line, record: at.record, deadlines, stream: false };
    const reserving = reserve(state);
    if (reserving !== undefined) await reserving;
    // A refusal of ours says whose call it would have been, and where others were asked before, theirs.
    const isOnly = isFirst;
    isFirst = false;
    if (isOnly) at.record.planned(plan, visit.end);
    judgeCost(state, target.onUnknownPrice);
    if (!isOnly) at.record.planned(plan, visit.end);
    const url = addressOf(provider, call.place.path, forwardQuery(call.query));
    return answerCall({ ...state, ...(await callUpstream(state, url)) });
  };
  const spare = (): ReturnType<typeof listSpare> => listSpare(chosen, targets, asking);
  // What was sent and cannot be sent again is nobody else's to answer.
  const isOver = (): boolean => !intake.mayRepeat();
  return travelOn({ chosen, targets, call, tools, scene, stay, line, record, isStream, spare, isOver }, attempt);
}

function withoutHedge({ hedge: _hedge, ...policy }: WayPolicy): WayPolicy {
  return policy;
}
