// A token service as a script: what was asked of it, and the clock by which tokens end. Knows no assertion.

import { type Provider, type ProviderSettings, makeProvider } from "../../src/provider/index.ts";

export interface Asked {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: string;
}

export interface Desk {
  provider: Provider;
  asked: Asked[];
  /** The headers that prove who asks, for a call now. */
  authorize(url?: string): Promise<Record<string, string>>;
  passMs(ms: number): void;
  /** The clock on the wall is set back, and no time passes. */
  setBackMs(ms: number): void;
}

export interface Script {
  answer(asked: Asked, turn: number): Response | Promise<Response>;
  files?: Readonly<Record<string, string>>;
}

export function openDesk(settings: ProviderSettings, { answer, files = {} }: Script): Desk {
  const asked: Asked[] = [];
  let now = 1_700_000_000_000;
  let age = 0;
  const provider = makeProvider(settings, {
    async fetch(url, init) {
      const call = { url, method: init.method, headers: init.headers, body: init.body ?? "" };
      asked.push(call);
      return answer(call, asked.length);
    },
    async readText(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`no file ${path}`);
      return text;
    },
    nowMs: () => now,
    monotonicMs: () => age,
  });
  return {
    provider,
    asked,
    authorize: (url = "https://x.test") =>
      provider.authorize?.({ method: "POST", url, headers: {}, body: "{}" }) ?? Promise.resolve({}),
    passMs(ms) {
      now += ms;
      age += ms;
    },
    setBackMs: (ms) => void (now -= ms),
  };
}

export function giveToken(turn: number, lifeSeconds = 3_600): Response {
  return Response.json({ access_token: `token-${turn}`, expires_in: lifeSeconds, token_type: "Bearer" });
}

/** What is renewed behind everybody's back is there soon. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}
