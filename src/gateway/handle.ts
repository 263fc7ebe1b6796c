// The life of one inference request: read → plan → send → answer, with its row settled before anything is released.
// Knows no HTTP server, no SQL and no vendor's name.

import { type GatewayError, type JsonObject, isJsonObject, mergeExtra, toGatewayError } from "../ir/index.ts";
import type { Amount } from "../ledger/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import { answerWhole } from "./answer.ts";
import { type Ready, answerLater } from "./background.ts";
import { NOTHING, findBound, findWanted, writesText } from "./bound.ts";
import {
  type Call,
  type GatewayTools,
  type Scene,
  parseBody,
  refuseKey,
  refuseRepeated,
  refuseRepeatedAnywhere,
} from "./call.ts";
import { prepareClosing } from "./closing.ts";
import { watchElsewhere } from "./elsewhere.ts";
import { estimateFromRequest } from "./estimate.ts";
import type { Provider } from "../provider/index.ts";
import { openFacts } from "./facts.ts";
import { explainRejection, nameRefused } from "./failure.ts";
import { type CallState, collectHeaders, makeHeaders } from "./header.ts";
import { keepAlive } from "./keep-alive.ts";
import { type AttemptAt, travelOn } from "./leg.ts";
import { NO_TOKENS, type Wanted } from "./limit/index.ts";
import { mirror } from "./mirror.ts";
import { listFurtherModels } from "./named-model.ts";
import { narrowScene, requireModels } from "./narrow.ts";
import { chooseOrder, listSpare } from "./order.ts";
import { overrideObject } from "./override.ts";
import { type Plan, planFor } from "./plan.ts";
import { listTargets, objectsApart } from "./target.ts";
import { type Recalled, keepsAnswers, makeKeeper, recall } from "./recall.ts";
import { bindIncidental } from "./rest/incidental.ts";
import { type WatchedPresence, openPresence } from "./presence.ts";
import { type CallRecord, booksClosed, openRecord } from "./record.ts";
import { findSold } from "./sold-tool.ts";
import { type Line, explainFailure, isUnheard, openLine, parseObject, readUpstreamId, send } from "./send.ts";
import { type WireMemory, findReferences, mayReference } from "../wire/index.ts";
import { answerStream } from "./stream.ts";
import { readStrict } from "./strict.ts";
import { judgePrice } from "./unknown-price.ts";
import type { Stay } from "./way/admission.ts";
import { overrule, untilWhole } from "./way/deadline.ts";
import type { Outcome } from "./way/travel.ts";

/** Answers the call. Throws a GatewayError, already on record, for whoever speaks the client's format. */
export async function handleCall(given: Call, tools: GatewayTools): Promise<Response> {
  const fault = tools.ledger.fault();
  if (fault !== null) throw booksClosed(fault);
  const scene = narrowScene(tools.scene(), given.caller.limits);
  const presence = openPresence(given, tools.rights);
  const call = { ...given, signal: presence };
  const stay = tools.admission.open(call.caller, presence);
  let giveBack: () => void = () => undefined;
  const over = (): void => {
    stay.leave();
    presence.close();
    giveBack();
  };
  /** For an answer that its provider makes in the background: until its row is written. */
  const takePlace = (): void => {
    giveBack = tools.memory.takePlace(call.caller.userId);
  };
  const record = openRecord({ ...call, endpoint: call.wire.endpoint, over }, tools);
  const line = openLine(call.signal, tools.clock);
  const { close, fail } = prepareClosing({ call, scene, record, line, report: tools.report });
  try {
    return await answer({ call, tools, scene, stay, record, line, fail, takePlace });
  } catch (error) {
    throw await close(error);
  }
}

type Prepared = Pick<AttemptAt, "line" | "target"> & Partial<AttemptAt>;

interface Work {
  call: Call & { signal: WatchedPresence };
  tools: GatewayTools;
  scene: Scene;
  stay: Stay;
  record: CallRecord;
  line: Line;
  fail: (error: unknown) => Promise<GatewayError>;
  takePlace: () => void;
}

