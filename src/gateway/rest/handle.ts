// The life of one forward-only request: take in → choose → send → hand on, with its row settled before the last byte is released.
// Knows no HTTP server, no SQL and no vendor's name.

import { type GatewayError, type JsonObject, isJsonObject } from "../../ir/index.ts";
import type { Provider } from "../../provider/index.ts";
import { type Reference, nameCursor } from "../../wire/index.ts";
import { type GatewayTools, type Scene, refuseKey } from "../call.ts";
import { prepareClosing } from "../closing.ts";
import { openFacts } from "../facts.ts";
import { makeHeaders } from "../header.ts";
import { keepAlive } from "../keep-alive.ts";
import { narrowScene } from "../narrow.ts";
import { openPresence } from "../presence.ts";
import { type CallRecord, booksClosed, openRecord } from "../record.ts";
import { type Line, openLine } from "../send.ts";
import { answerRest, listBrought, parsePage, readAnswer, replaceLinks } from "./answer.ts";
import { type Asking, callUpstream } from "./ask.ts";
import type { Arrival, RestCall } from "./call.ts";
import { bookFinished, bookRemoved } from "./finished.ts";
import { type Parts, goOn } from "./go.ts";
import { readIntake } from "./intake.ts";
import { isBoundToModel, requireLinesOfFile, requireNamedModels } from "./limit.ts";
import { type Holder, beginAt, listHolders } from "./holder.ts";
import { type ListPart, gatherList, readBeginning, readLimit } from "./list.ts";
import { bookAnswer } from "./meter.ts";
import type { Stay } from "../way/admission.ts";
import { overrule } from "../way/deadline.ts";
import { asksStream } from "./sending.ts";
import { type RestState, attempted } from "./state.ts";
import type { Visit } from "../way/fleet.ts";
import { chooseKey } from "../way/pool.ts";
import { type Chosen, type Wanted, addressOf, chooseTarget, forwardQuery, requirePlainPath } from "./target.ts";
import { judgeCost, reserve, wantedOf } from "./work.ts";

/** Answers the call. Throws a GatewayError, already on record. */
export function handleRest(given: RestCall, tools: GatewayTools): Promise<Response> {
  return withRecord(given, given.place.endpoint, tools, async ({ call, scene, stay, record, line, atEnd, fail }) => {
    const { place, requestId, dialect } = call;
    requirePlainPath(place.path);
    const isNamed = place.act === "call" || (place.act === "create" && place.collection?.namesModel === true);
    const needsModel = isNamed || isBoundToModel(call, scene);
    const intake = await readIntake(call, { needsModel, openSpool: tools.openSpool });
    // Once the row is written: no row waits for files. An answer may be there before all of the request is on its way.
    atEnd(() => void intake.discard().catch(() => undefined));
    refuseKey(intake.model ?? "");
    record.asked((intake.model ?? "").slice(0, 512), asksStream(intake));
    requireNamedModels(call, intake, scene);
    const admitting = record.admit(() => wantedOf(call, scene, intake));
    if (admitting !== undefined) await admitting;
    const parts = { call, tools, scene, stay, record, line, intake };
    const wanted = await describeWanted(parts);
    const going = place.act === "call" ? goOn(parts, wanted) : askOnce(parts, wanted);
    // What a family that is not known to stream answers is anything.
    const isStream = place.entry.stream !== undefined && asksStream(intake);
    const waiting = { clock: tools.clock, everyMs: scene.keepAliveMs, isStream, fail };
    const answer = await keepAlive({ ...waiting, call: { framing: "sse", requestId, wire: dialect } }, going);
    intake.sentLast();
    return answer;
  });
}

/** What makes, reads or changes what a provider keeps is asked of one, and once: done twice, it could leave two of them behind. */
async function askOnce(parts: Parts, wanted: Wanted): Promise<Response> {
  const visits: Visit[] = [];
  try {
    const state = await prepare(parts, wanted, (visit) => visits.push(visit));
    await requireLinesOfFile(state);
    const { place, query } = parts.call;
    if (place.act === "list") return await answerList(state);
    await bookRemoved({ ...state, upstream: new Response(null), upstreamMs: 0 });
    const url = addressOf(state.plan.provider, place.path, forwardQuery(query));
    return await answerRest({ ...state, ...(await callUpstream(state, url)) });
  } catch (error) {
    // Where it came so far that it was made, its end is known by now.
    for (const visit of visits) visit.drop();
    throw error;
  }
}

