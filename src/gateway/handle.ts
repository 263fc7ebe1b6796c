// The life of one inference request: read → plan → send → answer, with its row settled before anything is released.
// Knows no HTTP server, no SQL and no vendor's name.

import { type GatewayError, GatewayError as Failure, toGatewayError } from "../ir/index.ts";
import { answerWhole } from "./answer.ts";
import { type Call, type GatewayTools, type Scene, parseBody, refuseRepeated } from "./call.ts";
import { type CallState, makeHeaders } from "./header.ts";
import { type Plan, makePlan } from "./plan.ts";
import { type CallRecord, booksClosed, openRecord } from "./record.ts";
import { type Line, explainFailure, openLine, parseObject, readCapped, readUpstreamId, send } from "./send.ts";
import { answerStream } from "./stream.ts";

/** Answers the call. Throws a GatewayError, already on record, for whoever speaks the client's format. */
export async function handleCall(call: Call, tools: GatewayTools): Promise<Response> {
  const fault = tools.ledger.fault();
  if (fault !== null) throw booksClosed(fault);
  const scene = tools.scene();
  const record = openRecord(call, tools);
  const line = openLine(call.signal, tools.clock);
  try {
    return await answer(call, tools, scene, record, line);
  } catch (error) {
    const failure = redactFailure(toGatewayError(error), scene);
    line.release(true);
    failure.headers = { ...record.describe(), ...failure.headers };
    await record.settle(failure.status, failure);
    throw failure;
  }
}

async function answer(
  call: Call,
  tools: GatewayTools,
  scene: Scene,
  record: CallRecord,
  line: Line,
): Promise<Response> {
  const raw = await call.read();
  const body = parseBody(raw);
  refuseRepeated(raw);
  const peek = call.wire.peek(body, call.address);
  record.asked(peek.model, peek.stream);
  const plan = makePlan(scene, { wire: call.wire, raw, body, peek, isStrict: readStrict(call) });
  record.planned(plan);

  const sentMs = tools.clock.monotonicMs();
  const upstream = await callUpstream(call, tools, scene, plan, record, line);
  const state: CallState = {
    call,
    tools,
    scene,
    plan,
    record,
    line,
    body,
    upstream,
    stream: peek.stream,
    sentMs,
    upstreamMs: tools.clock.monotonicMs() - sentMs,
  };
  if (!upstream.ok) return answerRejection(state);
  return peek.stream ? answerStream(state) : answerWhole(state);
}

/** A response of the provider, good or bad. Throws where there is none, with the attempt on record. */
async function callUpstream(
  call: Call,
  tools: GatewayTools,
  scene: Scene,
  plan: Plan,
  record: CallRecord,
  line: Line,
): Promise<Response> {
  const { provider } = plan;
  if (plan.local !== undefined) return plan.local();
  if (provider.answer !== null) return provider.answer(plan.spoken.id, parseBody(plan.body));
  try {
    return await send({
      provider: provider.name,
      url: plan.endpoint.url,
      body: plan.body,
      headers: await authorize(plan, collectHeaders(call, plan)),
      line,
      deadlines: scene.deadlines,
      fetch: tools.fetch,
    });
  } catch (error) {
    const failure = toGatewayError(error);
    record.attempted({ status: null, error: failure, upstreamRequestId: null });
    throw failure;
  }
}

/** A client may ask that nothing of its request be left out silently. */
function readStrict({ caller, headers }: Call): boolean {
  const asked = headers.get("x-tokligence-strict");
  return asked === null ? caller.isStrict : asked !== "false" && asked !== "0";
}

async function authorize(
  { provider, endpoint, body }: Plan,
  headers: Record<string, string>,
): Promise<Record<string, string>> {
  if (provider.authorize === null) return headers;
  return { ...headers, ...(await provider.authorize({ method: "POST", url: endpoint.url, headers, body })) };
}

