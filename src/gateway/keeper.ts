// Asks the provider that keeps an answer itself about it. Knows no format; the address follows from the format's own.

import { GatewayError } from "../ir/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import type { Provider } from "../provider/index.ts";
import type { Wire } from "../wire/index.ts";
import type { KeptAnswer } from "./answer-store.ts";
import type { GatewayTools, Scene } from "./call.ts";
import { explainRejection } from "./failure.ts";
import type { Presence } from "./presence.ts";
import { type Line, answerTooLarge, explainFailure, openLine } from "./send.ts";
import { findKeeper, readKeeper } from "./way/pool.ts";
import { untilWhole } from "./way/deadline.ts";

const MAX_ERROR_BYTES = 256 * 1024;

interface Ask {
  method: "DELETE" | "GET" | "POST";
  /** Below the answer's own address. */
  path: string;
  query?: readonly (readonly [string, string])[];
}

/** What it answered. */
export interface Kept {
  upstream: Response;
  /** All of it, once. Throws timeout or upstream_unavailable where it does not come, and upstream_malformed where it does not fit into memory. */
  readText(): Promise<string>;
  /** Nothing more of it is wanted. */
  release(): void;
}

/** Null where the answer is not there (any more). Throws a GatewayError where it refuses or does not answer. */
export async function askKeeper(
  { wire, requestId, signal }: { wire: Wire; requestId: string; signal: Presence },
  tools: GatewayTools,
  found: Pick<KeptAnswer, "id" | "model" | "provider">,
  ask: Ask,
): Promise<Kept | null> {
  const scene = tools.scene();
  const provider = findProvider(scene, found.provider);
  const { url: base } = provider.endpoint(wire.id, { model: found.model, stream: false });
  const url = extendUrl(base, found.id, ask);
  const headers = { accept: "application/json", "x-request-id": requestId, ...provider.headers };
  const line = openLine(signal, tools.clock);
  line.arm(scene.deadlinesOf(provider.name).header);
  try {
    const proof = await provider.authorize?.({ method: ask.method, url, headers, body: null });
    const upstream = await tools.fetch(url, {
      method: ask.method,
      headers: { ...headers, ...proof },
      redirect: "manual",
      timeout: false,
      signal: line.signal,
    });
    line.rest();
    const kept = hold(upstream, { line, scene, provider: provider.name });
    if (upstream.ok) return kept;
    if (upstream.status !== 404) {
      const text = scene.redact((await kept.read(MAX_ERROR_BYTES).catch(() => "")) ?? "");
      throw explainRejection({ upstream, provider: provider.name, wire, nowMs: tools.clock.wallMs() }, text);
    }
    kept.release();
    return null;
  } catch (error) {
    const failure = explainFailure(provider.name, line, error);
    line.release(true);
    throw failure;
  }
}

interface Holding {
  line: Line;
  scene: Scene;
  provider: string;
}

function hold(
  upstream: Response,
  { line, scene, provider }: Holding,
): Kept & { read(maxBytes: number): Promise<string | null> } {
  const { idle } = scene.deadlinesOf(provider);
  const release = (): void => line.release(true);
  const read = async (maxBytes: number): Promise<string | null> => {
    const progressed = (): void => line.arm(idle);
    line.arm(untilWhole(idle));
    try {
      return await readCapped(upstream, maxBytes, progressed);
    } catch (error) {
      throw explainFailure(provider, line, error);
    } finally {
      release();
    }
  };
  return {
    upstream,
    read,
    release,
    async readText() {
      const text = await read(scene.maxAnswerBytes);
      if (text === null) throw answerTooLarge(scene.maxAnswerBytes);
      return text;
    },
  };
}

function findProvider(scene: Scene, name: string): Provider {
  const provider = findKeeper(scene.providers, name);
  if (provider === undefined || provider.missing !== null) {
    throw new GatewayError({
      kind: "not_configured",
      message: provider?.missing ?? `Provider "${readKeeper(name)}", which keeps this answer, is no longer configured.`,
    });
  }
  return provider;
}

/** Some addresses carry parameters of their own. */
function extendUrl(base: string, id: string, { path, query = [] }: Ask): string {
  const url = new URL(base);
  url.pathname = `${url.pathname}/${encodeURIComponent(id)}${path}`;
  for (const [name, value] of query) url.searchParams.append(name, value);
  return url.href;
}
