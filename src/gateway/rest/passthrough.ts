// Anything else that a provider offers, today or tomorrow: whatever method, path and body, under the provider's credentials. Reads nothing but the model
// that is asked, where that is easily told, and the cost.

import { GatewayError, invalidRequest } from "../../ir/index.ts";
import type { Provider } from "../../provider/index.ts";
import { UNKNOWN } from "../bound.ts";
import { type GatewayTools, parseBody, refuseKey, refuseRepeated } from "../call.ts";
import { layOver, makeHeaders } from "../header.ts";
import { NO_TOKENS } from "../limit/index.ts";
import { findModelInPath } from "../named-model.ts";
import { refuseNameless } from "../narrow.ts";
import { judgeWork } from "../unknown-price.ts";
import { send } from "../send.ts";
import type { Arrival } from "./call.ts";
import { withRecord } from "./handle.ts";
import { authorize } from "./authorize.ts";
import { createObjectEnd } from "./first-object.ts";
import { NO_BODY, readCounted, sendAsItIs, sendWhole } from "./intake.ts";
import { passBytes, passEvents } from "./pass.ts";
import { passRejection } from "./rejection.ts";
import { type Intake, type Outgoing, type Source, abandon, explainSending } from "./sending.ts";
import type { RestState } from "./state.ts";
import { findNamed, forwardQuery, requireReady } from "./target.ts";
import { chooseKey } from "../way/pool.ts";

export interface PassthroughCall extends Arrival {
  /** A provider's name. */
  provider: string;
  /** Behind it, as it was sent: `/v1/anything`. */
  path: string;
}

/** Answers the call. Throws a GatewayError, already on record, where there is no answer of the provider's. */
export function handlePassthrough(given: PassthroughCall, tools: GatewayTools): Promise<Response> {
  return withRecord(given, "passthrough", tools, async ({ call, scene, stay, record, line, atEnd }) => {
    record.asked("", false);
    if (call.headers.get("upgrade")?.toLowerCase() === "websocket") throw refuseSocket();
    // It is told for the books alone: what else is asked of which model, nobody here reads.
    if (scene.limits?.models) throw refuseNameless();
    const admitting = record.admit(() => NO_TOKENS);
    if (admitting !== undefined) await admitting;
    const named = requireReady(findNamed(scene, call.provider.toLowerCase()));
    // The first that may be used: what was made with one may not be found with another.
    const provider = chooseKey(tools.fleet, { provider: named, model: PLACE }, { isSteady: true, stickTo: "" });
    const url = joinAddress(provider, call.path) + forwardQuery(call.query);
    const deadlines = scene.deadlinesOf(provider.name);
    const intake = await takeIn(call, provider, tools);
    atEnd(() => void intake.discard().catch(() => undefined));
    // What it costs, if anything, only its answer tells.
    const isWork = !READING.includes(call.method);
    const inPath = isWork ? findModelInPath(call.path) : null;
    refuseKey(intake.model ?? "");
    refuseKey(inPath ?? "");
    // Where both are there, a provider may go by either: budgets and limits of both hold.
    record.asked(intake.model ?? inPath ?? "", false);
    const plan = { provider, model: inPath ?? intake.model ?? "", dropped: [] };
    if (stay.isFull(provider.name)) call.keepOpen();
    await stay.visit(provider.name);
    const reserving = record.reserve(plan, isWork ? () => UNKNOWN : null);
    if (reserving !== undefined) await reserving;
    const visit = tools.fleet.visit({ provider, model: PLACE, weight: 1 });
    // Where no call came of it, nothing was found out.
    atEnd(visit.drop);
    record.planned(plan, visit.end);
    if (isWork) judgeWork({ provider, record, scene, tools }, { what: "passthrough", models: [], tier: "default" });
    const progressed = (): void => line.arm(deadlines.header);
    const outgoing = intake.send(null, { progressed, checkReference: () => Promise.resolve() });
    const sentMs = tools.clock.monotonicMs();
    call.keepOpen();
    try {
      const upstream = await ask({ call, tools, plan, record, line, deadlines, outgoing }, url);
      const upstreamMs = tools.clock.monotonicMs() - sentMs;
      return await answer({
        call,
        tools,
        scene,
        plan,
        record,
        line,
        deadlines,
        intake,
        upstream,
        upstreamMs,
        stream: true,
      });
    } catch (error) {
      throw explainSending(outgoing, line, error);
    }
  });
}

