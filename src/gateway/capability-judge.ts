// How a probe is judged: it is said in the client's format, planned as every request is, and read back from what the provider would be sent;
// an answer likewise, the other way round. Knows no format and no vendor.

import {
  GatewayError,
  type JsonObject,
  type Request,
  type Response,
  collect,
  isJsonObject,
  toGatewayError,
  type AnswerPart,
  type Json,
} from "../ir/index.ts";
import { createFrameSplitter } from "../lib/sse.ts";
import type { Provider } from "../provider/index.ts";
import {
  type ChatWire,
  type ClientContext,
  type ModelFacts,
  PLAIN_ADDRESS,
  type Peek,
  TARGETS,
  type TargetWire,
  type WireId,
} from "../wire/index.ts";
import { type AnswerProbe, makeAnswer, toEvents } from "./capability-answer.ts";
import { PLAIN_QUESTION, type RequestProbe, SEALED } from "./capability-probe.ts";
import { parseBody } from "./call.ts";
import { type Plan, makePlan } from "./plan.ts";
import type { PlanScene } from "./target.ts";
import { createRouter } from "./route.ts";

/**
 * `kept`: the same, in the same form. `mapped`: in another form, or as near as the other side comes. `dropped`: left out, and reported.
 * `refused`: a 400 that names the field. `absent`: the client's format cannot ask for it, or the provider's cannot say it.
 */
export type Verdict = "absent" | "dropped" | "kept" | "mapped" | "refused";

export interface Finding {
  outcome: Verdict;
  /** The fields that are left out, or the refusal. */
  note?: string;
}

export interface Pair {
  client: ChatWire;
  model: string;
  scene: PlanScene;
}

export function openPair(client: ChatWire, provider: Provider, model: string): Pair {
  const router = createRouter({
    aliases: [],
    defaultAliases: [],
    routes: [{ pattern: "*", targets: [{ provider: provider.name, model: null }], origin: "probe" }],
    defaultRoutes: [],
    providers: new Map([[provider.name, { ready: true }]]),
    findLister: () => undefined,
  });
  const providers = new Map([[provider.name, { ...provider, missing: null }]]);
  return { client, model, scene: { router, providers, workMode: "auto", catalog: { list: () => [] } } };
}

/** A client that can say all that its format can. */
const CLIENT_FACTS: ModelFacts = {
  defaultMaxOutputTokens: 4_096,
  maxOutputTokens: null,
  reasoning: "effort",
  takesInlineInstructions: true,
};

/** The request as the client says it and we read it; null where its format has no words for it. `change` is made to its text. */
function say(
  pair: Pair,
  asked: Partial<Request>,
  facts?: Partial<ModelFacts>,
  change: (text: string) => string = (text) => text,
) {
  const { client, model } = pair;
  // With an entry of its own in `extra` it is the client's, not one that came from another format.
  const request: Request = { ...PLAIN_QUESTION, ...asked, model, extra: { [client.id]: {} } };
  return attempt(() => {
    const encoded = client.request.encode(request, { ...CLIENT_FACTS, ...facts });
    const body = parseBody(change(JSON.stringify(encoded.body)));
    const address = client.address === undefined ? PLAIN_ADDRESS : { model, stream: request.stream };
    const peek = client.peek(body, address);
    return { body, peek, decoded: client.request.decode(body, peek) };
  });
}

function send(pair: Pair, { body, peek }: { body: JsonObject; peek: Peek }): Plan | GatewayError {
  try {
    return makePlan(pair.scene, {
      wire: pair.client,
      raw: JSON.stringify(body),
      body,
      peek,
      isStrict: false,
      keeper: null,
      headers: new Headers(),
    });
  } catch (error) {
    return toGatewayError(error);
  }
}

