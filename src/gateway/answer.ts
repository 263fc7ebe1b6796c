// A whole answer: read, booked, and given back as it came or translated. Knows no format.

import {
  type AnswerPart,
  GatewayError,
  type JsonObject,
  NO_USAGE,
  type Response as Answer,
  toGatewayError,
} from "../ir/index.ts";
import { createTokenEstimate } from "../ledger/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import type { ChatWire, ForwardWire, TargetWire } from "../wire/index.ts";
import { type CallState, type Elsewhere, makeHeaders } from "./header.ts";
import { type Plan, chooseId } from "./plan.ts";
import { estimateFromRequest } from "./estimate.ts";
import { judgeInside } from "./failure.ts";
import { findRefusal } from "./refusal.ts";
import { answerTooLarge, explainBreak, parseObject, readUpstreamId } from "./send.ts";
import type { Outcome } from "./way/travel.ts";
import { untilWhole } from "./way/deadline.ts";

export async function answerWhole(state: CallState): Promise<Outcome<Response>> {
  const { plan, record, line, upstream, tools } = state;
  const text = await readWhole(state);
  record.got(text);
  state.upstreamMs = tools.clock.monotonicMs() - state.sentMs;
  line.release(false);
  const attempt = { status: upstream.status, error: null, upstreamRequestId: readUpstreamId(upstream.headers) };
  const mode = narrow(plan.mode);
  if (mode.kind === "meter") {
    const { convert } = plan.endpoint;
    if (convert !== undefined) return answerConverted(state, attempt, { mode, convert, text });
    const meter = mode.wire.meter(text);
    if (meter.usage === null || mode.wire.count !== undefined) refuseNone(state, mode.wire, text);
    const converted = mode.convert === null ? null : convertVectors(state, mode.convert, text);
    bookMeter(state, mode.wire, meter);
    return release(
      state,
      attempt,
      converted ?? text,
      converted === null ? upstream.headers.get("content-type") : "application/json",
    );
  }
  const body = readObject(state, text);
  if (mode.kind === "forward") {
    const { meter } = mode.wire.response;
    const metered = state.watchesRefusals ? null : (meter?.(body) ?? null);
    const report = mode.wire.response.report(body);
    const answer = metered === null ? readAnswerOf(state, mode.wire, body) : null;
    if (answer !== null) bookAnswer(state, answer, report);
    if (answer?.choices.length === 0) throw failed(state, emptyAnswer());
    else if (metered !== null) record.answered({ ...metered, report, text: () => "" });
    const { elsewhere } = state;
    if (elsewhere?.isOver(body) === false) {
      return { failure: null, answer: await promise(state, elsewhere, { attempt, body, text }) };
    }
    const type = upstream.headers.get("content-type");
    return release(state, attempt, text, type, { answer, keep: () => state.keep?.(body, text) });
  }
  const answer = readAnswerOf(state, mode.target, body);
  bookAnswer(state, answer, mode.target.response.report(body));
  if (answer.choices.length === 0) throw failed(state, emptyAnswer());
  for (const choice of answer.choices) {
    if (choice.failure !== undefined) choice.failure = state.scene.redact(choice.failure);
  }
  const isLost = answer.choices.length > 0 && answer.choices.every(({ finish }) => finish === "error");
  if (isLost && mode.client.saysFailure !== true) throw failed(state, brokenAnswer(answer.choices[0]?.failure));
  const nowSeconds = Math.floor(tools.clock.wallMs() / 1000);
  const translated: JsonObject = mode.client.response.encode(answer, {
    request: mode.request,
    callId: state.call.id,
    nowSeconds,
  });
  const printed = JSON.stringify(translated);
  return release(state, attempt, printed, "application/json", {
    answer,
    keep: () => state.keep?.(translated, printed),
  });
}

/** To count is free with everybody, whatever is known of the model. */
function bookMeter({ record }: CallState, { operation }: ForwardWire, meter: ReturnType<ForwardWire["meter"]>): void {
  if (operation === "count") record.measured({ ...meter, units: null, source: "provider", price: "free" });
  else record.answered({ ...meter, text: () => "" });
}

