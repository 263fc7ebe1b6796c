// Answers that the client does not wait for: taken on, made behind its back, and kept for it to fetch. Knows no format.

import { type GatewayError, GatewayError as Failure, type JsonObject, toGatewayError } from "../ir/index.ts";
import type { ChatWire, Outcome, WireMemory } from "../wire/index.ts";
import { type CallState, EVENTS, makeHeaders } from "./header.ts";
import { nameKeeper } from "./way/pool.ts";
import { type WatchedPresence, tellEnd } from "./presence.ts";
import type { Recalled } from "./recall.ts";
import { withDoors } from "./record.ts";
import type { Run } from "./run.ts";

/** A call that is planned, and not yet sent. */
export type Ready = Omit<CallState, "sentMs" | "upstream" | "upstreamMs">;

/** `perform` asks the provider; its row is written when that is over, as ever. */
export async function answerLater(
  ready: Ready,
  presence: WatchedPresence,
  { memory, ask, listInput }: Recalled,
  perform: (ready: Ready) => Promise<Response>,
): Promise<Response> {
  const { call, plan, line, tools } = ready;
  const queued = memory.begin(draftAnswer(ready, memory), "queued");
  const id = readId(queued);
  if (id === null) throw new Failure({ kind: "internal", message: "An answer in the background needs an id." });
  const userId = call.caller.userId;
  const run = await tools.memory.begin({
    id,
    userId,
    provider: nameKeeper(plan.provider),
    model: plan.model,
    previousId: ask.previousId,
    isUpstream: false,
    input: JSON.stringify(listInput()),
    body: JSON.stringify(queued),
  });
  presence.detach();
  run.onEnd(() => line.leave());
  void work({ ready, memory, run, queued }, perform);
  const headers = makeHeaders({ ...ready, stream: true, upstream: NO_UPSTREAM, upstreamMs: 0 }, {});
  if (!ready.stream) return Response.json(queued, { headers });
  return new Response(run.follow(), {
    headers: { ...headers, ...EVENTS },
  });
}

/** Nobody has answered yet. */
const NO_UPSTREAM = new Response(null);

/** The answer as it looks before anything is known of it: what its stream would begin with. */
function draftAnswer({ plan, call, tools, body, stream }: Ready, memory: WireMemory): JsonObject {
  const client = call.wire as ChatWire;
  const request = plan.mode.kind === "translate" ? plan.mode.request : client.request.decode(body);
  const nowSeconds = Math.floor(tools.clock.wallMs() / 1000);
  const encoder = client.stream.encode({ request: { ...request, stream }, callId: call.id, nowSeconds });
  const start = encoder.push({ type: "start", id: "", model: plan.model, createdAt: nowSeconds, extra: {} });
  return memory.findAnswer(start.join("")) ?? {};
}

interface Work {
  ready: Ready;
  memory: WireMemory;
  run: Run;
  queued: JsonObject;
}

/** Never rejects: there is nobody to tell but the log, the row and the kept answer. */
async function work({ ready, memory, run, queued }: Work, perform: (ready: Ready) => Promise<Response>): Promise<void> {
  const { call, record, line, tools } = ready;
  let failure: GatewayError | null = null;
  let isKept = false;
  /** Whether those who follow it are told its end by its own stream. */
  let hasStream = false;
  const finish = async (answer: JsonObject): Promise<void> => {
    isKept = true;
    const items = memory.listItems(answer).map((item) => item.id);
    const answered = { id: run.id, userId: call.caller.userId, body: JSON.stringify(answer) };
    await tools.memory
      .finish(answered, items)
      .catch((error: unknown) => tools.report(toGatewayError(error), call.requestId));
  };
  const watched = withDoors(record, {
    settle(status, error) {
      failure ??= error;
      return record.settle(status, error);
    },
  });
  try {
    await run.renew(JSON.stringify(memory.begin(queued, "in_progress")));
    const keep = (answer: JsonObject): Promise<void> => finish(memory.adopt(answer, run.id));
    const response = await perform({ ...ready, record: watched, keep });
    hasStream = response.ok;
    await pour(response, ready.stream && hasStream ? run : null, memory);
    if (!response.ok) failure ??= refused(response.status);
  } catch (thrown) {
    failure ??= tellEnd(toGatewayError(thrown), call.signal);
    line.release(true);
    await record.settle(failure.status, failure).catch(() => undefined);
    if (failure.kind !== "cancelled") tools.report(failure, call.requestId);
  }
  if (!isKept) {
    const closed = memory.close(queued, readOutcome(run, failure));
    await finish(closed);
    if (ready.stream && !hasStream) run.push(memory.replay(closed, -1));
  }
  run.close();
}

/** Reads the answer to its end, which is what moves it on. A provider's own id in it gives way to the one that the client has. */
async function pour(response: Response, run: Run | null, memory: WireMemory): Promise<void> {
  if (response.body === null) return;
  let own: string | null = null;
  for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
    if (run === null) continue;
    own ??= readId(memory.findAnswer(piece));
    run.push(own === null || own === run.id ? piece : piece.replaceAll(own, run.id));
  }
}

function readId(answer: JsonObject | null): string | null {
  const id = answer?.["id"];
  return typeof id === "string" && id !== "" ? id : null;
}

function readOutcome(run: Run, failure: GatewayError | null): Outcome {
  if (run.ended() === "cancelled") return "cancelled";
  if (run.ended() === "stopped") return lostMaker();
  return failure ?? new Failure({ kind: "internal", message: "The answer ended before it was complete." });
}

/** Also for a process that ended without a word. */
export function lostMaker(): GatewayError {
  return new Failure({
    kind: "overloaded",
    message: "The gateway was stopped before this answer was complete. Ask again.",
  });
}

function refused(status: number): GatewayError {
  return new Failure({ kind: "upstream_rejected", message: `The provider refused the request with status ${status}.` });
}