export function judgeRequest(pair: Pair, probe: RequestProbe): Finding {
  const bare = say(pair, probe.bare ?? {}, probe.facts);
  const plain = bare === null ? null : send(pair, bare);
  if (plain === null) return { outcome: "absent" };
  if (plain instanceof GatewayError) return { outcome: "refused", note: plain.message };
  const { id } = plain.spoken;
  const asked = probe.ask(id, pair.client.id);
  const meant = probe.meant ?? probe.read({ ...PLAIN_QUESTION, model: pair.model, extra: {}, ...asked });
  const ways = [
    say(pair, asked, probe.facts, (text) => putCarried(text, pair, { target: id, part: probe.carries })),
    probe.otherwise === undefined ? null : say(pair, probe.otherwise(id, pair.client.id), probe.facts),
  ];
  const said = ways.find(
    (way) =>
      way !== null &&
      isSame(probe.read(way.decoded), meant) &&
      (probe.carries === undefined || id === pair.client.id || isFrom(way.decoded, id)),
  );
  if (said === undefined || said === null) return { outcome: "absent" };
  const plan = send(pair, said);
  if (plan instanceof GatewayError) return { outcome: "refused", note: plan.message };
  const lost = plan.dropped.filter((field) => !plain.dropped.includes(field));
  if (lost.length > 0) return { outcome: "dropped", note: lost.join(", ") };
  if (plan.mode.kind === "forward") return { outcome: "kept" };
  return judgeBody(probe, { plan, plain, meant, peek: said.peek });
}

/** Reasoning that this format's provider gave, as far as the client says whose it is. */
function isFrom({ messages }: Request, target: WireId): boolean {
  return messages.some(({ parts }) => parts.some((part) => part.type === "reasoning" && part.origin === target));
}

/** In place of what the client's own provider would have sealed stands what the client got of the one that is asked. */
function putCarried(
  text: string,
  { client, model }: Pair,
  { target, part }: { target: WireId; part: RequestProbe["carries"] },
): string {
  if (part === undefined || target === client.id) return text;
  const context = { request: { ...PLAIN_QUESTION, model, extra: {} }, callId: PROBE_ID, nowSeconds: 1_700_000_000 };
  const [own, given] = [client.id, target].map((origin) =>
    attempt(() => {
      const parts: AnswerPart[] = [
        { ...part, origin },
        { type: "text", text: "Yes." },
      ];
      return client.response.encode(makeAnswer(model, { choices: [{ index: 0, parts, finish: "stop" }] }), context);
    }),
  );
  const carried = findAtSealed(own ?? null, given ?? null);
  return carried === null ? text : text.replaceAll(SEALED, carried);
}

/** The text that stands in `given` where `own` has what is sealed. */
function findAtSealed(own: Json, given: Json): string | null {
  if (typeof own === "string") return own.includes(SEALED) && typeof given === "string" ? given : null;
  if (typeof own !== "object" || own === null || typeof given !== "object" || given === null) return null;
  const other = new Map(Object.entries(given));
  for (const [name, value] of Object.entries(own)) {
    const found = findAtSealed(value, other.get(name) ?? null);
    if (found !== null) return found;
  }
  return null;
}

/** By what the provider is sent. */
function judgeBody(
  probe: RequestProbe,
  { plan, plain, meant, peek }: { plan: Plan; plain: Plan; meant: unknown; peek: Peek },
): Finding {
  const target = TARGETS.get(plan.spoken.id);
  const back = target !== undefined && isWritten(target) ? target.request.decode(readBody(plan), peek) : null;
  if (back !== null && isSame(probe.read(back), meant)) return { outcome: "kept" };
  const isSaid = plan.body !== plain.body || plan.endpoint.url !== plain.endpoint.url;
  if (back === null && isSaid && listMarks(meant).every((mark) => plan.body.includes(mark))) return { outcome: "kept" };
  if (isSaid || probe.isUsual === true) return { outcome: "mapped" };
  return { outcome: "dropped", note: UNTOLD };
}

/** A loss that nobody is told of: there must be none. */
export const UNTOLD = "left out without a word";

/** What of a value is found again in a format that nobody can read back: its longer texts and its numbers. */
function listMarks(value: unknown): string[] {
  if (typeof value === "string") return value.length > 5 ? [JSON.stringify(value).slice(1, -1)] : [];
  if (typeof value === "number") return [String(value)];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(listMarks) : [];
}

