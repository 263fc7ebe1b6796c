// Decides what is sent to whom: pure. The same format on both sides is forwarded, any other pair of chat formats is translated.

import { GatewayError, type JsonObject, type Request, invalidRequest, toGatewayError } from "../ir/index.ts";
import { removeTopLevel, setTopLevel } from "../lib/json-edit.ts";
import { createTokenEstimate } from "../ledger/index.ts";
import type { Endpoint, Provider } from "../provider/index.ts";
import {
  type ChatWire,
  type Encoded,
  type ForwardWire,
  type ModelFacts,
  TARGETS,
  type TargetWire,
  VECTORS,
  type VectorCodec,
  type Wire,
  type Sources,
  nameField,
  namePlace,
} from "../wire/index.ts";
import { joinRequest } from "./estimate.ts";
import { override } from "./override.ts";
import type { OfRoute } from "./route.ts";
import { type Asked, type PlanScene, type Target, findKeeping, findTarget } from "./target.ts";
import { asksForNothing } from "./usual.ts";

export interface Plan extends Pick<OfRoute, "onUnknownPrice" | "route"> {
  provider: Provider;
  /** The model's name as the provider knows it. */
  model: string;
  endpoint: Endpoint;
  /** Text to send. */
  body: string;
  /** Fields of the request that the target could not say. */
  dropped: string[];
  /** Answers here, without asking the provider; missing where it is asked. */
  local?: () => Response;
  /** The format in which the provider is asked and answers. */
  spoken: Wire | TargetWire;
  mode:
    | { kind: "forward"; wire: Wire }
    | { kind: "convert"; client: VectorCodec; target: ForwardWire & { vectors: VectorCodec } }
    | { kind: "translate"; client: ChatWire; target: TargetWire; request: Request };
}

/** Throws not_found, not_configured or invalid_request. */
export function makePlan(scene: PlanScene, asked: Asked): Plan {
  return planFor(scene, findKeeping(scene, findTarget(scene, asked.peek.model), asked), asked);
}

/** Throws invalid_request where this target cannot be told what is asked. */
export function planFor(
  scene: PlanScene,
  { provider, model, set, route, onUnknownPrice }: Omit<Target, "deadlines" | "keys" | "weight">,
  asked: Asked,
): Plan {
  const chosen = choosePlan(scene, { provider, model }, asked);
  const isAsked = set !== undefined && chosen.local === undefined;
  const plan = isAsked ? { ...chosen, body: override(chosen.body, set) } : chosen;
  if (route !== undefined) plan.route = route;
  if (onUnknownPrice !== undefined) plan.onUnknownPrice = onUnknownPrice;
  const [lost] = plan.dropped;
  if (!asked.isStrict || lost === undefined) return plan;
  throw invalidRequest(
    `Strict mode: provider "${provider.name}" cannot be told ${plan.dropped.map((field) => `'${field}'`).join(", ")}. ` +
      "Leave it out, choose a model of a provider that knows it, or switch strict mode off.",
    lost,
    "would_drop",
  );
}

function choosePlan(scene: PlanScene, target: { provider: Provider; model: string }, asked: Asked): Plan {
  const { wire } = asked;
  const spoken = target.provider.speaks(target.model);
  if (spoken.includes(wire.id)) return forward(target.provider, target.model, asked);
  if (wire.operation === "chat") return translate(scene, target, asked);
  if (wire.count !== undefined && spoken.some((id) => TARGETS.has(id))) return countHere(target, asked, wire);
  const other = wire.vectors === undefined ? undefined : VECTORS.find(({ id }) => spoken.includes(id));
  if (wire.vectors !== undefined && other !== undefined) return convert(scene, target, asked, [wire.vectors, other]);
  throw unsupported(target.provider, wire);
}

