// What a provider's sign-in gives for a while: kept until shortly before it ends, and fetched once for all who wait.
// Knows no vendor; whoever uses it says where and with what.

import { GatewayError, isJsonObject } from "../ir/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import type { ProviderTools } from "./kind.ts";

export interface Token<Value = string> {
  value: Value;
  /** Infinite where it does not end. */
  lifeMs: number;
}

/** So long before its end a token is fetched anew; until its end the old one serves where that fails. */
const MARGIN_MS = 300_000;
/** Nobody waits for the next one but with less left than this: the old one must not end on its way. */
const LAST_MS = 60_000;
/** After one that could not be had. */
const AGAIN_MS = 5_000;

type Clocks = Pick<ProviderTools, "monotonicMs" | "nowMs">;

/** The token of now. Rejects with what `fetchToken` rejects with; a failure is not remembered. */
export function keepToken<Value>(clocks: Clocks, fetchToken: () => Promise<Token<Value>>): () => Promise<Value> {
  let kept: (Token<Value> & { ageMs: () => number; renewsAtMs: number; waitsAtMs: number }) | null = null;
  let coming: Promise<Value> | null = null;
  const renew = async (): Promise<Value> => {
    try {
      const { value, lifeMs } = await fetchToken();
      const before = (ms: number): number => lifeMs - Math.min(ms, lifeMs / 2);
      kept = { value, lifeMs, ageMs: startAge(clocks), renewsAtMs: before(MARGIN_MS), waitsAtMs: before(LAST_MS) };
      return value;
    } catch (error) {
      if (kept === null || kept.ageMs() >= kept.lifeMs) throw error;
      kept.renewsAtMs = Math.min(kept.ageMs() + AGAIN_MS, kept.lifeMs);
      return kept.value;
    } finally {
      coming = null;
    }
  };
  return () => {
    if (kept !== null && kept.ageMs() < kept.renewsAtMs) return Promise.resolve(kept.value);
    coming ??= renew();
    if (kept === null || kept.ageMs() >= kept.waitsAtMs) return coming;
    // Whoever asks when this one has ended is told why there is no other.
    coming.catch(() => undefined);
    return Promise.resolve(kept.value);
  };
}

/** By whichever clock more time has passed: one may be set back, the other stands still while the machine sleeps. */
function startAge({ nowMs, monotonicMs }: Clocks): () => number {
  const [wallMs, steadyMs] = [nowMs(), monotonicMs()];
  return () => Math.max(nowMs() - wallMs, monotonicMs() - steadyMs);
}

export interface SignIn {
  /** The provider, for errors. */
  name: string;
  url: string;
  /** Sent as a form. */
  fields: Readonly<Record<string, string>>;
}

/** OAuth's token request. Rejects with not_configured where it is refused, upstream_unavailable where nobody answers. */
export async function requestToken(tools: ProviderTools, { name, url, fields }: SignIn): Promise<Token> {
  const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
  const body = new URLSearchParams(fields).toString();
  return readToken(name, () => tools.fetch(url, { method: "POST", headers, body }));
}

/** `{access_token, expires_in}`. What a refusal says beyond its code is for the log: it may quote what was sent. */
export async function readToken(name: string, ask: () => Promise<Response>): Promise<Token> {
  let response: Response;
  let text: string;
  try {
    response = await ask();
    text = await readAnswer(response);
  } catch (error) {
    const message = `Provider "${name}" could not sign in: its token service could not be reached. Try again in a moment.`;
    throw new GatewayError({ kind: "upstream_unavailable", message, cause: error });
  }
  const answer = parse(text);
  const value = answer["access_token"];
  if (response.ok && typeof value === "string" && value !== "") {
    return { value, lifeMs: Number(answer["expires_in"] ?? 3_600) * 1_000 };
  }
  const code = typeof answer["error"] === "string" ? `, ${answer["error"].slice(0, 60)}` : "";
  const isRefused = response.status >= 400 && response.status < 500 && response.status !== 429;
  throw new GatewayError({
    kind: isRefused ? "not_configured" : "upstream_unavailable",
    message: `Provider "${name}" could not sign in: its token service answered HTTP ${response.status}${code}. Check its credentials.`,
    cause: text,
  });
}

/** Far beyond any token. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Of what a token service says. Throws where it does not come to an end. */
export async function readAnswer(response: Response): Promise<string> {
  const text = await readCapped(response, MAX_ANSWER_BYTES);
  if (text !== null) return text;
  throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
