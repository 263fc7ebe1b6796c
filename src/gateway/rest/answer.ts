// What becomes of an answer on one of the gateway's own addresses: counted, its objects bound to their owner, and handed on. Knows no SQL.

import { GatewayError, type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import type { ObjectBinding } from "../../identity/index.ts";
import { readCapped } from "../../lib/capped-text.ts";
import type { RestCollection, RestFamily } from "../../wire/index.ts";
import { emptyAnswer } from "../answer.ts";
import { nothingSaid } from "../failure.ts";
import { makeHeaders } from "../header.ts";
import { answerTooLarge, explainBreak } from "../send.ts";
import { readTags } from "../tag.ts";
import type { RestCall } from "./call.ts";
import { bookFetched, bookFinished } from "./finished.ts";
import { type Meter, bookAnswer } from "./meter.ts";
import { describeAnswer, holdBytes, holdEvents, passBytes, passEvents } from "./pass.ts";
import { explainError, judgeRejection, passRejection } from "./rejection.ts";
import { nameKeeper } from "../way/pool.ts";
import { type RestState, attempted } from "./state.ts";
import type { Outcome } from "../way/travel.ts";
import { untilWhole } from "../way/deadline.ts";

type State = RestState<RestCall>;

/** Of a call, as long as nothing of it was released: until then another provider may be asked. Throws with the attempt closed. */
export async function answerCall(state: State): Promise<Outcome<Response>> {
  const { upstream, call } = state;
  const { family, entry } = call.place;
  const meter = { family, entry, counts: true };
  if (!upstream.ok) {
    const rejection = await judgeRejection(state, () => describeAnswer(state, JSON_TYPE), { explains: true });
    // Of an upload nothing more is to go there: it may be another's turn.
    if (state.intake.json === null) state.line.release(true);
    return rejection;
  }
  // Whoever calls waits for an answer.
  if (upstream.status === 204) throw fail(state, nothingSaid(state.plan.provider.name));
  const form = readForm(state);
  if (form !== "events" && meter.entry.stream !== undefined && state.intake.json?.["stream"] === true)
    throw await refuseUnasked(state, meter, form);
  if (form === "json") return { failure: null, answer: await answerWhole(state, meter) };
  state.stream = true;
  // A form can ask for events, and so can other fields than the usual one.
  if (form === "events") state.record.asked(state.intake.model ?? "", true);
  const hold = form === "events" ? holdEvents : holdBytes;
  return hold(state, meter, () => describeAnswer(state));
}

/** Of whatever reads, makes or changes what a provider keeps. */
export async function answerRest(state: State): Promise<Response> {
  const { family, entry } = state.call.place;
  const meter = { family, entry, counts: false };
  if (!state.upstream.ok) {
    await forget(state);
    return passRejection(state, describeAnswer(state, JSON_TYPE), { explains: true });
  }
  bookFetched(state);
  const form = readForm(state);
  if (form === "json") return answerWhole(state, meter);
  state.stream = true;
  if (form === "events") return passEvents(state, meter, describeAnswer(state));
  await forget(state);
  return passBytes(state, meter, { headers: describeAnswer(state), reads: false });
}

const JSON_TYPE = { "content-type": "application/json" };

/** How the answer comes. Throws where it is none. */
function readForm(state: State): "bytes" | "events" | "json" {
  const type = state.upstream.headers.get("content-type")?.toLowerCase() ?? "";
  const { isContent } = state.call.place;
  if (type.includes("text/event-stream")) return "events";
  // A page for people is what a wrong address answers with, and no format's answer.
  if (!isContent && type.startsWith("text/html")) throw fail(state, notJson(state, type));
  return isContent || !/^application\/(?:[\w.+-]+\+)?json\b/u.test(type) ? "bytes" : "json";
}

async function answerWhole(state: State, meter: Meter): Promise<Response> {
  const { upstream, line } = state;
  // It is no stream after all, and has its own time.
  line.lift("firstOutput");
  const sentMs = state.tools.clock.monotonicMs();
  const text = await readAnswer(state);
  if (state.call.place.entry.textFormat !== undefined) state.record.fetched(text);
  state.upstreamMs += state.tools.clock.monotonicMs() - sentMs;
  line.release(false);
  const body = parseAnswer(state, text);
  // A list may be the answer to a call; what is kept is always an object.
  if (!isJsonObject(body) && !(meter.counts && Array.isArray(body))) throw fail(state, notJson(state, text));
  if (meter.counts && isJsonObject(body) && saysError(body)) throw fail(state, explainError(state, body));
  if (meter.counts && isJsonObject(body) && saysNothing(body)) {
    // What it reports all the same is what it cost; nothing is estimated of an answer that is none.
    bookAnswer(state, { ...meter, entry: {} }, body);
    throw fail(state, nothingSaid(state.plan.provider.name));
  }
  bookAnswer(state, meter, isJsonObject(body) ? body : null);
  if (meter.counts && isJsonObject(body) && meter.entry.isAnswer?.(body) === false) throw fail(state, emptyAnswer());
  const told = isJsonObject(body) ? await keepObjects(state, body) : null;
  attempted(state, null);
  await state.record.settle(upstream.status, null);
  const headers = makeHeaders(state, { "content-type": upstream.headers.get("content-type") ?? "application/json" });
  return new Response(told === null ? text : JSON.stringify(told), { status: upstream.status, headers });
}

/** Where the answer to a call would stand. */
const ANSWERS = ["choices", "data", "results", "text"];

/** Some servers refuse with status 200. */
function saysError(body: JsonObject): boolean {
  const { error = null } = body;
  return error !== null && error !== "" && !ANSWERS.some((name) => name in body);
}

function saysNothing(body: JsonObject): boolean {
  if (Object.keys(body).length === 0) return true;
  const places = ANSWERS.filter((name) => name in body);
  return places.length > 0 && places.every((name) => body[name] === null);
}

export async function readAnswer(state: RestState): Promise<string> {
  const { upstream, line, plan, scene, deadlines } = state;
  const progressed = (): void => line.arm(deadlines.idle);
  line.arm(untilWhole(deadlines.idle));
  try {
    const text = await readCapped(upstream, scene.maxAnswerBytes, progressed);
    if (text !== null) return text;
  } catch (error) {
    throw fail(state, explainBreak(plan.provider.name, line, error));
  }
  throw fail(state, answerTooLarge(scene.maxAnswerBytes));
}

/** Of one who was to stream. An answer that came whole will be on the bill, too. */
async function refuseUnasked(state: State, meter: Meter, form: "bytes" | "json"): Promise<GatewayError> {
  const type = state.upstream.headers.get("content-type") ?? "no content type";
  if (form === "json") {
    state.line.lift("firstOutput");
    const body = parseAnswer(state, await readAnswer(state));
    if (isJsonObject(body) && saysError(body)) return fail(state, explainError(state, body));
    bookAnswer(state, meter, isJsonObject(body) ? body : null);
  }
  const message =
    `Provider "${state.plan.provider.name}" was asked for an event stream and answered with ${type}. ` +
    "Check its base URL.";
  return fail(state, new GatewayError({ kind: "upstream_malformed", message }));
}

/** A provider's page of what it keeps. */
export function parsePage(state: State, text: string): JsonObject {
  const body = parseAnswer(state, text);
  if (isJsonObject(body) && Array.isArray(body["data"])) return body;
  const message = `Provider "${state.plan.provider.name}" answered with something that is not a list. Check its base URL.`;
  throw fail(state, new GatewayError({ kind: "upstream_malformed", message, cause: text.slice(0, 2_000) }));
}

function parseAnswer(state: State, text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    throw fail(state, notJson(state, text.slice(0, 2_000)));
  }
}