/** Passed on as a plain GET it would only get the provider's refusal of that. */
function refuseSocket(): GatewayError {
  return new GatewayError({
    kind: "not_found",
    code: "unsupported_operation",
    message:
      "WebSockets are not passed through. GET /v1/realtime and GET /v1/responses are the ones that there are; all else goes over HTTP.",
  });
}

/** What stands for the model in what is known of a key: such calls have rights and limits of their own. */
const PLACE = "passthrough";

type Asking = Pick<RestState<PassthroughCall>, "call" | "deadlines" | "line" | "plan" | "record" | "tools"> & {
  outgoing: Outgoing;
};

/** The provider's response, good or bad. Throws where there is none, with the attempt on record. */
async function ask({ call, tools, plan, record, line, deadlines, outgoing }: Asking, url: string): Promise<Response> {
  const { provider } = plan;
  try {
    const headers = layOver({ ...forwardHeaders(call), ...outgoing.headers }, provider);
    const body = typeof outgoing.body === "string" ? outgoing.body : null;
    const authorized = await authorize(provider, { method: call.method, url, headers, body });
    await record.intend();
    return await send({
      provider: provider.name,
      method: call.method,
      url,
      body: outgoing.body,
      headers: authorized,
      line,
      deadlines,
      fetch: tools.fetch,
    });
  } catch (error) {
    const failure = explainSending(outgoing, line, error);
    record.attempted({ status: null, error: failure, upstreamRequestId: null });
    throw failure;
  }
}

/** Methods that make nobody work. */
const READING = ["DELETE", "GET", "HEAD", "OPTIONS"];

async function takeIn(
  call: PassthroughCall,
  provider: Provider,
  { openSpool }: Pick<GatewayTools, "openSpool">,
): Promise<Intake> {
  if (call.body === null) return NO_BODY;
  if (provider.signsBody === true) return sendWhole(call, await call.readText());
  const { source, model } = await findModel(readCounted(call.body, call));
  return { ...sendAsItIs(call, source, openSpool()), model };
}

/**
 * Of what begins with a JSON object, once that is there; whatever else it is, and what follows, goes on while it comes: some servers read the first object
 * and nothing behind it, and files of one object a line may be long. Throws where the model stands twice.
 */
async function findModel(given: Source): Promise<{ source: Source; model: string | null }> {
  const chunks: Uint8Array[] = [];
  const findEnd = createObjectEnd();
  for (;;) {
    const { done, value } = await given.next();
    if (done === true) return { source: goOn(chunks, given), model: readModel(chunks) };
    chunks.push(value);
    if (chunks.length === 1 && !BEGINNING.test(Buffer.from(value).toString("utf8", 0, LOOKED_AT))) {
      return { source: goOn(chunks, given), model: null };
    }
    const end = findEnd(value);
    if (end === null) continue;
    const object = [...chunks.slice(0, -1), value.subarray(0, end)];
    return { source: goOn(chunks, given), model: readModel(object) };
  }
}

