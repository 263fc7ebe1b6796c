// The life of one forward-only request: take in → choose → send → hand on, with its row settled before the last byte is released.
// Knows no HTTP server, no SQL and no vendor's name.

import { GatewayError, type JsonObject, isJsonObject, toGatewayError } from "../../ir/index.ts";
import type { Provider } from "../../provider/index.ts";
import { type Reference, type RestFamily, nameCursor } from "../../wire/index.ts";
import { UNKNOWN, findBound } from "../bound.ts";
import type { GatewayTools, Scene } from "../call.ts";
import { joinInput } from "../estimate.ts";
import { openFacts } from "../facts.ts";
import { redactFailure } from "../failure.ts";
import { collectHeaders, makeHeaders } from "../header.ts";
import { type CallRecord, booksClosed, openRecord } from "../record.ts";
import { type Work, judgeWork, readTier } from "../unknown-price.ts";
import { type Line, openLine, parseObject, send } from "../send.ts";
import { answerRest, listBrought, readAnswer, replaceLinks } from "./answer.ts";
import { authorize } from "./authorize.ts";
import type { Arrival, RestCall } from "./call.ts";
import { bookFinished } from "./finished.ts";
import { type Intake, readIntake } from "./intake.ts";
import { gatherList, readLimit } from "./list.ts";
import { bookAnswer } from "./meter.ts";
import type { Stay } from "../way/admission.ts";
import { overrule } from "../way/deadline.ts";
import { type RestState, attempted } from "./state.ts";
import type { Visit } from "../way/fleet.ts";
import { chooseKey, nameKeeper, readKeeper } from "../way/pool.ts";
import { addressOf, chooseTarget, forwardQuery, requirePlainPath } from "./target.ts";

/** Answers the call. Throws a GatewayError, already on record. */
export function handleRest(call: RestCall, tools: GatewayTools): Promise<Response> {
  return withRecord(call, call.place.endpoint, tools, async ({ scene, stay, record, line }) => {
    const { place, query } = call;
    requirePlainPath(place.path);
    const intake = await readIntake(call, { needsModel: place.act === "call", openSpool: tools.openSpool });
    let visit: Visit | null = null;
    try {
      record.asked((intake.model ?? "").slice(0, 512), intake.json?.["stream"] === true);
      const state = await prepare(call, { tools, scene, stay, record, line, intake });
      visit = state.visit;
      if (place.act === "list") return await answerList(state);
      const url = addressOf(state.plan.provider, place.path, forwardQuery(query));
      return await answerRest({ ...state, ...(await callUpstream(state, url)) });
    } catch (error) {
      // Where it came so far that it was made, its end is known by now.
      visit?.drop();
      await intake.discard();
      throw error;
    }
  });
}

type Prepared = Omit<RestState<RestCall>, "upstream" | "upstreamMs"> & { visit: Visit };

/** Opens the row and the line, and closes both where the work fails. */
export async function withRecord(
  call: Arrival,
  endpoint: string,
  tools: GatewayTools,
  work: (parts: { scene: Scene; stay: Stay; record: CallRecord; line: Line }) => Promise<Response>,
): Promise<Response> {
  const fault = tools.ledger.fault();
  if (fault !== null) throw booksClosed(fault);
  const scene = tools.scene();
  const stay = tools.admission.open(call.caller, call.signal);
  const record = openRecord({ ...call, endpoint, over: stay.leave }, tools);
  const line = openLine(call.signal, tools.clock);
  try {
    const entering = stay.enter();
    if (entering !== undefined) {
      // It is us that the client waits for: no idle timeout of the server's is to end that.
      call.keepOpen();
      await entering;
    }
    return await work({ scene, stay, record, line });
  } catch (error) {
    const failure = redactFailure(toGatewayError(error), scene.redact);
    line.release(true);
    failure.headers = { ...record.describe(), ...failure.headers };
    await record.settle(failure.status, failure);
    throw failure;
  }
}