async function answer({ call, tools, scene, stay, record, line, fail, takePlace }: Work): Promise<Response> {
  const raw = await call.read();
  const body = parseBody(raw);
  refuseRepeated(raw);
  const peek = call.wire.peek(body, call.address);
  refuseKey(peek.model);
  record.asked(peek.model, peek.stream);
  if (scene.limits?.models) {
    refuseRepeatedAnywhere(raw);
    requireModels(scene.limits, listFurtherModels(body));
  }
  const admitting = record.admit(() => wantedOf(call, scene, body));
  if (admitting !== undefined) await admitting;
  const { memory } = call.wire;
  const { headers, wire, address } = call;
  const { query } = address;
  const given = { wire, raw, body, peek, keeper: null, isStrict: readStrict(call), headers, query };
  const recalled = memory === undefined ? null : await recall(call, tools, scene, { asked: given, memory });
  const asked = recalled?.asked ?? given;
  const keeper = mayReference(asked.raw) ? await findKeeper(call, tools, asked) : null;
  const heldBy = recalled?.heldBy ?? null;
  if (keeper !== null && heldBy !== null && keeper !== heldBy) throw objectsApart(keeper, heldBy);
  const wanted = { ...asked, keeper: keeper ?? heldBy };
  const facts = openFacts(call, { endpoint: call.wire.endpoint, isStream: peek.stream, body: asked.body });
  const chosen = listTargets(scene, wanted, facts);
  const asking = { call, tools, scene, facts };
  const targets = chooseOrder(chosen, asking);
  const spare = (): ReturnType<typeof listSpare> => listSpare(chosen, targets, asking);
  const prepare = async (at: Prepared): Promise<Ready> => {
    const { target, visit, line, record: hand = record, watchesRefusals = false } = at;
    const plan = tellOurs(planFor(scene, target, wanted), recalled?.ask.ours);
    const body = overrideObject(asked.body, target.set);
    const sold = findSold(plan, body);
    const bound = (): Amount => boundOf(call, tools, scene, { plan, body, sold, recalled });
    const reserving = plan.local === undefined ? hand.reserve(plan, bound) : undefined;
    if (reserving !== undefined) await reserving;
    // To count is free.
    const isWork = plan.local === undefined && call.wire.operation !== "count";
    if (isWork) judgePrice({ plan, record: hand, scene, tools, body, sold, writes: writesText(call) });
    hand.planned(plan, visit?.end);
    return {
      call,
      tools,
      scene,
      plan,
      record: hand,
      line,
      deadlines: overrule(scene.deadlinesOf(target.provider.name), target.deadlines),
      body: asked.body,
      stream: peek.stream,
      keep: bindIncidental({ call, tools, plan }, makeKeeper({ call, tools, plan }, recalled)),
      elsewhere: null,
      watchesRefusals,
    };
  };
  if (recalled?.ask.isBackground !== true) {
    const waiting = { call, clock: tools.clock, everyMs: scene.keepAliveMs, isStream: peek.stream, fail };
    const bound = (plan: Plan): Amount =>
      boundOf(call, tools, scene, { plan, body: asked.body, sold: findSold(plan, asked.body), recalled });
    const go = (): Promise<Response> => {
      const leg = { chosen, targets, call, tools, scene, stay, line, record, isStream: peek.stream, spare };
      const going = travelOn(leg, async (at) => perform(await prepare(at)));
      mirror(chosen, { call, tools, scene, asked: wanted, perform, boundOf: bound });
      return going;
    };
    const entering = stay.enter();
    return keepAlive(waiting, entering === undefined ? go() : entering.then(go));
  }
  await stay.enter();
  await stay.visit(targets[0].provider.name);
  // Who makes it is known to the client from the start.
  const [target] = targets;
  const visit = tools.fleet.visit(target);
  /** Where it came so far that it was made, its end is known by then. */
  const orDrop = <Made>(work: Promise<Made>): Promise<Made> =>
    work.catch((error: unknown) => {
      visit.drop();
      throw error;
    });
  const ready = await orDrop(prepare({ target, line, visit }));
  if (!isLeftToProvider(ready.plan, recalled.memory)) {
    return orDrop(answerLater(ready, call.signal, recalled, (own) => orDrop(perform(own).then(conclude))));
  }
  await orDrop(Promise.try(takePlace));
  return orDrop(perform({ ...ready, elsewhere: watchElsewhere(recalled.memory) }).then(conclude));
}

/** Where there is one target and one try. */
async function conclude(outcome: Outcome<Response>): Promise<Response> {
  return outcome.failure === null ? outcome.answer : outcome.tell({});
}

/** Counting costs nothing. */
function boundOf(
  call: Call,
  { prices }: GatewayTools,
  { defaultOutputTokens }: Scene,
  { plan, body, sold, recalled }: { plan: Plan; body: JsonObject; sold: readonly string[]; recalled: Recalled | null },
): Amount {
  if (call.wire.operation === "count") return NOTHING;
  const { model, provider } = plan;
  const writes = writesText(call);
  const heldTokens = recalled?.countHeld() ?? 0;
  const atMs = call.startedWallMs;
  return findBound({ provider, model, body, writes, sold, defaultOutputTokens, heldTokens, prices, atMs });
}

function wantedOf(call: Call, { defaultOutputTokens }: Scene, body: JsonObject): Wanted {
  if (call.wire.operation === "count") return NO_TOKENS;
  return findWanted({ body, writes: writesText(call), defaultOutputTokens });
}

/** Asks the provider and gives its answer. */
async function perform(ready: Ready): Promise<Outcome<Response>> {
  const { tools } = ready;
  const sentMs = tools.clock.monotonicMs();
  const upstream = await callUpstream(ready);
  const state: CallState = { ...ready, upstream, sentMs, upstreamMs: tools.clock.monotonicMs() - sentMs };
  if (!upstream.ok) return answerRejection(state);
  return ready.stream ? answerStream(state) : answerWhole(state);
}

