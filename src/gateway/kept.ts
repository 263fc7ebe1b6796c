// What an owner may do with answers that are kept: look at them, follow them, cancel and remove them. Knows no format and no HTTP server.

import type { Caller } from "../identity/index.ts";
import { GatewayError, type JsonObject, invalidRequest } from "../ir/index.ts";
import type { Wire, WireMemory } from "../wire/index.ts";
import type { KeptAnswer } from "./answer-store.ts";
import { lostMaker } from "./background.ts";
import type { GatewayTools } from "./call.ts";
import { EVENTS, NO_PAGE } from "./header.ts";
import { type Kept, askKeeper } from "./keeper.ts";
import { type Presence, type WatchedPresence, findEnd, openPresence } from "./presence.ts";
import { parseAnswer, parseInput } from "./recall.ts";
import type { Run } from "./run.ts";
import { parseObject } from "./send.ts";

export interface KeptRequest {
  wire: Wire & { memory: WireMemory };
  id: string;
  caller: Caller;
  requestId: string;
  query: URLSearchParams;
  signal: Presence;
  letGo: () => void;
}

/** How often an answer that another process makes is looked at by whoever follows it. */
const LOOK_MS = 1_000;

/** The answer as it is now, or as a stream. Throws what the format says of one that is not there. */
export async function showAnswer(request: KeptRequest, tools: GatewayTools): Promise<Response> {
  const { memory } = request.wire;
  const found = await findOwn(request, tools);
  const isStream = request.query.get("stream") === "true";
  const answer = parseAnswer(found);
  if (found.isUpstream && !memory.isOver(answer)) return showElsewhere(request, tools, found, isStream);
  if (!isStream) return Response.json(await refresh(request, tools, found));
  const after = readAfter(request.query);
  if (found.isUpstream && after >= 0 && memory.isBackground(answer)) {
    const rest = await showRest(request, tools, found);
    if (rest !== null) return rest;
  }
  const watched = watch(request, tools);
  const pieces = follow(watched, tools, { run: tools.memory.findRun(found.id, found.userId), after });
  return new Response(tell(watched, pieces), { headers: EVENTS });
}

/** By its provider, whose events have the numbers that the client has seen; null where that does not tell them again. */
async function showRest(request: KeptRequest, tools: GatewayTools, found: KeptAnswer): Promise<Response | null> {
  const shown = await showElsewhere(request, tools, found, true).catch(() => null);
  if (shown?.headers.get("content-type")?.startsWith("text/event-stream") !== false) return shown;
  await shown.body?.cancel();
  return null;
}

export async function listInput(request: KeptRequest, tools: GatewayTools): Promise<JsonObject> {
  const found = await findOwn(request, tools);
  return request.wire.memory.printInput(parseInput(found), found.id, request.query);
}

/** Gone for good, also at the provider that kept it. */
export async function removeAnswer(request: KeptRequest, tools: GatewayTools): Promise<JsonObject> {
  const found = await findOwn(request, tools);
  let end: string | null = null;
  if (found.isUpstream) {
    // It may be followed here, or in another process.
    if (request.wire.memory.isBackground(parseAnswer(found))) {
      end = await endElsewhere(request, tools, found).catch(() => null);
    }
    (await askKeeper(request, tools, found, { method: "DELETE", path: "" }))?.release();
  }
  const isFollowed = tools.memory.findRun(found.id, found.userId) !== null;
  if (end === null || isFollowed) await tools.memory.remove(found.id, found.userId);
  else await tools.memory.removeEnded(found, end);
  tools.memory.findRun(found.id, found.userId)?.end("cancelled");
  return request.wire.memory.printRemoved(found.id);
}

/** Once an answer is gone, nobody is told any more what it cost; and what goes on behind that would be paid for, and on no book. */
async function endElsewhere(request: KeptRequest, tools: GatewayTools, found: KeptAnswer): Promise<string> {
  const { memory } = request.wire;
  const isFollowed = tools.memory.findRun(found.id, found.userId) !== null;
  if (!isFollowed && memory.isOver(parseAnswer(found))) return found.body;
  const answer = await updateFrom(request, tools, found, { method: "GET", path: "" });
  if (memory.isOver(answer)) return JSON.stringify(answer);
  return JSON.stringify(await updateFrom(request, tools, found, { method: "POST", path: "/cancel" }));
}

/** Ends what is still being made; what is over already stays as it is. */
export async function cancelAnswer(request: KeptRequest, tools: GatewayTools): Promise<JsonObject> {
  const { memory } = request.wire;
  const found = await findOwn(request, tools);
  const answer = await refresh(request, tools, found);
  if (!memory.isBackground(answer)) throw invalidRequest("Cannot cancel a synchronous response.");
  if (memory.isOver(answer)) return answer;
  if (found.isUpstream) return updateFrom(request, tools, found, { method: "POST", path: "/cancel" });
  const cancelled = memory.close(answer, "cancelled");
  await tools.memory.finish({ ...found, body: JSON.stringify(cancelled) }, []);
  tools.memory.findRun(found.id, found.userId)?.end("cancelled");
  // It may have become complete in this very moment.
  return parseAnswer(await findOwn(request, tools));
}

async function findOwn({ wire, id, caller }: KeptRequest, tools: GatewayTools): Promise<KeptAnswer> {
  const found = await tools.memory.find(id, caller.userId);
  if (found === null) throw wire.memory.missing("answer", id);
  return found;
}