/** Some clients begin with it, and some servers read over it. */
const MARK = /^\uFEFF/u;
const BEGINNING = /^\uFEFF?(?:\s*\{|\s+$)/u;
const LOOKED_AT = 1_024;

async function* goOn(chunks: readonly Uint8Array[], rest: Source): Source {
  try {
    yield* chunks;
    return yield* rest;
  } finally {
    await abandon(rest);
  }
}

function readModel(object: readonly Uint8Array[]): string | null {
  const text = Buffer.concat(object).toString("utf8").replace(MARK, "");
  let model: unknown;
  try {
    ({ model } = parseBody(text));
  } catch {
    // Whoever takes it may know better.
    return null;
  }
  refuseRepeated(text);
  return typeof model === "string" && model !== "" ? model : null;
}

type State = RestState<PassthroughCall>;

function answer(state: State): Promise<Response> {
  const { upstream, call } = state;
  // What is read again tells of a cost that was paid before.
  const meter = { family: null, entry: {}, counts: !READING.includes(call.method) };
  const headers = makeHeaders(state, backwardHeaders(state));
  if (upstream.status >= 400) return passRejection(state, headers, { explains: false });
  const type = upstream.headers.get("content-type")?.toLowerCase() ?? "";
  if (type.includes("text/event-stream")) return Promise.resolve(passEvents(state, meter, headers));
  return passBytes(state, meter, { headers, reads: type.includes("json") });
}

/**
 * The path under the provider's root; where it begins with what the root ends in, as clients write `/v1`, that is said once.
 * Throws invalid_request for a path that leads out of the root.
 */
function joinAddress(provider: Provider, path: string): string {
  const { rest } = provider;
  if (rest === null || rest.answer !== undefined) {
    throw invalidRequest(
      `Provider "${provider.name}" has nothing to pass requests through to.`,
      undefined,
      "unsupported_operation",
    );
  }
  if (leadsOut(path))
    throw invalidRequest("The address must not lead out of the provider's root.", undefined, "invalid_path");
  if (rest.beside?.paths.test(path) === true) return rest.beside.baseUrl + path;
  const last = rest.baseUrl.slice(rest.baseUrl.lastIndexOf("/"));
  const isSaidTwice = path === last || path.startsWith(`${last}/`);
  return rest.baseUrl + (isSaidTwice ? path.slice(last.length) : path);
}

function leadsOut(path: string): boolean {
  try {
    return decodeURIComponent(path)
      .split(/[/\\]/u)
      .some((segment) => segment === ".." || segment === ".");
  } catch {
    return true;
  }
}

/** Of one connection only, or made anew by whoever sends. https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
const HOP_BY_HOP = [
  "connection",
  "content-encoding",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
/** The caller's own: keys, cookies, what only this gateway or the way to it understands, and another method than the one that is booked. */
const OWN =
  /^(?:accept-encoding|api-key|authorization|cookie|expect|forwarded|host|x-api-key|x-goog-api-key|x-http-method|x-method-override|x-request-id|x-real-ip|(?:x-forwarded|x-http-method|x-tokligence|sec|cf)-.*)$/u;

function forwardHeaders({ headers, caller }: PassthroughCall): Record<string, string> {
  const forwarded: Record<string, string> = {};
  const perHop = new Set([...HOP_BY_HOP, ...listNamed(headers)]);
  for (const [name, value] of headers) {
    if (perHop.has(name) || OWN.test(name)) continue;
    // One account upstream serves many keys here: what one calls its own must not meet another's.
    forwarded[name] = name === "idempotency-key" ? `${caller.keyId}:${value}` : value;
  }
  const encoding = headers.get("content-encoding");
  return encoding === null ? forwarded : { ...forwarded, "content-encoding": encoding };
}

/** What is ours to say, and what a browser would take to be said of all this gateway's addresses, or keep for whoever asks next. */
const OURS =
  /^(?:access-control-.+|alt-svc|cache-control|clear-site-data|expires|nel|report-to|reporting-endpoints|request-id|service-worker-allowed|set-cookie|strict-transport-security|x-request-id|x-tokligence-.+)$/u;

/** An upstream may repeat its credentials in any of them, and say where to go on: there the client has no key, but here. */
function backwardHeaders({ upstream: { headers }, scene: { redact }, call, plan }: State): Record<string, string> {
  const perHop = new Set([...HOP_BY_HOP, ...listNamed(headers)]);
  return Object.fromEntries(
    [...headers]
      .filter(([name]) => !perHop.has(name) && !OURS.test(name))
      .map(([name, value]) => [name, leadHere(call, plan.provider, redact(value))]),
  );
}

/** An address at the provider becomes ours; anything else stays. */
function leadHere({ origin }: PassthroughCall, { name, rest }: Provider, value: string): string {
  const roots = [rest?.baseUrl, rest?.beside?.baseUrl];
  const root = roots.find((base) => base !== undefined && value.startsWith(`${base}/`));
  return root === undefined ? value : `${origin}/passthrough/${name}${value.slice(root.length)}`;
}

/** `Connection: x` makes of x a header of this connection only. */
function listNamed(headers: Headers): string[] {
  return (headers.get("connection") ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
}
