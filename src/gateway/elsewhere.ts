// Answers that a provider makes in the background itself: followed to their end, for only then is it known what they cost. Knows no format.

import { GatewayError, type JsonObject, toGatewayError } from "../ir/index.ts";
import type { Clock } from "../lib/clock.ts";
import { KEEPING, type WireMemory } from "../wire/index.ts";
import { bookAnswer } from "./answer.ts";
import type { GatewayTools } from "./call.ts";
import type { CallState, Elsewhere } from "./header.ts";
import { askKeeper } from "./keeper.ts";
import { type Estimated, bookTold } from "./later.ts";
import type { Run } from "./run.ts";
import { parseObject } from "./send.ts";
import { refuseEndless } from "./tally.ts";
import { nameKeeper } from "./way/pool.ts";

const FIRST_LOOK_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Providers give up themselves long before. */
export const MAX_WATCH_MS = 24 * 3_600_000;

export function watchElsewhere(memory: WireMemory): Elsewhere {
  return { isOver: (answer) => memory.isOver(answer), watch: (state, answer) => watch(state, memory, answer) };
}

async function watch(state: CallState, memory: WireMemory, begun: JsonObject): Promise<void> {
  const { call, plan, record, line, tools } = state;
  const id = readId(begun);
  line.release(false);
  const run = tools.memory.track({ id, userId: call.caller.userId, body: "" });
  void record.leave(id);
  let failure: GatewayError | null = null;
  try {
    const end = await findEnd(state, memory, run);
    const answer = end === null ? null : parseObject(end.text);
    if (end !== null && answer !== null && plan.mode.kind === "forward" && plan.mode.wire.operation === "chat") {
      if (!end.isTold) void state.keep?.(answer, end.text);
      record.fetched(end.text);
      const { response } = plan.mode.wire;
      bookAnswer(state, response.decode(answer), response.report(answer));
    }
  } catch (error) {
    failure = toGatewayError(error);
    if (failure.kind !== "cancelled") tools.report(failure, call.requestId);
  }
  await record.settle(200, failure).catch(() => undefined);
  run.close();
}

/** One that a gateway before this one followed, whose row is written: it is corrected by what the answer cost. Never rejects. */
export async function followOn(estimated: Estimated, tools: GatewayTools): Promise<void> {
  const { entry, plan, answerId } = estimated;
  const wire = KEEPING.find(({ endpoint }) => endpoint === entry.endpoint);
  if (wire === undefined) return;
  const run = tools.memory.track({ id: answerId, userId: entry.userId, body: "" });
  const forget = tools.ledger.beforeEnd(() => undefined, answerId);
  try {
    const call = { wire, requestId: entry.requestId };
    const end = await findEnd({ call, plan, tools }, wire.memory, run);
    const answer = end === null ? null : parseObject(end.text);
    if (answer !== null) {
      const { model, usage } = wire.response.decode(answer);
      const counted = refuseEndless(usage);
      const report = wire.response.report(answer);
      if (counted !== null) await bookTold(estimated, { model, usage: counted, report }, tools);
    }
  } catch (error) {
    const failure = toGatewayError(error);
    if (failure.kind !== "cancelled") tools.report(failure, entry.requestId);
  }
  forget();
  run.close();
}

/** Empty where it has none. */
export function readId({ id }: JsonObject): string {
  return typeof id === "string" ? id : "";
}

interface Watched {
  call: Pick<CallState["call"], "requestId" | "wire">;
  plan: Pick<CallState["plan"], "model" | "provider">;
  tools: GatewayTools;
}

/** An answer that is over. `isTold`: whoever saw that keeps it already, or has removed it since. */
interface End {
  text: string;
  isTold: boolean;
}

/** Null where it is gone, or nobody may wait for it any longer. */
async function findEnd({ call, plan, tools }: Watched, memory: WireMemory, run: Run): Promise<End | null> {
  const found = { id: run.id, model: plan.model, provider: nameKeeper(plan.provider) };
  const presence = new AbortController();
  run.onEnd(() => presence.abort());
  const request = { wire: call.wire, requestId: call.requestId, signal: presence.signal };
  const endMs = tools.clock.monotonicMs() + MAX_WATCH_MS;
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    await pause(tools.clock.after, pauseMs, presence.signal);
    const told = run.told();
    if (told !== null) return { text: told, isTold: true };
    if (run.ended() !== null || tools.clock.monotonicMs() > endMs) return null;
    try {
      const kept = await askKeeper(request, tools, found, { method: "GET", path: "" });
      if (kept === null) return await readLast(tools, memory, run);
      const text = await kept.readText();
      if (memory.isOver(parseObject(text) ?? {})) return { text, isTold: false };
    } catch (error) {
      // A look that failed is followed by another.
      if (run.ended() !== null) throw error;
    }
  }
}

/** Its owner may have removed it by another process, which saw to it before how it ended. */
async function readLast(tools: GatewayTools, memory: WireMemory, { id, userId }: Run): Promise<End | null> {
  const text = await tools.memory.readLast(id, userId);
  return text !== null && memory.isOver(parseObject(text) ?? {}) ? { text, isTold: true } : null;
}

/** Shorter where somebody ends the run. */
function pause(after: Clock["after"], pauseMs: number, end: AbortSignal): Promise<void> {
  if (end.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const stop = (): void => {
      cancel();
      end.removeEventListener("abort", stop);
      resolve();
    };
    const cancel = after(pauseMs, stop);
    end.addEventListener("abort", stop, { once: true });
  });
}
