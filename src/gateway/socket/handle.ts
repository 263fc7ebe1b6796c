// Opens a session: chooses the provider, connects, and only then takes the client's end: whatever fails before is a plain HTTP error, from which
// clients fall back. Knows no HTTP server and no vendor's name.

import { GatewayError, toGatewayError } from "../../ir/index.ts";
import type { Amount } from "../../ledger/index.ts";
import type { Provider } from "../../provider/index.ts";
import { findBound } from "../bound.ts";
import { type GatewayTools, type Scene, refuseKey } from "../call.ts";
import { openFacts } from "../facts.ts";
import { redactFailure } from "../failure.ts";
import { cleanHeader, collectHeaders } from "../header.ts";
import { NO_TOKENS } from "../limit/index.ts";
import { narrowScene, refuseNameless } from "../narrow.ts";
import { openLongPresence, tellEnd } from "../presence.ts";
import { type CallRecord, booksClosed, openRecord } from "../record.ts";
import { authorize } from "../rest/authorize.ts";
import { judgePrice } from "../unknown-price.ts";
import { type Chosen, addressOf, chooseTarget, forwardQuery, nameAt } from "../rest/target.ts";
import { type Deadline, type Deadlines, type OwnDeadlines, overrule, sayLate } from "../way/deadline.ts";
import type { Visit } from "../way/fleet.ts";
import type { Knocker } from "../way/knock.ts";
import { openBooks } from "./books.ts";
import { type BridgedSession, createSession, unavailable } from "./session.ts";
import type { Connect, Message, Session, SocketCall, UpstreamEnd } from "./type.ts";
import { chooseKey } from "../way/pool.ts";

export type SocketTools = GatewayTools & {
  connect: Connect;
  /** Null where nobody can tell whether a server takes connections. */
  knocker: Knocker | null;
};

export interface Opened {
  session: Session;
  /** Of the handshake: who was asked, and the sub-protocol that was agreed on. */
  headers: Record<string, string>;
}

/** Throws a GatewayError, already on record. */
export async function openSession(given: SocketCall, tools: SocketTools): Promise<Opened> {
  const fault = tools.ledger.fault();
  if (fault !== null) throw booksClosed(fault);
  const scene = narrowScene(tools.scene(), given.caller.limits);
  const presence = openLongPresence(given, tools.rights);
  const call = { ...given, signal: presence };
  const asked = call.query.get("model") ?? "";
  const stay = tools.admission.open(call.caller, presence);
  const over = (): void => {
    stay.leave();
    presence.close();
  };
  const record = openRecord({ ...call, endpoint: call.family, over }, tools);
  let isCalled = false;
  let visit: Visit | null = null;
  try {
    refuseKey(asked);
    record.asked(asked, true);
    await stay.enter();
    await record.admit(() => NO_TOKENS);
    const target = choose(scene, call, tools);
    const model = target.model ?? "";
    const stickTo = call.caller.keyId ?? call.caller.userId;
    const place = { provider: target.provider, model: model || call.family };
    const provider = chooseKey(tools.fleet, place, { isSteady: false, stickTo });
    await stay.visit(provider.name);
    const { defaultOutputTokens } = scene;
    const { prices } = tools;
    const bound = (own: string, sold: readonly string[]): Amount =>
      findBound({
        provider,
        model: own,
        sold,
        body: null,
        writes: true,
        defaultOutputTokens,
        prices,
        atMs: tools.clock.wallMs(),
      });
    // Where each message names a model of its own, each is judged by itself.
    const isNamedLater = model === "" && call.family === "responses";
    const reserving = isNamedLater ? undefined : record.reserve({ provider, model }, () => bound(model, []));
    if (reserving !== undefined) await reserving;
    const { onUnknownPrice, deadlines } = target;
    const way = target.route === undefined ? {} : { route: target.route };
    visit = tools.fleet.visit({ ...place, provider, weight: 1 });
    record.planned({ provider, model, dropped: [], ...way }, visit.end);
    const rule = onUnknownPrice === undefined ? {} : { onUnknownPrice };
    if (!isNamedLater)
      judgePrice({ plan: { provider, model, ...rule }, record, scene, tools, body: null, writes: true });
    isCalled = true;
    const dialledMs = tools.clock.monotonicMs();
    const opened = await connect(call, tools, { scene, provider, model, asked, bound, record, deadlines, way });
    // How long a session goes on says nothing of how the provider is doing.
    visit.end(null, tools.clock.monotonicMs() - dialledMs);
    return opened;
  } catch (error) {
    const failure = redactFailure(tellEnd(toGatewayError(error), presence), scene.redact);
    if (isCalled)
      record.attempted({ status: failure.upstream?.status ?? null, error: failure, upstreamRequestId: null });
    visit?.drop();
    failure.headers = { ...record.describe(), ...failure.headers };
    await record.settle(failure.status, failure);
    throw failure;
  }
}

/** Where nobody offers it, or nobody yet, the address is not there: a plain 404 sends clients back to HTTP. */
function choose(scene: Scene, call: SocketCall, { fleet }: Pick<SocketTools, "fleet">): Chosen {
  try {
    const { family, query, headers, dialect } = call;
    // In a session of the other family each message names a model of its own.
    if (scene.limits?.models && query.get("model") === null && family === "realtime") throw refuseNameless();
    const facts = openFacts(call, { endpoint: family, isStream: true, body: {} });
    const named = headers.get("x-tokligence-provider") ?? query.get("provider");
    return chooseTarget(scene, { family, dialect, model: query.get("model"), keeper: null, named, facts }, fleet);
  } catch (error) {
    const failure = toGatewayError(error);
    if (failure.code !== "unsupported_operation" && failure.kind !== "not_configured") throw failure;
    throw new GatewayError({
      kind: "not_found",
      code: failure.code ?? "provider_not_configured",
      message: `${failure.message} A WebSocket cannot be had here.`,
    });
  }
}