async function prepare(
  call: RestCall,
  { stay, ...parts }: Pick<Prepared, "intake" | "line" | "record" | "scene" | "tools"> & { stay: Stay },
): Promise<Prepared> {
  const { intake, scene, tools, record } = parts;
  const { place, caller, query, headers, dialect } = call;
  const keeper = await tools.bindings.findKeeper(caller.userId, [...listNamed(call), ...intake.references]);
  const isStream = intake.json?.["stream"] === true;
  const wanted = {
    family: place.family,
    dialect,
    model: intake.model,
    keeper,
    named: headers.get("x-tokligence-provider") ?? query.get("provider"),
    facts: openFacts(call, { endpoint: place.endpoint, isStream, body: intake.json ?? {} }),
  };
  const target = chooseTarget(scene, wanted, tools.fleet);
  const provider = chooseProvider(call, tools, { ...target, keeper });
  const { route, onUnknownPrice } = target;
  const named = route === undefined ? {} : { route };
  const plan = { provider, model: target.model ?? "", dropped: [], ...named };
  if (stay.isFull(provider.name)) call.keepOpen();
  await stay.visit(provider.name);
  const reserving = reserve(call, { scene, tools, record, intake }, plan);
  if (reserving !== undefined) await reserving;
  const visit = tools.fleet.visit({ provider, model: plan.model || place.family, weight: 1 });
  // A refusal of ours says whose call it would have been.
  record.planned(plan, visit.end);
  const work = describeWork(call, { intake, plan });
  try {
    if (work !== null) judgeWork({ provider, onUnknownPrice, record, scene, tools }, work);
  } catch (error) {
    visit.drop();
    throw error;
  }
  const deadlines = overrule(scene.deadlinesOf(provider.name), target.deadlines);
  return { call, plan, deadlines, stream: false, visit, ...parts };
}

/** With what is made by one key, another may not find it: only what leaves nothing behind goes by turns. */
function chooseProvider(
  { caller, place }: RestCall,
  { fleet }: Pick<GatewayTools, "fleet">,
  { provider, model, keeper }: { provider: Provider; model: string | null; keeper: string | null },
): Provider {
  if (keeper !== null) return provider;
  const stickTo = caller.keyId ?? caller.userId;
  return chooseKey(fleet, { provider, model: model ?? place.family }, { isSteady: place.act !== "call", stickTo });
}

/** What of a request may cost money; null where nothing does. */
function describeWork(
  { place, method }: RestCall,
  { intake, plan }: { intake: Intake; plan: Prepared["plan"] },
): Work | null {
  const { family, act, collection, endpoint } = place;
  if (plan.provider.rest?.free?.includes(family) === true) return null;
  if (act === "call") {
    return { what: endpoint, models: plan.model === "" ? [] : [plan.model], tier: readTier(intake.json) };
  }
  const free = collection?.free ?? [];
  const word = endpoint.slice(endpoint.lastIndexOf(".") + 1);
  if (method !== "POST" || free === "all" || free.includes(word)) return null;
  const models = act === "create" && intake.json !== null ? (collection?.workers?.(intake.json) ?? []) : [];
  return { what: endpoint, models, tier: "batch" };
}

/** What is made to work on behind everybody's back costs nobody knows what; to read and delete costs nothing. */
function reserve(
  { place, method, startedWallMs }: RestCall,
  { scene, tools, record, intake }: Pick<Prepared, "intake" | "record" | "scene" | "tools">,
  plan: { provider: Provider; model: string },
): Promise<void> | undefined {
  const { family, act, collection } = place;
  if (plan.provider.rest?.free?.includes(family) === true) return undefined;
  if (act === "call") {
    const writes = !SILENT.includes(family);
    const { defaultOutputTokens } = scene;
    return record.reserve(plan, () =>
      findBound({ ...plan, body: intake.json, writes, defaultOutputTokens, prices: tools.prices, atMs: startedWallMs }),
    );
  }
  const isWork = method === "POST" && collection?.finished !== undefined;
  return isWork ? record.reserve(plan, () => UNKNOWN) : undefined;
}

/** Families whose answers are judgements, and no text. */
const SILENT: readonly RestFamily[] = ["moderations", "rerank"];

/** The object in the address, and the one that a list is to go on behind. */
function listNamed({ place, query }: RestCall): Reference[] {
  const ids = place.act === "list" ? CURSORS.map((name) => query.get(name)) : [place.objectId];
  return ids.flatMap((id) => (id === null ? [] : [{ id, isIncidental: false }]));
}

const BACKWARD = ["before", "before_id"];
const CURSORS = ["after", "after_id", ...BACKWARD];