function readBody(plan: Plan): JsonObject {
  const body: unknown = JSON.parse(plan.body);
  if (!isJsonObject(body)) return {};
  // What the address says of the model is not in the body.
  return body["model"] === undefined ? { ...body, model: plan.model } : body;
}

export function judgeAnswer(pair: Pair, probe: AnswerProbe): Finding {
  const asked = say(pair, probe.request ?? {});
  const plan = asked === null ? null : send(pair, asked);
  if (plan === null) return { outcome: "absent" };
  // What makes the provider answer so is refused already.
  if (plan instanceof GatewayError) return { outcome: "refused", note: plan.message };
  const source = TARGETS.get(plan.spoken.id);
  const given = makeAnswer(pair.model, probe.answer(plan.spoken.id));
  const meant = probe.read(given);
  const judge = (stream: boolean): Verdict => {
    const pass = stream ? passStream : passWhole;
    const [from, to] = [source, pair.client].map(
      (wire) => wire && makeContext(pair, wire, { ...probe.request, stream }),
    );
    const arrived = source === undefined || from === undefined ? null : pass(source, given, from);
    if (arrived === null || to === undefined || !isSame(probe.read(arrived), meant)) return "absent";
    if (plan.mode.kind === "forward") return "kept";
    const seen = pass(pair.client, arrived, to);
    const found = seen === null ? undefined : probe.read(seen);
    if (found === undefined) return "dropped";
    return isSame(found, meant) ? "kept" : "mapped";
  };
  return { outcome: pickWorst([judge(false), judge(true)]) };
}

/** The request that the answer belongs to, as a client of this format sends it; where we only read a format, any will do. */
function makeContext(pair: Pair, wire: ChatWire | TargetWire, asked: Partial<Request>): ClientContext {
  const said = isWritten(wire) ? say({ ...pair, client: wire }, asked) : null;
  const request = said?.decoded ?? { ...PLAIN_QUESTION, ...asked, model: pair.model, extra: {} };
  return { request, callId: PROBE_ID, nowSeconds: 1_700_000_000 };
}

const PROBE_ID = "00000000-0000-7000-8000-000000000000";

function pickWorst(verdicts: readonly Verdict[]): Verdict {
  const order = ["dropped", "refused", "absent", "mapped", "kept"] as const;
  return order.find((verdict) => verdicts.includes(verdict)) ?? "kept";
}

/** The answer as whoever reads this format sees it; as it is where we only read the format; null where it cannot be written. */
function passWhole(wire: ChatWire | TargetWire, given: Response, client: ClientContext): Response | null {
  if (!isWritten(wire)) return passSample(wire, given);
  return attempt(() => wire.response.decode(wire.response.encode(given, client)));
}

function passStream(wire: ChatWire | TargetWire, given: Response, client: ClientContext): Response | null {
  if (!isWritten(wire)) return passSample(wire, given);
  return attempt(() => {
    const encoder = wire.stream.encode(client);
    const text = [...toEvents(given).flatMap((event) => encoder.push(event)), ...encoder.end()].join("");
    const splitter = createFrameSplitter();
    const decoder = wire.stream.decode();
    const frames = [...splitter.push(text), ...splitter.end()];
    return collect([...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()]).response;
  });
}

/** Its stream is taken to say what its whole answer says. */
function passSample({ sample, response }: TargetWire, given: Response): Response | null {
  return sample === undefined ? given : attempt(() => response.decode(sample(given)));
}

function isWritten(wire: ChatWire | TargetWire): wire is ChatWire {
  return "encode" in wire.response;
}

function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof GatewayError) return null;
    throw error;
  }
}

/** Compared by what they say: fields of one format alone, and fields that are not there, do not count. */
function isSame(left: unknown, right: unknown): boolean {
  return left !== undefined && JSON.stringify(sortKeys(left)) === JSON.stringify(sortKeys(right));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([name, field]) => name !== "extra" && field !== undefined);
  return Object.fromEntries(
    entries.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([name, field]) => [name, sortKeys(field)]),
  );
}