interface Connecting {
  scene: Scene;
  provider: Provider;
  model: string;
  asked: string;
  bound: (model: string, sold: readonly string[]) => Amount;
  record: CallRecord;
  deadlines: OwnDeadlines | undefined;
  way: Pick<Chosen, "route">;
}

async function connect(
  call: SocketCall,
  tools: SocketTools,
  { scene, provider, model, asked, bound, record, deadlines, way }: Connecting,
): Promise<Opened> {
  const query = new URLSearchParams(call.query);
  if (model !== "") query.set("model", nameAt(provider, model));
  const address = addressOf(provider, `/${call.family}`, forwardQuery(query));
  const headers = await authorize(provider, {
    method: "GET",
    url: address,
    headers: collectHeaders(call, { provider, isForward: true }, {}),
    body: null,
  });
  const { defaultOutputTokens: usualOutputTokens } = scene;
  const books = { provider, model, modelAsked: asked, bound, usualOutputTokens, session: record, way };
  await record.intend();
  const early: Message[] = [];
  const bridge: { session: BridgedSession | null; closed: [number, string] | null } = { session: null, closed: null };
  const upstream = await dial(call, tools, {
    provider: provider.name,
    url: address.replace(/^http/u, "ws"),
    headers,
    deadlines: overrule(scene.deadlinesOf(provider.name), deadlines),
    received: (data) => (bridge.session === null ? void early.push(data) : bridge.session.told(data)),
    closed(code, reason) {
      bridge.closed = [code, reason];
      bridge.session?.ended(code, reason);
    },
  });
  // Until the client's end is there, the provider is not listened to.
  upstream.pause();
  const session = createSession({ call, tools, provider, upstream, books: openBooks(call, tools, books) });
  bridge.session = session;
  for (const data of early) session.told(data);
  if (bridge.closed !== null) session.ended(...bridge.closed);
  return {
    session,
    headers: {
      "x-request-id": call.requestId,
      "x-tokligence-provider": provider.name,
      ...(way.route === undefined ? {} : { "x-tokligence-route": cleanHeader(way.route) }),
      ...(upstream.protocol === "" ? {} : { "sec-websocket-protocol": upstream.protocol }),
    },
  };
}

interface Dialling {
  provider: string;
  url: string;
  headers: Record<string, string>;
  deadlines: Deadlines;
  received(data: Message): void;
  closed(code: number, reason: string): void;
}

/** The provider's end, open. Rejects with a GatewayError where there is none in time, or the client left meanwhile. */
async function dial(call: SocketCall, tools: SocketTools, init: Dialling): Promise<UpstreamEnd> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isOpen = false;
  // Whoever rejects it may do so before anybody waits for it.
  promise.catch(() => undefined);
  const { connect, header } = init.deadlines;
  const expire = (deadline: Deadline): void =>
    reject(new GatewayError({ kind: "timeout", message: `Provider "${init.provider}" ${sayLate(deadline)}.` }));
  const cancel = tools.clock.after(header.ms, () => expire(header));
  const leave = (): void =>
    reject(new GatewayError({ kind: "cancelled", message: "The client closed the connection." }));
  call.signal.addEventListener("abort", leave, { once: true });
  if (call.signal.aborted) leave();
  const upstream = await tools.connect(init.url, {
    headers: init.headers,
    protocols: [...call.protocols],
    events: {
      opened() {
        isOpen = true;
        resolve();
      },
      failed: ({ status, cause }) => reject(explainRefusal(init.provider, status, cause)),
      received: init.received,
      closed(code, reason) {
        if (isOpen) init.closed(code, reason);
        else reject(unavailable(init.provider, `closed with ${code}`));
      },
    },
  });
  const watch = tools.knocker?.watch(init.url, { ms: connect.ms, late: () => expire(connect) });
  try {
    await promise;
    watch?.answered();
    return upstream;
  } catch (error) {
    upstream.close();
    throw error;
  } finally {
    watch?.stop();
    cancel();
    call.signal.removeEventListener("abort", leave);
  }
}

/** What servers answer that have nothing to upgrade to. */
const NO_SOCKET = [404, 405, 426, 501];

/** Of a refused handshake the runtime tells the status alone: how long a key over its limit is left in peace is ours to say. */
const LIMITED_MS = 10_000;

function explainRefusal(provider: string, status: number | null, cause: unknown): GatewayError {
  if (status === null) return unavailable(provider, cause);
  // It is there and speaks plain HTTP at this address: so can the client.
  if (status < 400 || NO_SOCKET.includes(status)) {
    return new GatewayError({
      kind: "not_found",
      code: "unsupported_operation",
      message: `Provider "${provider}" takes no WebSocket at this address (HTTP ${status}). Ask over HTTP.`,
      cause,
    });
  }
  const message = `Provider "${provider}" refused the WebSocket with HTTP ${status}.`;
  const upstream = { status, type: null, code: "websocket_refused", param: null, message, requestId: null };
  const retryAfterMs = status === 429 ? LIMITED_MS : undefined;
  return new GatewayError({ kind: "upstream_rejected", message, upstream, retryAfterMs, cause });
}
