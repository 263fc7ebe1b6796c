// Tries a provider with each of its keys, on request: asks for its list of models, or one of its models for a token, and says what came, how long it
// took and what to do about it. Knows no vendor and no address of ours.

import { askForToken, type Fetch, type GatewayTools, readListing } from "../gateway/index.ts";
import type { Caller } from "../identity/index.ts";
import { GatewayError, type JsonObject } from "../ir/index.ts";
import { explainCertificate } from "../lib/certificate.ts";
import type { Clock } from "../lib/clock.ts";
import type { Redact } from "../lib/redact.ts";
import type { Provider } from "../provider/index.ts";
import { guessWireAt } from "../wire/index.ts";

export interface KeyTrial {
  /** Label of the key; null where there is one at most. */
  key: string | null;
  status: "failed" | "ok" | "reached";
  /** Null where nobody answered. */
  http_status: number | null;
  latency_ms: number;
  /** How many models it lists; null where no list came. */
  models: number | null;
  /** The first of them. */
  examples: string[];
  error: string | null;
  remedy: string | null;
}

interface TrialTools {
  fetch: Fetch;
  clock: Pick<Clock, "after" | "monotonicMs">;
  redact: Redact;
}

const EXAMPLES = 10;
const PATIENCE_MS = 10_000;

/** Each of its keys by itself, side by side. Never rejects. */
export async function testProvider(provider: Provider, tools: TrialTools): Promise<KeyTrial[]> {
  if (provider.missing !== null) return [notReady(provider.missing)];
  if (provider.answer !== null) return [{ ...EMPTY, status: "ok", models: provider.knownModels.length }];
  const accounts = provider.pool?.map((each) => each.provider) ?? [provider];
  return Promise.all(accounts.map((account) => testList(account, tools)));
}

/** Costs a token, and has a row on the books like every call. */
export async function testModel(
  provider: Provider,
  model: string,
  { tools, caller, newId }: { tools: GatewayTools; caller: Caller; newId: () => string },
): Promise<KeyTrial[]> {
  if (provider.missing !== null) return [notReady(provider.missing)];
  const accounts = provider.pool?.map((each) => each.provider) ?? [provider];
  return Promise.all(
    accounts.map(async (account) => {
      const key = account.account ?? null;
      const fromMs = tools.clock.monotonicMs();
      const wire = guessWireAt("/v1/chat/completions", new Headers());
      const { status, error, refusal } = await askForToken(account, model, { tools, wire, caller, id: newId() });
      const ms = Math.round(tools.clock.monotonicMs() - fromMs);
      if (error === null)
        return { ...EMPTY, key, status: "ok", http_status: status, latency_ms: ms, examples: [model] };
      return failed(key, { error: error.slice(0, MOST_WORDS), ms, status, cause: refusal });
    }),
  );
}

const EMPTY = {
  key: null,
  http_status: null,
  latency_ms: 0,
  models: null,
  examples: [],
  error: null,
  remedy: null,
} satisfies Partial<KeyTrial>;

async function testList(provider: Provider, { fetch, clock, redact }: TrialTools): Promise<KeyTrial> {
  const key = provider.account ?? null;
  const fromMs = clock.monotonicMs();
  let status: number | null = null;
  const watched: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    status = response.status;
    return response;
  };
  const measure = (): number => Math.round(clock.monotonicMs() - fromMs);
  try {
    if (provider.listing === null) {
      await knock(provider, watched, clock);
      const error = "it has no list of models to ask for, so that its key was not tried";
      return {
        ...EMPTY,
        key,
        status: "reached",
        http_status: status,
        latency_ms: measure(),
        error,
        remedy: NAME_MODEL,
      };
    }
    const models = await readListing(
      provider,
      provider.listing,
      { fetch: watched, clock },
      new AbortController().signal,
    );
    const examples = models.slice(0, EXAMPLES).map(({ id }) => id);
    return { ...EMPTY, key, status: "ok", http_status: status, latency_ms: measure(), models: models.length, examples };
  } catch (error) {
    const text = (error instanceof Error ? error.message : String(error)).replace(TO_PROGRAMMERS, "");
    return failed(key, { error: redact(text).slice(0, MOST_WORDS), ms: measure(), status, cause: error });
  }
}

const MOST_WORDS = 500;
/** What the runtime adds where no connection came about. */
const TO_PROGRAMMERS = /\. For more information, pass `verbose: true`.*$/su;
const NAME_MODEL = "Name one of its models, which is then asked for one token.";

/** Without credentials: whether anybody is there at all. */
async function knock(provider: Provider, fetch: Fetch, clock: TrialTools["clock"]): Promise<void> {
  const [wire] = provider.speaks("model");
  if (wire === undefined) return;
  const { origin } = new URL(provider.endpoint(wire, { model: "model", stream: false }).url);
  const controller = new AbortController();
  const cancel = clock.after(PATIENCE_MS, () => controller.abort(new Error("no answer within 10 s")));
  try {
    // Any path will do.
    await fetch(`${origin}/models`, {
      method: "GET",
      headers: {},
      redirect: "manual",
      timeout: false,
      signal: controller.signal,
    });
  } finally {
    cancel();
    controller.abort();
  }
}

/** One that is declared and cannot be used as it is. */
export function tellUnused(obstacle: string | null): KeyTrial[] {
  return [notReady(`It is not in force: ${obstacle ?? "it cannot be read"}`)];
}

/** Not asked at all. */
function notReady(missing: string): KeyTrial {
  return { ...EMPTY, status: "failed", error: missing, remedy: FROM_ERROR };
}

/** Its own words say it. */
const FROM_ERROR = "Do what the error says.";

function failed(
  key: string | null,
  { error, ms, status, cause }: { error: string; ms: number; status: number | null; cause?: unknown },
): KeyTrial {
  const remedy = findRemedy(status, cause);
  return { ...EMPTY, key, status: "failed", http_status: status, latency_ms: ms, error, remedy };
}

function findRemedy(status: number | null, cause: unknown): string {
  if (cause instanceof GatewayError) return FROM_ERROR;
  const doubt = cause instanceof Error && "code" in cause ? explainCertificate(String(cause.code)) : null;
  if (doubt !== null) return doubt.remedy;
  if (status === null)
    return "Look at base_url, and whether this machine reaches it: name service, firewall, proxy, certificate.";
  if (status === 401 || status === 403) return "The key is refused: set it again, or ask the provider what it may do.";
  if (status === 402) return "The account has no credit: see to it at the provider.";
  if (status === 404 || status === 405) return "Nothing is at that address: look at base_url and type.";
  if (status === 429) return "The account is at its limit: wait, or ask the provider for more.";
  if (status >= 300 && status < 400)
    return "It leads elsewhere, and keys follow nobody: say the address itself as base_url.";
  if (status >= 500) return "The provider is in trouble: try again later.";
  return "What answered is no such provider: look at base_url and type.";
}

/** For programs. */
export function printTrials(name: string, trials: readonly KeyTrial[]): JsonObject {
  const isWell = trials.every(({ status }) => status !== "failed");
  return { provider: name, ok: isWell, keys: trials.map((trial) => ({ ...trial })) };
}