/** The provider's response, good or bad. Throws where there is none, with the attempt on record. */
async function callUpstream(state: Prepared, url: string): Promise<Pick<RestState, "upstream" | "upstreamMs">> {
  const { call, tools, plan, record, line, deadlines, intake } = state;
  const { provider } = plan;
  const { entry } = call.place;
  const sentMs = tools.clock.monotonicMs();
  const outgoing = intake.send(plan.model === "" ? null : plan.model, {
    progressed: () => line.arm(deadlines.header),
    async checkReference(id) {
      await requireKeptBy(state, id);
    },
  });
  call.keepOpen();
  try {
    if (typeof outgoing.body === "string" && intake.json !== null && entry.stream !== undefined) {
      outgoing.body = entry.stream.ask(outgoing.body, intake.json);
    }
    if (entry.readText !== undefined && line.cut() === null) record.estimateInput(() => joinInput(intake.json ?? {}));
    if (provider.rest?.answer !== undefined) {
      const asked = typeof outgoing.body === "string" ? (parseObject(outgoing.body) ?? {}) : {};
      return { upstream: provider.rest.answer(call.place.path, asked), upstreamMs: 0 };
    }
    const body = outgoing.body;
    const { textFormat } = entry;
    if (textFormat !== undefined && typeof body === "string") record.asking({ format: textFormat, body });
    const headers = await authorize(provider, {
      method: call.method,
      url,
      headers: {
        ...collectHeaders(call, { provider, isForward: true }, pick(call.headers, PASSED)),
        ...outgoing.headers,
      },
      body: typeof body === "string" ? body : null,
    });
    await record.intend();
    const upstream = await send({
      provider: provider.name,
      method: call.method,
      url,
      body,
      headers,
      line,
      deadlines,
      fetch: tools.fetch,
    });
    return { upstream, upstreamMs: tools.clock.monotonicMs() - sentMs };
  } catch (error) {
    const failure = outgoing.failure() ?? toGatewayError(error);
    record.attempted({ status: null, error: failure, upstreamRequestId: null });
    throw failure;
  }
}

/** How the client wants the answer. */
const PASSED = ["accept", "range"];

function pick(headers: Headers, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) picked[name] = value;
  }
  return picked;
}

/** For an id that shows up while the body is on its way already. */
async function requireKeptBy({ call, tools, plan }: Prepared, id: string): Promise<void> {
  if (id === "") return;
  const keeper = await tools.bindings.findKeeper(call.caller.userId, [{ id, isIncidental: false }]);
  if (keeper === null || keeper === nameKeeper(plan.provider)) return;
  throw new GatewayError({
    kind: "invalid_request",
    code: "objects_apart",
    message: `"${id.slice(0, 100)}" is kept by provider "${readKeeper(keeper)}", and this request goes to "${plan.provider.name}".`,
  });
}

/** The upstream's own pages, as many as it takes to find what is the caller's. */
async function answerList(prepared: Prepared): Promise<Response> {
  const { call, tools, plan, record, line } = prepared;
  const { family, collection, path } = call.place;
  const limit = readLimit(call.query);
  const bound = await tools.bindings.list(call.caller.userId, family);
  const own = new Set(
    bound.filter(({ provider }) => provider === nameKeeper(plan.provider)).map(({ objectId }) => objectId),
  );
  const state: RestState<RestCall> = { ...prepared, upstream: new Response(null), upstreamMs: 0 };
  const refused: { answer: Response | null } = { answer: null };
  const query = new URLSearchParams(call.query);
  if (limit !== null) query.set("limit", String(Math.max(limit, PAGE_SIZE)));
  const readPage = async (cursor: string | null): Promise<JsonObject> => {
    if (cursor !== null) query.set(nameCursor(call.dialect), cursor);
    const { upstream, upstreamMs } = await callUpstream(prepared, addressOf(plan.provider, path, forwardQuery(query)));
    state.upstream = upstream;
    state.upstreamMs += upstreamMs;
    if (!upstream.ok) {
      refused.answer = await answerRest(state);
      return {};
    }
    return parseObject(await readAnswer(state)) ?? {};
  };
  const isBackward = BACKWARD.some((name) => query.has(name));
  // Who owns nothing there is told so without asking.
  const list = own.size === 0 ? emptyList() : await gatherList({ own, limit, isBackward, readPage });
  if (refused.answer !== null) return refused.answer;
  line.release(false);
  const rows = Array.isArray(list["data"]) ? list["data"].filter(isJsonObject) : [];
  if (collection !== null) {
    await tools.bindings.bind(rows.flatMap((row) => listBrought(state, collection, row)));
    await Promise.all(rows.map((row) => bookFinished(state, collection, row)));
    list["data"] = rows.map((row) => replaceLinks(call, collection, row, readId(row)) ?? row);
  }
  bookAnswer(state, { family, entry: call.place.entry, counts: false }, null);
  if (own.size > 0) attempted(state, null);
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
