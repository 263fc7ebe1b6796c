// One call to one provider, from its plan to its end: what the books gather of it while it lives. Knows no other call of its request, no SQL and
// no format.

import type { Attempt } from "../ledger/index.ts";
import type { Redact } from "../lib/redact.ts";
import type { Waiting } from "../lib/shared-delay.ts";
import { nameWay } from "./attempt.ts";
import type { GatewayTools } from "./call.ts";
import { collectText } from "./capture.ts";
import { type Bodies, openBodies } from "./figures.ts";
import type { CallRecord, RecordedPlan } from "./recording.ts";
import { type Tally, MAX_NAME_LENGTH, openTally } from "./tally.ts";
import { type Witness, createWitness } from "./witness.ts";

export interface Try {
  plan: RecordedPlan | null;
  tally: Tally;
  witness: Witness;
  bodies: Bodies;
  redact: Redact;
  /** Null where no text is kept. */
  captured: { request: CollectedText; response: CollectedText } | null;
  startedMs: number;
  /** Its provider was called, or is about to be. */
  isCalled: boolean;
  /** It is on the books that its provider is called. */
  isOut: boolean;
  /** Null while it is under way. */
  attempt: Attempt | null;
  /** The answer that its provider makes behind everybody's back, by the provider's own id; null where it makes none. */
  leftId: string | null;
  /** Null where nobody waits for it to be one that takes long. */
  untilLong: Waiting | null;
  ended: Parameters<CallRecord["planned"]>[1];
}

type CollectedText = ReturnType<typeof collectText>;

type TryTools = Pick<GatewayTools, "capture" | "clock" | "recounter" | "scene">;

export function openTry(tools: TryTools, plan: RecordedPlan | null, ended?: Try["ended"]): Try {
  const nowMs = tools.clock.monotonicMs;
  return {
    plan,
    tally: openTally(nowMs),
    witness: createWitness(tools.recounter),
    bodies: openBodies(),
    redact: tools.scene().redact,
    captured: tools.capture.isOn() ? { request: collectText(), response: collectText() } : null,
    startedMs: nowMs(),
    isCalled: false,
    isOut: false,
    attempt: null,
    leftId: null,
    untilLong: null,
    ended,
  };
}

/** `nowMs`: on the clock that `startedMs` is of. */
export function closeTry(
  own: Try,
  { status, error, upstreamRequestId, report, isUnheard = false }: Parameters<CallRecord["attempted"]>[0],
  nowMs: number,
): void {
  const { plan, tally, startedMs } = own;
  if (plan === null) return;
  if (report !== undefined) tally.reported(report);
  tally.closed(isUnheard ? null : error, status);
  own.untilLong?.stop();
  own.isCalled = true;
  own.attempt = {
    provider: plan.provider.name,
    model: plan.model.slice(0, MAX_NAME_LENGTH),
    ...nameWay(plan),
    status,
    errorKind: error?.kind ?? null,
    // Whatever a provider says may repeat the key that it was asked with.
    upstreamRequestId: upstreamRequestId === null ? null : own.redact(upstreamRequestId),
    latencyMs: Math.round(nowMs - startedMs),
  };
  const firstMs = tally.firstOutputMs();
  own.ended?.(error, error !== null ? null : (firstMs ?? nowMs) - startedMs);
}
