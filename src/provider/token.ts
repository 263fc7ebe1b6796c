// Tokens that a provider's sign-in gives for a while: kept until shortly before they end, and fetched once for all who wait.
// Knows no vendor; whoever uses it says where and with what.

import { GatewayError, isJsonObject } from "../ir/index.ts";
import type { ProviderTools } from "./kind.ts";

export interface Token {
  value: string;
  lifeMs: number;
}

/** So long before its end a token is fetched anew; until its end the old one serves where that fails. */
const MARGIN_MS = 300_000;

/** The token of now. Rejects with what `fetchToken` rejects with; a failure is not remembered. */
export function keepToken(nowMs: () => number, fetchToken: () => Promise<Token>): () => Promise<string> {
  let kept: { value: string; endMs: number; renewMs: number } | null = null;
  let coming: Promise<string> | null = null;
  const renew = async (): Promise<string> => {
    try {
      const { value, lifeMs } = await fetchToken();
      kept = { value, endMs: nowMs() + lifeMs, renewMs: nowMs() + lifeMs - Math.min(MARGIN_MS, lifeMs / 2) };
      return value;
    } catch (error) {
      if (kept !== null && nowMs() < kept.endMs) return kept.value;
      throw error;
    } finally {
      coming = null;
    }
  };
  return () => {
    if (kept !== null && nowMs() < kept.renewMs) return Promise.resolve(kept.value);
    coming ??= renew();
    return coming;
  };
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
    text = await response.text();
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

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}