/** Who keeps the objects that the request names. Throws not_found for what is not the caller's own. */
function findKeeper(
  { caller }: Call,
  { bindings }: GatewayTools,
  { raw, body }: { raw: string; body: JsonObject },
): Promise<string | null> {
  refuseRepeatedAnywhere(raw);
  return bindings.findKeeper(caller.userId, findReferences(body));
}

/** A response of the provider, good or bad. Throws where there is none, with the attempt on record. */
async function callUpstream(ready: Ready): Promise<Response> {
  const { call, tools, plan, record, line, deadlines } = ready;
  const { provider } = plan;
  if (plan.local !== undefined) return plan.local();
  // To count tokens uses none.
  if (line.cut() === null && call.wire.operation !== "count") record.estimateInput(() => estimateFromRequest(ready));
  if (provider.answer !== null) return provider.answer(plan.spoken.id, parseBody(plan.body));
  record.sent(plan.body);
  await record.intend();
  if (ready.stream) line.limit(deadlines.firstOutput);
  const { endpoint } = plan;
  try {
    const own = collectHeaders(call, { provider, endpoint, isForward: plan.mode.kind === "forward" }, JSON_BODY);
    return await send({
      provider: provider.name,
      url: endpoint.url,
      body: plan.body,
      headers: provider.authorize === null ? own : await authorize(plan, provider.authorize, own),
      line,
      deadlines,
      fetch: tools.fetch,
    });
  } catch (error) {
    const failure = toGatewayError(error);
    record.attempted({ status: null, error: failure, upstreamRequestId: null, isUnheard: isUnheard(line) });
    throw failure;
  }
}

const JSON_BODY = { "content-type": "application/json" };

/** The answer repeats what was asked of us as if the provider had been asked. */
function tellOurs(plan: Plan, ours: JsonObject = {}): Plan {
  const { mode } = plan;
  if (mode.kind !== "translate" || Object.keys(ours).length === 0) return plan;
  const extra = mergeExtra(mode.request.extra, { [mode.client.id]: ours });
  return { ...plan, mode: { ...mode, request: { ...mode.request, extra } } };
}

/** A provider that keeps answers itself makes them in the background, too. */
function isLeftToProvider({ mode, provider }: Plan, memory: WireMemory): boolean {
  return mode.kind === "forward" && keepsAnswers(provider, memory);
}

async function authorize(
  { endpoint, body }: Plan,
  prove: NonNullable<Provider["authorize"]>,
  headers: Record<string, string>,
): Promise<Record<string, string>> {
  return { ...headers, ...(await prove({ method: "POST", url: endpoint.url, headers, body })) };
}

/** The most of an upstream's error body that is read. */
const MAX_ERROR_BYTES = 256 * 1024;

/**
 * An upstream's refusal. In the client's own format it is handed on as it came (but for secrets); in another it becomes a GatewayError,
 * which keeps the status, type and message.
 */
async function answerRejection(state: CallState): Promise<Outcome<Response>> {
  const { plan, record, line, upstream, scene } = state;
  line.arm(untilWhole(state.deadlines.idle));
  // Secrets are taken out before anything is cut, so that no half of one survives.
  const text = scene.redact(await readRejection(state));
  const nowMs = state.tools.clock.wallMs();
  const failure = explainRejection({ upstream, provider: plan.provider.name, wire: plan.spoken, nowMs }, text);
  record.attempted({
    status: upstream.status,
    error: failure,
    upstreamRequestId: readUpstreamId(upstream.headers),
  });
  const isOurs =
    plan.mode.kind === "forward" &&
    plan.endpoint.hasForeignErrors !== true &&
    failure.kind === "upstream_rejected" &&
    // All formats keep it there; what else a server says is told in the client's format.
    isJsonObject(parseObject(text)?.["error"]);
  if (!isOurs) throw nameRefused(failure, plan.provider.name);
  line.release(false);
  return {
    failure,
    async tell(more) {
      // Another target is free sooner than these words say.
      if (more["retry-after"] !== undefined && failure.upstream?.retryAfterMs !== undefined) {
        failure.headers = { ...failure.headers, ...more };
        throw failure;
      }
      await record.settle(failure.status, failure);
      const type = upstream.headers.get("content-type") ?? "application/json";
      const headers = makeHeaders(state, { "content-type": type, ...more });
      return new Response(text, { status: failure.status, headers });
    },
  };
}

async function readRejection(state: CallState): Promise<string> {
  try {
    return (await readCapped(state.upstream, MAX_ERROR_BYTES)) ?? "";
  } catch (error) {
    const failure = explainFailure(state.plan.provider.name, state.line, error);
    if (failure.kind === "upstream_unavailable") return "";
    const upstreamRequestId = readUpstreamId(state.upstream.headers);
    state.record.attempted({ status: state.upstream.status, error: failure, upstreamRequestId });
    throw failure;
  }
}