function convert(
  scene: PlanScene,
  { provider, model }: { provider: Provider; model: string },
  { body, peek }: Asked,
  [client, target]: [VectorCodec, ForwardWire & { vectors: VectorCodec }],
): Plan {
  if (scene.workMode === "passthrough") throw refuseTranslation(provider, model);
  const endpoint = provider.endpoint(target.id, { model, stream: false });
  const encoded = target.vectors.request.encode({ ...client.request.decode(body, peek), model });
  const dropped = [...encoded.dropped, ...listLost(encoded.body, endpoint)];
  const shaped = shape(encoded.body, endpoint);
  return {
    provider,
    model,
    endpoint,
    body: JSON.stringify(endpoint.convert === undefined ? shaped : endpoint.convert.request(shaped)),
    dropped,
    spoken: target,
    mode: { kind: "convert", client, target },
  };
}

/** Where the provider has no count of its own: an estimate, marked as one. */
function countHere({ provider, model }: { provider: Provider; model: string }, asked: Asked, wire: ForwardWire): Plan {
  const { count } = wire;
  const local = (): Response => {
    if (count === undefined) throw unsupported(provider, wire);
    const request = count.wire.request.decode(count.unwrap(asked.body), asked.peek);
    const estimate = createTokenEstimate();
    estimate.add(joinRequest(request));
    return Response.json(count.encode(estimate.tokens()));
  };
  const endpoint: Endpoint = { url: "" };
  return { provider, model, endpoint, body: "", dropped: [], local, spoken: wire, mode: { kind: "forward", wire } };
}

function unsupported(provider: Provider, wire: Wire): GatewayError {
  return invalidRequest(
    `Provider "${provider.name}" offers no ${wire.endpoint}. Choose a model of a provider that does.`,
    "model",
    "unsupported_operation",
  );
}

/**
 * The id that an answer is given to the client with; "" where the client's format makes it from the call's: an id of another format may not
 * be one answer's alone, and answers that are kept are asked for by theirs.
 */
export function chooseId({ mode }: Pick<Plan, "mode">, given: string, callId: string): string {
  if (mode.kind === "translate" && mode.client.memory !== undefined) return "";
  return given || callId;
}

function forward(provider: Provider, model: string, { wire, raw, body, peek, headers, query = "" }: Asked): Plan {
  const own = provider.endpoint(wire.id, { model, stream: peek.stream, headers });
  const endpoint = own.takesQuery === true && query !== "" ? { ...own, url: own.url + query } : own;
  const dropped = [...(endpoint.dropped ?? []), ...listLost(body, endpoint)];
  const text =
    endpoint.convert === undefined
      ? fitBody(wire.forward.request(raw, body, model), body, { endpoint, dropped })
      : JSON.stringify(endpoint.convert.request({ ...body, model }));
  return { provider, model, endpoint, body: text, dropped, spoken: wire, mode: { kind: "forward", wire } };
}

/** What a server's own form has no place for. */
function listLost(body: JsonObject, { convert }: Endpoint): string[] {
  const reads = convert?.reads;
  if (reads === undefined) return [];
  return Object.entries(body).flatMap(([field, value]) =>
    reads.includes(field) || asksForNothing(field, value) ? [] : [field],
  );
}

/** The text with what this address must have otherwise. */
function fitBody(
  text: string,
  body: JsonObject,
  { endpoint, dropped }: { endpoint: Endpoint; dropped: string[] },
): string {
  let fitted = text;
  for (const field of endpoint.remove ?? []) {
    // Not in the client's body only: the format's own wish for usage may have been added to the text.
    if (fitted.includes(`"${field}"`)) fitted = removeTopLevel(fitted, field);
  }
  for (const [field, code] of listEntries(endpoint.forbidden)) {
    if ((body[field] ?? null) === null) continue;
    throw invalidRequest(`${field}: this model's provider does not have it; send the request without it`, field, code);
  }
  for (const [field, other] of listEntries(endpoint.rename)) {
    const value = body[field];
    if (value === undefined) continue;
    fitted = removeTopLevel(fitted, field);
    if (body[other] === undefined) fitted = setTopLevel(fitted, other, JSON.stringify(value));
  }
  for (const field of endpoint.refusedEmpty ?? []) {
    const value = body[field];
    if (Array.isArray(value) && value.length === 0) fitted = removeTopLevel(fitted, field);
  }
  for (const field of endpoint.refused ?? []) {
    const value = body[field];
    if (value === undefined) continue;
    fitted = removeTopLevel(fitted, field);
    if (!asksForNothing(field, value)) dropped.push(field);
  }
  const amended = endpoint.amend?.(body);
  dropped.push(...(amended?.dropped ?? []));
  const set = amended === undefined ? endpoint.set : { ...endpoint.set, ...amended.set };
  for (const [field, value] of listEntries(set)) fitted = setTopLevel(fitted, field, JSON.stringify(value));
  return fitted;
}