/** The provider's credentials, and what of the client's headers it is to see. */
function collectHeaders(call: Call, plan: Plan): Record<string, string> {
  const { endpoint, provider } = plan;
  const headers: Record<string, string> = {
    "content-type": "application/json",
    ...provider.headers,
    ...endpoint.headers,
  };
  for (const name of [...provider.requestHeaders, ...(endpoint.requestHeaders ?? [])]) {
    const given = call.headers.get(name);
    if (given === null) continue;
    // One account upstream serves many keys here: what one calls its own must not meet another's.
    const value = name === "idempotency-key" ? `${call.caller.keyId}:${given}` : given;
    const own = headers[name];
    headers[name] = own === undefined ? value : `${own},${value}`;
  }
  for (const name of plan.mode.kind === "forward" ? (plan.provider.versionHeaders ?? []) : []) {
    headers[name] = call.headers.get(name) ?? headers[name] ?? "";
  }
  return headers;
}

/** The most of an upstream's error body that is read. */
const MAX_ERROR_BYTES = 256 * 1024;

/**
 * An upstream's refusal. In the client's own format it is handed on as it came (but for secrets); in another it becomes a GatewayError,
 * which keeps the status, type and message.
 */
async function answerRejection(state: CallState): Promise<Response> {
  const { plan, record, line, upstream, scene } = state;
  line.arm(scene.deadlines.idleMs);
  // Secrets are taken out before anything is cut, so that no half of one survives.
  const text = scene.redact(await readRejection(state));
  const failure = explainRejection(state, text);
  record.attempted({
    status: upstream.status,
    error: failure,
    upstreamRequestId: readUpstreamId(upstream.headers),
  });
  const isOurs = plan.mode.kind === "forward" && failure.kind === "upstream_rejected" && parseObject(text) !== null;
  if (!isOurs) throw failure;
  line.release(false);
  await record.settle(failure.status, failure);
  const headers = makeHeaders(state, { "content-type": upstream.headers.get("content-type") ?? "application/json" });
  return new Response(text, { status: failure.status, headers });
}

async function readRejection(state: CallState): Promise<string> {
  try {
    return (await readCapped(state.upstream, MAX_ERROR_BYTES)) ?? "";
  } catch (error) {
    const failure = explainFailure(state.plan.provider.name, state.line, error, "stalled in the middle of an error");
    if (failure.kind === "upstream_unavailable") return "";
    const upstreamRequestId = readUpstreamId(state.upstream.headers);
    state.record.attempted({ status: state.upstream.status, error: failure, upstreamRequestId });
    throw failure;
  }
}

function explainRejection(state: CallState, text: string): GatewayError {
  const { plan, upstream } = state;
  if (upstream.status < 400) {
    return new Failure({
      kind: "upstream_malformed",
      message: `Provider "${plan.provider.name}" answered HTTP ${upstream.status} instead of an answer. Check its base URL.`,
      cause: text,
    });
  }
  const decoded = plan.spoken.error.decode(upstream.status, parseObject(text) ?? text);
  const known = { ...decoded, requestId: decoded.requestId ?? readUpstreamId(upstream.headers) };
  return new Failure({
    kind: "upstream_rejected",
    message: known.message,
    upstream: known,
    retryAfterMs: readRetryAfter(upstream.headers),
    cause: text,
  });
}

function readRetryAfter(headers: Headers): number | undefined {
  const exact = readNumber(headers.get("retry-after-ms"));
  if (exact !== undefined) return exact;
  const seconds = readNumber(headers.get("retry-after"));
  return seconds === undefined ? undefined : seconds * 1000;
}

/** A date is a legal value, too; then the client has the header itself. */
function readNumber(text: string | null): number | undefined {
  return text !== null && /^\d+(?:\.\d+)?$/u.test(text) ? Number(text) : undefined;
}

/** An upstream may quote part of our credentials in its error; the caller is not to see them. */
function redactFailure(failure: GatewayError, scene: Scene): GatewayError {
  const message = scene.redact(failure.message);
  if (message === failure.message) return failure;
  return new Failure({
    kind: failure.kind,
    message,
    code: failure.code,
    param: failure.param,
    retryAfterMs: failure.retryAfterMs,
    upstream: failure.upstream === undefined ? undefined : { ...failure.upstream, message },
    cause: failure.cause,
  });
}
