// Requests sent to a second target as well, behind everybody's back: the answer is thrown away, the cost is on a row of its own. Nothing of it
// reaches the client, not even its failures. Knows no format.

import { toGatewayError } from "../ir/index.ts";
import type { Amount } from "../ledger/index.ts";
import type { Ready } from "./background.ts";
import { writesText } from "./bound.ts";
import type { Call, GatewayTools, Scene } from "./call.ts";
import { isDrawn, orderReady } from "./order.ts";
import { type Plan, planFor } from "./plan.ts";
import type { Asked, Target, Targets } from "./target.ts";
import { type Presence, openPresence } from "./presence.ts";
import { makeReady } from "./ready.ts";
import { type CallRecord, openRecord } from "./record.ts";
import { openLine } from "./send.ts";
import { findSold } from "./sold-tool.ts";
import { addTag } from "./tag.ts";
import { judgePrice } from "./unknown-price.ts";
import type { Stay } from "./way/admission.ts";
import { overrule } from "./way/deadline.ts";
import type { Outcome } from "./way/travel.ts";

/** How many may run at once: those beyond are not made. */
export interface Mirrors {
  /** Called when it is over; null where there is no room. */
  enter(): (() => void) | null;
}

/** Of all requests together: enough to learn from, and no load to speak of. */
const MOST_AT_ONCE = 64;
/** No answer that anybody waits for takes longer. */
const LONGEST_MS = 15 * 60_000;
/** What such a row is filed under, beside the caller's own tags. */
const TAG = "mirror";

export function createMirrors(): Mirrors {
  let running = 0;
  return {
    enter() {
      if (running >= MOST_AT_ONCE) return null;
      running++;
      let isOver = false;
      return () => {
        if (!isOver) running--;
        isOver = true;
      };
    },
  };
}

interface Mirroring {
  call: Call;
  tools: GatewayTools;
  scene: Scene;
  asked: Asked;
  perform: (ready: Ready) => Promise<Outcome<Response>>;
  boundOf: (plan: Plan) => Amount;
  random?: () => number;
}

/** Returns at once; what is asked of other providers begins when the request itself is on its way. Throws nothing. */
export function mirror({ policy }: Targets, mirroring: Mirroring): void {
  const { call, scene, asked, tools, random = Math.random } = mirroring;
  // What one provider keeps, no other knows; and to count is no work.
  if (policy === undefined || asked.keeper !== null || call.wire.operation === "count") return;
  for (const { target: place, percent } of policy.shadow) {
    const [target] = isDrawn(percent, random) ? orderReady(tools.fleet, makeReady(scene, place)) : [];
    const leave = target === undefined ? null : tools.mirrors.enter();
    if (target !== undefined && leave !== null) setImmediate(() => void run(target, mirroring).finally(leave));
  }
}

async function run(target: Target, mirroring: Mirroring): Promise<void> {
  const { tools } = mirroring;
  const presence = new AbortController();
  const callOff = tools.clock.after(LONGEST_MS, () => presence.abort());
  const watched = openPresence({ caller: mirroring.call.caller, signal: presence.signal }, tools.rights);
  const call = copyCall(mirroring.call, watched);
  const stay = tools.admission.open(call.caller, watched);
  const over = (): void => {
    stay.leave();
    watched.close();
  };
  if (!(await hasPlace(stay, target))) {
    over();
    return callOff();
  }
  const record = openRecord({ ...call, endpoint: call.wire.endpoint, over }, tools);
  const line = openLine(call.signal, tools.clock);
  try {
    const ready = await prepare(target, { ...mirroring, call }, record);
    if (ready === null) return;
    const outcome = await mirroring.perform({ ...ready, line });
    const response = outcome.failure === null ? outcome.answer : await outcome.tell({});
    await response.body?.pipeTo(new WritableStream());
  } catch (error) {
    const failure = toGatewayError(error);
    await record.settle(failure.status, failure).catch(() => undefined);
  } finally {
    line.release(true);
    callOff();
  }
}

/** Nobody waits for it, and so it does not wait either: but where others give the places, they must be asked. */
async function hasPlace(stay: Stay, { provider }: Target): Promise<boolean> {
  if (stay.isFull(provider.name)) return false;
  try {
    await stay.visit(provider.name);
    return true;
  } catch {
    return false;
  }
}

/** Null where it is not to be made: nobody is to be told of a budget that is spent, or a price that nobody knows, for its sake. */
async function prepare(
  target: Target,
  { call, tools, scene, asked, boundOf }: Mirroring,
  record: CallRecord,
): Promise<Omit<Ready, "line"> | null> {
  try {
    record.asked(asked.peek.model, asked.peek.stream);
    const plan = planFor(scene, target, asked);
    await record.reserve(plan, () => boundOf(plan));
    judgePrice({
      plan,
      record,
      scene,
      tools,
      body: asked.body,
      sold: findSold(plan, asked.body),
      writes: writesText(call),
    });
    record.planned(plan);
    const { body, peek } = asked;
    const quiet = { keep: null, elsewhere: null, watchesRefusals: false };
    const deadlines = overrule(scene.deadlinesOf(target.provider.name), target.deadlines);
    return { call, tools, scene, plan, record, deadlines, body, stream: peek.stream, ...quiet };
  } catch {
    record.withdraw();
    return null;
  }
}

/** With a row of its own, and without what would make a provider take the two for one. */
function copyCall(call: Call, signal: Presence): Call {
  const headers = addTag(call.headers, TAG);
  headers.delete("idempotency-key");
  return { ...call, id: Bun.randomUUIDv7(), requestId: `${call.requestId}-${TAG}`, headers, signal };
}
