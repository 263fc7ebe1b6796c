// Asks a provider without a request of anybody's, to find out whether it is well: for its list of models, or for one token of a model. Knows no
// schedule and no vendor.

import { type ErrorKind, GatewayError } from "../ir/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import type { Provider } from "../provider/index.ts";
import type { Wire } from "../wire/index.ts";
import type { Call, GatewayTools } from "./call.ts";
import { explainRejection } from "./failure.ts";
import { handleCall } from "./handle.ts";
import { explainFailure, openLine } from "./send.ts";
import { waitAtMost } from "./way/deadline.ts";

const PATIENCE = waitAtMost(10_000);
const MAX_BODY_BYTES = 64 * 1024;
/** What such rows are filed under. */
const TAG = "probe";

/** Why the provider does not give its list to this key; null where it does, or has none. Never rejects. */
export async function lookAtModels(
  provider: Provider,
  { clock, fetch, scene }: Pick<GatewayTools, "clock" | "fetch" | "scene">,
  wire: Wire,
): Promise<GatewayError | null> {
  const { listing, name } = provider;
  if (listing === null) return null;
  const line = openLine(new AbortController().signal, clock);
  line.arm(PATIENCE.header);
  try {
    const { url } = listing;
    const headers = { ...provider.headers, accept: "application/json" };
    const proof = await provider.authorize?.({ method: "GET", url, headers, body: null });
    const upstream = await fetch(url, {
      method: "GET",
      headers: { ...headers, ...proof },
      redirect: "manual",
      timeout: false,
      signal: line.signal,
    });
    if (upstream.ok) return null;
    const text = scene().redact((await readCapped(upstream, MAX_BODY_BYTES).catch(() => "")) ?? "");
    return explainRejection({ upstream, provider: name, wire, nowMs: clock.wallMs() }, text);
  } catch (error) {
    return explainFailure(name, line, error);
  } finally {
    // A list is long, and nobody wants to know what is in it.
    line.release(true);
  }
}

interface Trial {
  /** Null where nobody answered. */
  status: number | null;
  /** What was said instead of an answer; null where there was one. */
  error: string | null;
  /** Where it was ours, such as of a budget that is spent, and the provider was asked nothing. */
  refusal?: GatewayError;
}

const AT_PROVIDER: ReadonlySet<ErrorKind> = new Set([
  "timeout",
  "upstream_malformed",
  "upstream_rejected",
  "upstream_unavailable",
]);

/** One token of the model, by this key and no other, with a row of its own. What comes of it, the fleet hears, and whoever asks. */
export async function askForToken(
  provider: Provider,
  model: string,
  { tools, wire, caller, id }: { tools: GatewayTools; wire: Wire; caller: Call["caller"]; id: string },
): Promise<Trial> {
  const scene = tools.scene();
  const way = {
    targets: [{ provider: provider.name, model, weight: 1 }],
    strategy: "priority",
    reason: TAG,
  } as const;
  const router = { ...scene.router, resolve: () => ({ asked: model, way, steps: [] }) };
  const own = {
    ...scene,
    router,
    providers: new Map([[provider.name, provider]]),
    travel: { ...scene.travel, maxAttempts: 1 },
    keepAliveMs: 0,
  };
  const body = { model, messages: [{ role: "user", content: "Hi" }], max_tokens: 1 };
  const call: Call = {
    id,
    requestId: `${TAG}-${id}`,
    wire,
    address: { model: null, stream: null },
    framing: "sse",
    caller,
    headers: new Headers({ "x-tokligence-tags": TAG }),
    signal: new AbortController().signal,
    startedWallMs: tools.clock.wallMs(),
    startedMs: tools.clock.monotonicMs(),
    read: async () => JSON.stringify(body),
  };
  try {
    // Whether it may be asked is what is to be found out.
    const fleet = { ...tools.fleet, order: tools.fleet.takeAll };
    const response = await handleCall(call, { ...tools, fleet, scene: () => own });
    const text = await response.text();
    return { status: response.status, error: response.ok ? null : text };
  } catch (error) {
    // It is on the books, and the breaker has it.
    if (!(error instanceof GatewayError)) throw error;
    const told = { status: error.upstream?.status ?? null, error: error.message };
    return AT_PROVIDER.has(error.kind) ? told : { ...told, refusal: error };
  }
}