type Prepared = Asking & { visit: Visit; holders: readonly Holder[] };

/** Opens the row and the line, and closes both where the work fails. */
export async function withRecord<Given extends Arrival>(
  given: Given,
  endpoint: string,
  tools: GatewayTools,
  work: (parts: {
    /** As it was given, and over as soon as its caller may not go on. */
    call: Given;
    scene: Scene;
    stay: Stay;
    record: CallRecord;
    line: Line;
    atEnd: (action: () => void) => void;
    /** Of a stream that has begun, with comments alone: puts what ended it on record, and gives it back as it may be told. */
    fail: (error: unknown) => Promise<GatewayError>;
  }) => Promise<Response>,
): Promise<Response> {
  const fault = tools.ledger.fault();
  if (fault !== null) throw booksClosed(fault);
  const scene = narrowScene(tools.scene(), given.caller.limits);
  const presence = openPresence(given, tools.rights);
  const call = { ...given, signal: presence };
  const stay = tools.admission.open(call.caller, presence);
  const ends: (() => void)[] = [stay.leave, () => presence.close()];
  const over = (): void => ends.forEach((end) => end());
  const record = openRecord({ ...call, endpoint, over }, tools);
  const line = openLine(call.signal, tools.clock);
  const { close, fail } = prepareClosing({ call, scene, record, line, report: tools.report });
  try {
    const entering = stay.enter();
    if (entering !== undefined) {
      // It is us that the client waits for: no idle timeout of the server's is to end that.
      call.keepOpen();
      await entering;
    }
    return await work({ call, scene, stay, record, line, atEnd: (action) => void ends.push(action), fail });
  } catch (error) {
    throw await close(error);
  }
}

async function describeWanted({ call, tools, intake }: Parts): Promise<Wanted> {
  const { place, caller, query, headers, dialect } = call;
  const isStream = asksStream(intake);
  return {
    family: place.family,
    dialect,
    model: intake.model,
    keeper: await tools.bindings.findKeeper(caller.userId, [...listNamed(call), ...intake.references]),
    named: headers.get("x-tokligence-provider") ?? query.get("provider"),
    facts: openFacts(call, { endpoint: place.endpoint, isStream, body: intake.json ?? {} }),
  };
}

async function prepare({ stay, ...parts }: Parts, wanted: Wanted, opened: (visit: Visit) => void): Promise<Prepared> {
  const { call, scene, tools, record } = parts;
  const target = chooseTarget(scene, wanted, tools.fleet);
  const holders = call.place.act === "list" ? await findHolders(call, tools, { scene, target, wanted }) : [];
  // Who keeps what is listed is asked for it.
  const provider = holders[0]?.provider ?? chooseProvider(call, tools, { ...target, keeper: wanted.keeper });
  const { route, onUnknownPrice } = target;
  const named = route === undefined ? {} : { route };
  const plan = { provider, model: target.model ?? "", dropped: [], ...named };
  if (stay.isFull(provider.name)) call.keepOpen();
  await stay.visit(provider.name);
  const reserving = reserve({ ...parts, plan });
  if (reserving !== undefined) await reserving;
  const visit = tools.fleet.visit({ provider, model: plan.model || call.place.family, weight: 1 });
  opened(visit);
  // A refusal of ours says whose call it would have been.
  record.planned(plan, visit.end);
  const deadlines = overrule(scene.deadlinesOf(provider.name), target.deadlines);
  const state = { ...parts, plan, deadlines, stream: false, visit, holders };
  judgeCost(state, onUnknownPrice);
  return state;
}