/** An answer in the server's own form, which becomes the format's before anything is read of it. */
async function answerConverted(
  state: CallState,
  attempt: Parameters<CallState["record"]["attempted"]>[0],
  { mode, convert, text }: { mode: Metering; convert: NonNullable<Plan["endpoint"]["convert"]>; text: string },
): Promise<Outcome<Response>> {
  const { body, upstream } = state;
  const { wire } = mode;
  const answer = readObject(state, text);
  const estimate = (): number => {
    const tokens = createTokenEstimate();
    tokens.add(estimateFromRequest(state));
    return tokens.tokens();
  };
  const own = convert.answer(answer, body, upstream.headers, estimate);
  if (own === null) {
    refuseNone(state, wire, text);
    throw malformed(state, text);
  }
  const converted = JSON.stringify(own);
  const told = mode.convert === null ? converted : convertVectors(state, mode.convert, converted);
  const meter = wire.meter(converted);
  const report = convert.report?.(answer, upstream.headers) ?? null;
  const isOurs = convert.report !== undefined && report === null;
  bookMeter(state, wire, { ...meter, usage: isOurs ? null : meter.usage, report });
  return release(state, attempt, told, "application/json");
}

/** Formats that name neither the answer nor its model leave both to us: clients look for them. */
function nameAnswer(answer: Answer, { call, plan }: CallState): Answer {
  const id = chooseId(plan, answer.id, call.id);
  if (answer.id === id && answer.model !== "") return answer;
  return { ...answer, id, model: answer.model || plan.model };
}

/** What came with status 200 and reports nothing may be no answer at all. */
function refuseNone(state: CallState, { error, vectors, count }: ForwardWire, text: string): void {
  const body = readObject(state, text);
  if (body["error"] !== undefined && body["error"] !== null) {
    const upstream = error.decode(null, body);
    throw failed(state, new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream }));
  }
  if (vectors !== undefined) {
    const decoded = decodeAnswer(() => vectors.response.decode(body));
    if (decoded instanceof GatewayError) throw failed(state, decoded);
  }
  if (count === undefined || count.read(body) !== null) return;
  if (count.leavesOutNought !== true || Object.keys(body).length > 0) throw failed(state, noCount());
}

function noCount(): GatewayError {
  return new GatewayError({
    kind: "upstream_malformed",
    message: "The upstream's answer has no count of tokens.",
  });
}

/** A forwarded chat answer is decoded to be booked; of the others only the meter is read. */
function narrow(mode: Plan["mode"]): Narrowed {
  if (mode.kind === "translate") return mode;
  if (mode.kind === "convert") return { kind: "meter", wire: mode.target, convert: mode };
  const { wire } = mode;
  return wire.operation === "chat" ? { kind: "forward", wire } : { kind: "meter", wire, convert: null };
}

type Convert = Extract<Plan["mode"], { kind: "convert" }>;

/** The vectors in the client's format, which wants a count of tokens even where the provider gave none. */
function convertVectors(state: CallState, { client, target }: Convert, text: string): string {
  const answer = decodeAnswer(() => target.vectors.response.decode(readObject(state, text)));
  if (answer instanceof GatewayError) throw failed(state, answer);
  const estimate = createTokenEstimate();
  if (answer.usage === null) estimate.add(estimateFromRequest(state));
  const usage = answer.usage ?? { ...NO_USAGE, freshInputTokens: estimate.tokens() };
  const model = answer.model === "" ? state.plan.model : answer.model;
  return JSON.stringify(client.response.encode({ ...answer, model, usage }, state.body));
}

/** `convert`: where the client's format is another. */
interface Metering {
  kind: "meter";
  wire: ForwardWire;
  convert: Convert | null;
}

type Narrowed = { kind: "forward"; wire: ChatWire } | Metering | Extract<Plan["mode"], { kind: "translate" }>;

function readObject(state: CallState, text: string): JsonObject {
  const body = parseObject(text);
  if (body === null) throw malformed(state, text);
  return body;
}

/** An answer that the provider itself calls failed, such as one with a call that nobody can read. `failure`: what the provider says of it. */
export function brokenAnswer(failure?: string): GatewayError {
  const said = failure === undefined ? "" : ` (${failure})`;
  return new GatewayError({
    kind: "upstream_malformed",
    code: "answer_failed",
    message: `The model ended its answer in an error of its own${said}. Ask again.`,
  });
}

/** One that says nothing has at least an end; clients take what is not there for a fault of their own. */
export function emptyAnswer(): GatewayError {
  return new GatewayError({
    kind: "upstream_malformed",
    code: "answer_empty",
    message: "The provider's answer has no answer in it: it names no choice, and no reason for that. Ask again.",
  });
}

/** A client that was told 200 would look for an answer in it. */
function readAnswerOf(state: CallState, { response }: Pick<TargetWire, "response">, body: JsonObject): Answer {
  const decoded = decodeAnswer(() => response.decode(body));
  if (decoded instanceof GatewayError) throw failed(state, decoded);
  return nameAnswer(decoded, state);
}