function notJson({ plan }: State, cause: string): GatewayError {
  const message = `Provider "${plan.provider.name}" answered with something that is not JSON. Check its base URL.`;
  return new GatewayError({ kind: "upstream_malformed", message, cause });
}

function fail(state: RestState, failure: GatewayError): GatewayError {
  attempted(state, failure);
  return failure;
}

/** Binds what the answer made or brought, before anybody hears of it. Gives the answer where it must be told otherwise than it came. */
async function keepObjects(state: State, body: JsonObject): Promise<JsonObject | null> {
  const { call } = state;
  const { collection, act, path, objectId } = call.place;
  if (collection === null) return null;
  const bindings = listBrought(state, collection, body);
  const isMade = act === "create" || (call.method === "POST" && makesAnother(collection, path));
  if (isMade) bindings.push(...bindEach(state, call.place.family, body["id"]));
  await state.tools.bindings.bind(bindings);
  await bookFinished(state, collection, body);
  await forget(state);
  const { id } = body;
  return replaceLinks(call, collection, body, typeof id === "string" ? id : objectId);
}

/** Of what the upstream deleted, or no longer knows, nothing remains bound. */
async function forget({ call, upstream, plan, tools }: State): Promise<void> {
  const { objectId, endpoint } = call.place;
  if (objectId === null || call.method !== "DELETE" || !endpoint.endsWith(".delete")) return;
  if (upstream.ok || upstream.status === 404) await tools.bindings.unbind(nameKeeper(plan.provider), objectId);
}

function makesAnother({ creates = [] }: RestCollection, path: string): boolean {
  return creates.includes(path.slice(path.lastIndexOf("/") + 1));
}

export function listBrought(state: State, { brings = {} }: RestCollection, body: JsonObject): ObjectBinding[] {
  return Object.entries(brings).flatMap(([field, family]) => bindEach(state, family, readPath(body, field)));
}

function readPath(body: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = body;
  for (const step of path.split(".")) value = isJsonObject(value) ? value[step] : undefined;
  return value;
}

function bindEach({ plan, call }: State, family: RestFamily, ids: Json | undefined): ObjectBinding[] {
  const { keyId, userId } = call.caller;
  const tags = readTags(call);
  const createdAt = new Date(call.startedWallMs);
  const made = { ...(keyId === "" ? {} : { keyId }), ...(tags === null ? {} : { tags }) };
  const list = Array.isArray(ids) ? ids : [ids];
  return list.flatMap((objectId) =>
    typeof objectId === "string" && objectId !== ""
      ? [{ objectId, provider: nameKeeper(plan.provider), userId, family, createdAt, ...made }]
      : [],
  );
}

/** Addresses at the provider become ours: the client has no key for the other. Null where there are none. */
export function replaceLinks(
  { origin }: RestCall,
  { links = {}, path }: RestCollection,
  body: JsonObject,
  id: string | null,
): JsonObject | null {
  const found = Object.entries(links).filter(([field]) => typeof body[field] === "string");
  if (found.length === 0 || id === null) return null;
  const own = found.map(([field, tail]) => [field, `${origin}/v1${path}/${encodeURIComponent(id)}/${tail}`]);
  return { ...body, ...Object.fromEntries(own) };
}