/** The first is where the client wants to begin. */
async function findHolders(
  { caller, place, query }: RestCall,
  { bindings }: Pick<GatewayTools, "bindings">,
  { scene, target, wanted }: { scene: Scene; target: Pick<Chosen, "provider">; wanted: Wanted },
): Promise<Holder[]> {
  const bound = await bindings.list(caller.userId, place.family);
  const start = wanted.keeper ?? readBeginning(query.get("page")).part;
  const isBackward = findBackward(query) !== undefined;
  return beginAt(listHolders(scene.providers, target.provider, bound), { start, isBackward });
}

/** With what is made by one key, another may not find it. */
function chooseProvider(
  { caller, place }: RestCall,
  { fleet }: Pick<GatewayTools, "fleet">,
  { provider, model, keeper }: { provider: Provider; model: string | null; keeper: string | null },
): Provider {
  if (keeper !== null) return provider;
  const stickTo = caller.keyId ?? caller.userId;
  return chooseKey(fleet, { provider, model: model ?? place.family }, { isSteady: true, stickTo });
}

/** The object in the address, and the one that a list is to go on behind. */
function listNamed({ place, query }: RestCall): Reference[] {
  const ids = place.act === "list" ? CURSORS.map((name) => query.get(name)) : [place.objectId];
  return ids.flatMap((id) => (id === null ? [] : [{ id, isIncidental: false }]));
}

const BACKWARD = ["before", "before_id"];
const CURSORS = ["after", "after_id", ...BACKWARD];

function findBackward(query: URLSearchParams): string | undefined {
  return BACKWARD.find((name) => query.has(name));
}

/** The upstream's own pages, as many as it takes to find what is the caller's. */
async function answerList(prepared: Prepared): Promise<Response> {
  const { call, tools, plan, record, line, holders } = prepared;
  const { family, collection, path } = call.place;
  const limit = readLimit(call.query);
  const state: RestState<RestCall> = { ...prepared, upstream: new Response(null), upstreamMs: 0 };
  const refused: { answer: Response | null } = { answer: null };
  const backward = findBackward(call.query);
  const openPart = ({ name, own, provider }: Holder, index: number): ListPart => ({
    name,
    own,
    async readPage(place) {
      const query = new URLSearchParams(call.query);
      if (limit !== null) query.set("limit", String(Math.max(limit, PAGE_SIZE)));
      // What the client goes on behind is with the first.
      for (const cursor of [...(index > 0 ? CURSORS : []), "page"]) query.delete(cursor);
      if (place !== null && "page" in place) query.set("page", place.page);
      else if (place !== null && "behind" in place) query.set(nameCursor(call.dialect), place.behind);
      else if (place !== null) query.set(backward ?? "", place.before);
      const asked = { ...prepared, plan: { ...plan, provider } };
      const { upstream, upstreamMs } = await callUpstream(asked, addressOf(provider, path, forwardQuery(query)));
      state.upstream = upstream;
      state.upstreamMs += upstreamMs;
      if (upstream.ok) return parsePage(state, await readAnswer(state));
      refused.answer = await answerRest(state);
      return null;
    },
  });
  const parts = holders.map(openPart);
  const asked = { limit, isBackward: backward !== undefined, page: call.query.get("page") };
  // Who owns nothing there is told so without asking.
  const list = parts.length === 0 ? emptyList() : await gatherList({ parts, ...asked });
  if (refused.answer !== null) return refused.answer;
  line.release(false);
  const rows = Array.isArray(list["data"]) ? list["data"].filter(isJsonObject) : [];
  if (collection !== null) {
    await tools.bindings.bind(rows.flatMap((row) => listBrought(state, collection, row)));
    await Promise.all(rows.map((row) => bookFinished(state, collection, row)));
    list["data"] = rows.map((row) => replaceLinks(call, collection, row, readId(row)) ?? row);
  }
  bookAnswer(state, { family, entry: call.place.entry, counts: false }, null);
  if (parts.length > 0) attempted(state, null);
  prepared.visit.drop();
  await record.settle(200, null);
  return Response.json(list, { headers: makeHeaders(state, {}) });
}

function readId({ id }: JsonObject): string | null {
  return typeof id === "string" ? id : null;
}

/** Beyond what most ask for: others' objects lie between. */
const PAGE_SIZE = 100;

function emptyList(): JsonObject {
  return { object: "list", data: [], first_id: null, last_id: null, has_more: false };
}
