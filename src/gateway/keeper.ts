// Asks the provider that keeps an answer itself about it. Knows no format; the address follows from the format's own.

import { GatewayError } from "../ir/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import type { Provider } from "../provider/index.ts";
import type { Wire } from "../wire/index.ts";
import type { KeptAnswer } from "./answer-store.ts";
import type { GatewayTools, Scene } from "./call.ts";
import { explainRejection } from "./failure.ts";
import type { Presence } from "./presence.ts";
import { answerTooLarge, explainFailure, openLine } from "./send.ts";
import { findKeeper, readKeeper } from "./way/pool.ts";

const MAX_ERROR_BYTES = 256 * 1024;

interface Ask {
  method: "DELETE" | "GET" | "POST";
  /** Below the answer's own address. */
  path: string;
  query?: readonly (readonly [string, string])[];
}

/** Its response; null where the answer is not there (any more). Throws a GatewayError where it refuses or does not answer. */
export async function askKeeper(
  { wire, requestId, signal }: { wire: Wire; requestId: string; signal: Presence },
  tools: GatewayTools,
  found: Pick<KeptAnswer, "id" | "model" | "provider">,
  ask: Ask,
): Promise<Response | null> {
  const scene = tools.scene();
  const provider = findProvider(scene, found.provider);
  const { url: base } = provider.endpoint(wire.id, { model: found.model, stream: false });
  const url = extendUrl(base, found.id, ask);
  const headers = { accept: "application/json", "x-request-id": requestId, ...provider.headers };
  const line = openLine(signal, tools.clock);
  line.arm(scene.deadlinesOf(provider.name).header);
  let upstream: Response;
  try {
    const proof = await provider.authorize?.({ method: ask.method, url, headers, body: null });
    upstream = await tools.fetch(url, {
      method: ask.method,
      headers: { ...headers, ...proof },
      redirect: "manual",
      timeout: false,
      signal: line.signal,
    });
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw explainFailure(provider.name, line, error);
  } finally {
    line.rest();
  }
  if (upstream.status === 404) return null;
  if (upstream.ok) return upstream;
  const text = scene.redact((await readCapped(upstream, MAX_ERROR_BYTES).catch(() => "")) ?? "");
  throw explainRejection({ upstream, provider: provider.name, wire, nowMs: tools.clock.wallMs() }, text);
}

/** The text of what it answered. Throws upstream_malformed where that does not fit into memory. */
export async function readKept(upstream: Response, { maxAnswerBytes }: Pick<Scene, "maxAnswerBytes">): Promise<string> {
  const text = await readCapped(upstream, maxAnswerBytes);
  if (text !== null) return text;
  throw answerTooLarge(maxAnswerBytes);
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