export function bookAnswer({ record }: Pick<CallState, "record">, answer: Answer, report: JsonObject | null): void {
  record.answered({ model: answer.model, usage: answer.usage, report, text: () => joinText(answer) });
}

/**
 * What the provider says that such an answer took, where it is one: its client cannot be given it, and it will be on the bill all the same. Gives back
 * what it is instead, where it is an error; else null.
 */
export function bookUnasked(
  state: CallState,
  { response }: Pick<TargetWire, "response">,
  text: string,
): GatewayError | null {
  const body = parseObject(text);
  const answer = body === null ? null : decodeAnswer(() => response.decode(body));
  if (body === null || answer === null) return null;
  if (answer instanceof GatewayError) return answer.kind === "upstream_rejected" ? answer : null;
  bookAnswer(state, answer, response.report(body));
  return null;
}

/** An upstream may answer 200 and mean an error; the wire's decoder tells. */
function decodeAnswer<T>(decode: () => T): T | GatewayError {
  try {
    return decode();
  } catch (error) {
    return toGatewayError(error);
  }
}

async function readWhole(state: CallState): Promise<string> {
  const { line, deadlines, upstream, scene } = state;
  const progressed = (): void => line.arm(deadlines.idle);
  line.arm(untilWhole(deadlines.idle));
  try {
    const text = await readCapped(upstream, scene.maxAnswerBytes, progressed);
    if (text !== null) return text;
    throw answerTooLarge(scene.maxAnswerBytes);
  } catch (error) {
    if (error instanceof GatewayError) throw failed(state, error);
    throw failed(state, explainBreak(state.plan.provider.name, line, error));
  }
}

/** The client has what there is now; the rest is made, and booked, behind its back. */
async function promise(
  state: CallState,
  elsewhere: Elsewhere,
  { attempt, body, text }: { attempt: Parameters<CallState["record"]["attempted"]>[0]; body: JsonObject; text: string },
): Promise<Response> {
  state.record.attempted(attempt);
  // Whoever is told of it may ask for it at once, and another gateway.
  await state.keep?.(body, text);
  void elsewhere.watch(state, body);
  // What it cost so far is not what it costs.
  const { "x-tokligence-cost-usd": _soFar, ...headers } = makeHeaders(state, { "content-type": "application/json" });
  return new Response(text, { headers });
}

const NO_MORE: Readonly<Record<string, string>> = Object.freeze({});

/** What the client is to have; where it is a refusal that another provider may spare it, only once it is asked for. */
async function release(
  state: CallState,
  attempt: Parameters<CallState["record"]["attempted"]>[0],
  text: string,
  contentType: string | null,
  read: { answer: Answer | null; keep: () => Promise<unknown> | undefined } | null = null,
): Promise<Outcome<Response>> {
  const answer = read?.answer ?? null;
  const refusal = state.watchesRefusals && answer !== null ? findRefusal(answer) : null;
  state.record.attempted(refusal === null ? attempt : { ...attempt, error: refusal });
  const tell = async (more: Readonly<Record<string, string>>): Promise<Response> => {
    const kept = read?.keep();
    await state.record.settle(200, attempt.error);
    if (kept !== undefined) await kept;
    const headers = makeHeaders(state, { "content-type": contentType ?? "application/json", ...more });
    return new Response(text, { headers });
  };
  return refusal === null ? { failure: null, answer: await tell(NO_MORE) } : { failure: refusal, tell };
}

function malformed(state: CallState, text: string): GatewayError {
  const type = state.upstream.headers.get("content-type") ?? "no content type";
  return failed(
    state,
    new GatewayError({
      kind: "upstream_malformed",
      message: `Provider "${state.plan.provider.name}" answered with something that is not JSON (${type}). Check its base URL.`,
      cause: text.slice(0, 2_000),
    }),
  );
}

/** Closes the attempt with its failure, and gives the failure back to be thrown. */
function failed(state: CallState, failure: GatewayError): GatewayError {
  const error = judgeInside(failure);
  state.record.attempted({
    status: state.upstream.status,
    error,
    upstreamRequestId: readUpstreamId(state.upstream.headers),
  });
  return error;
}

function joinText(answer: Answer): string {
  return answer.choices.flatMap((choice) => choice.parts.map(textOf)).join("");
}

function textOf(part: AnswerPart): string {
  if (part.type === "media") return "";
  return part.type === "tool-call" ? part.name + part.arguments : part.text;
}