const NONE: readonly never[] = Object.freeze([]);

/** Most addresses want nothing otherwise, and every forwarded request asks. */
function listEntries<T>(fields: Readonly<Record<string, T>> | undefined): readonly (readonly [string, T])[] {
  return fields === undefined ? NONE : Object.entries(fields);
}

function translate(scene: PlanScene, { provider, model }: { provider: Provider; model: string }, asked: Asked): Plan {
  const { wire, body, peek } = asked;
  const spoken = provider.speaks(model).flatMap((id) => TARGETS.get(id) ?? [])[0];
  if (wire.operation !== "chat" || spoken === undefined) throw unsupported(provider, wire);
  if (scene.workMode === "passthrough") throw refuseTranslation(provider, model);
  const sources: Sources = new Map();
  const request = { ...wire.request.decode(body, peek, sources), model };
  const encoded = encodeFor(spoken, { client: wire, request, body, sources, facts: provider.facts(model) });
  const endpoint = provider.endpoint(spoken.id, { model, stream: peek.stream });
  return {
    provider,
    model,
    endpoint,
    body: JSON.stringify(shape(encoded.body, endpoint)),
    dropped: encoded.dropped,
    spoken,
    mode: { kind: "translate", client: wire, target: spoken, request },
  };
}

interface Translated {
  client: ChatWire;
  request: Request;
  body: JsonObject;
  sources: Sources;
  facts: ModelFacts;
}

/** What is left out, and what cannot be, is told by the client's own names. */
function encodeFor(target: TargetWire, { client, request, body, sources, facts }: Translated): Encoded {
  const names = client.fieldNames;
  const nameOwn = (name: string): string =>
    /^(?:messages|tools)\[/.test(name) ? namePlace(name, request, sources, names) : nameField(name, names, body);
  try {
    const encoded = target.request.encode(request, facts);
    return { body: encoded.body, dropped: encoded.dropped.map(nameOwn) };
  } catch (thrown) {
    const error = toGatewayError(thrown);
    const { param, message } = error;
    const own = param === undefined ? param : nameOwn(param);
    if (error.kind !== "invalid_request" || param === undefined || own === undefined || own === param) throw error;
    // A word may be part of others; a place is no part of anything.
    const told = param.includes("[") ? message.replaceAll(param, own) : message.replaceAll(`'${param}'`, `'${own}'`);
    throw invalidRequest(told, own, error.code);
  }
}

function refuseTranslation(provider: Provider, model: string): GatewayError {
  return invalidRequest(
    `Model "${model}" is served by provider "${provider.name}" in another format, and work_mode = passthrough forbids translation.`,
    "model",
    "translation_disabled",
  );
}

/** A body of ours with what this address must have otherwise; what is refused there, its encoder knows from the model's facts. */
function shape(body: JsonObject, { remove = [], rename = {}, set = {} }: Endpoint): JsonObject {
  const shaped: JsonObject = { ...body, ...set };
  for (const field of remove) delete shaped[field];
  for (const [field, other] of Object.entries(rename)) {
    const value = shaped[field];
    if (value === undefined) continue;
    delete shaped[field];
    shaped[other] ??= value;
  }
  return shaped;
}