/** An answer whose maker is dead has failed, and says so from now on. */
async function refresh({ wire }: KeptRequest, tools: GatewayTools, found: KeptAnswer): Promise<JsonObject> {
  const answer = parseAnswer(found);
  if (found.leaseUntil === null || found.leaseUntil.getTime() > tools.clock.wallMs()) return answer;
  const failed = wire.memory.close(answer, lostMaker());
  await tools.memory.finish({ ...found, body: JSON.stringify(failed) }, []);
  return failed;
}

type Watched = KeptRequest & { signal: WatchedPresence };

/** A stream that is followed ends with the right to follow it. */
function watch(request: KeptRequest, { rights }: GatewayTools): Watched {
  return { ...request, signal: openPresence(request, rights) };
}

/** What is told as it comes. `release`: of what it comes from. */
function tell<Piece>(watched: Watched, pieces: AsyncIterable<Piece>, release = ignore): AsyncIterable<Piece | string> {
  const told = endWith(watched, pieces);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => told.next(),
      // Also where nobody came to ask for the first piece: a generator that was not started has no `finally`.
      return() {
        watched.signal.close();
        release();
        return told.return(undefined);
      },
    }),
  };
}

const ignore = (): void => undefined;

/** Of whoever may not go on, the last that he is told is why. */
async function* endWith<Piece>(
  { signal, wire, requestId }: Watched,
  pieces: AsyncIterable<Piece>,
): AsyncGenerator<Piece | string> {
  const say = (): string[] => {
    const ended = findEnd(signal);
    return ended === null ? [] : [wire.error.encodeFrame(ended, requestId)];
  };
  try {
    yield* pieces;
    yield* say();
  } catch (error) {
    if (findEnd(signal) === null) throw error;
    yield* say();
  } finally {
    signal.close();
  }
}

async function* follow(
  request: KeptRequest,
  tools: GatewayTools,
  { run, after }: { run: Run | null; after: number },
): AsyncGenerator<string> {
  const { memory } = request.wire;
  let isTold = false;
  const { signal } = request;
  for await (const piece of run?.follow(signal) ?? []) {
    isTold = true;
    yield memory.skipEvents(piece, after);
  }
  if (isTold || signal.aborted) return;
  const missed = after < 0 ? [] : tools.memory.readEnded(request.id, request.caller.userId);
  for (const piece of missed) {
    const rest = memory.skipEvents(piece, after);
    isTold ||= rest !== "";
    yield rest;
  }
  // Its end is told also to whoever has seen all of it.
  if (isTold) return;
  let answer = await refresh(request, tools, await findOwn(request, tools));
  while (!memory.isOver(answer)) {
    await pause(tools.clock, signal);
    if (signal.aborted) return;
    answer = await refresh(request, tools, await findOwn(request, tools));
  }
  yield memory.replay(answer, after);
}

/** Until it is time to look again, or nobody is there who wants to know. */
function pause(clock: GatewayTools["clock"], presence: Presence): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(LOOK_MS, resolve);
  presence.addEventListener("abort", resolve, { once: true });
  if (presence.aborted) resolve();
  return promise.finally(() => {
    cancel();
    presence.removeEventListener("abort", resolve);
  });
}

function readAfter(query: URLSearchParams): number {
  const text = query.get("starting_after");
  if (text === null) return -1;
  if (!/^\d{1,9}$/u.test(text))
    throw invalidRequest("starting_after must be the number of an event.", "starting_after");
  return Number(text);
}

/** The provider is still making it: it tells, and what it says is kept. */
async function showElsewhere(
  request: KeptRequest,
  tools: GatewayTools,
  found: KeptAnswer,
  isStream: boolean,
): Promise<Response> {
  if (!isStream) return Response.json(await updateFrom(request, tools, found, { method: "GET", path: "" }));
  const { showQuery } = request.wire.memory;
  // The caller's key may be in there, too; it is ours alone.
  const query = [...request.query].filter(([name]) => showQuery.includes(name));
  const watched = watch(request, tools);
  const kept = await askKeeper(watched, tools, found, { method: "GET", path: "", query }).catch((error: unknown) => {
    watched.signal.close();
    throw error;
  });
  if (kept === null) {
    watched.signal.close();
    throw request.wire.memory.missing("answer", found.id);
  }
  return new Response(tell(watched, pass(kept), kept.release), {
    headers: {
      ...NO_PAGE,
      "content-type": kept.upstream.headers.get("content-type") ?? "text/event-stream",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    },
  });
}

/** As long as the client likes: an answer that is being made may be silent for long. */
async function* pass({ upstream, release }: Kept): AsyncGenerator<Uint8Array> {
  try {
    yield* upstream.body ?? [];
  } finally {
    release();
  }
}

async function updateFrom(
  request: KeptRequest,
  tools: GatewayTools,
  found: KeptAnswer,
  ask: { method: "GET" | "POST"; path: string },
): Promise<JsonObject> {
  const kept = await askKeeper(request, tools, found, ask);
  if (kept === null) throw request.wire.memory.missing("answer", found.id);
  const text = await kept.readText();
  const answer = parseObject(text);
  if (answer?.["id"] !== found.id) {
    throw new GatewayError({
      kind: "upstream_malformed",
      message: `Provider "${found.provider}" gave another answer than the one asked for.`,
    });
  }
  const { memory } = request.wire;
  const items = memory.listItems(answer).map((item) => item.id);
  await tools.memory.keep({ ...found, body: text }, items);
  if (memory.isOver(answer)) tools.memory.findRun(found.id, found.userId)?.tell(text);
  return answer;
}
