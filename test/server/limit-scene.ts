// A gateway under rate limits, and a provider whose answers the test holds back: for tests of limits. Judges nothing.

import { afterEach, setSystemTime } from "bun:test";
import type { Limit } from "../../src/gateway/index.ts";
import { type Rig, type UpstreamCall, makeRig, readJson } from "../rig.ts";

/** An answer of so many tokens to a chat. */
export function answerChat(input = 9, output = 3): Response {
  return Response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o",
    choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
    usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
  });
}

export const ASK = { model: "gpt-4o", max_tokens: 50, messages: [{ role: "user", content: "Hi" }] };

export interface Held {
  call: UpstreamCall;
  answer(response?: Response): void;
  fail(): void;
}

export interface LimitRig extends Rig {
  admin: string;
  /** Calls that wait for the test to answer them, oldest first. */
  held: Held[];
  /** Resolves once so many have come. */
  until(count: number): Promise<void>;
  set(name: string, limit: Record<string, unknown>, headers?: Record<string, string>): Promise<Response>;
  /** As it is shown to administrators. */
  look(name: string): Promise<ReturnType<typeof JSON.parse>>;
}

const rigs: Rig[] = [];
afterEach(async () => {
  setSystemTime();
  for (const rig of rigs.splice(0)) await rig.close();
});

export function declare(name: string, limit: Partial<Limit>): Rig["config"]["limits"][number] {
  const none = { requests: null, tokens: null, slots: null, key: null, user: null, model: null, provider: null };
  return { limit: { ...none, name, per: [], ...limit }, origin: "test" };
}

interface Init extends NonNullable<Parameters<typeof makeRig>[0]> {
  limits?: Record<string, Partial<Limit>>;
  /** Answers wait for the test. */
  holds?: boolean;
}

export async function openLimited({ limits = {}, holds = false, ...init }: Init = {}): Promise<LimitRig> {
  const held: Held[] = [];
  const hold = (call: UpstreamCall): Promise<Response> =>
    new Promise((resolve, reject) => {
      call.signal.addEventListener("abort", () => reject(new Error("aborted")));
      held.push({
        call,
        answer: (response = answerChat()) => resolve(response),
        fail: () => reject(new Error("connection reset")),
      });
    });
  const rig = await makeRig({
    upstream: (call) => (call.method === "GET" ? Response.json({ data: [] }) : holds ? hold(call) : answerChat()),
    ...init,
    config: (config) => {
      const own = init.config?.(config) ?? config;
      return { ...own, limits: Object.entries(limits).map(([name, limit]) => declare(name, limit)) };
    },
  });
  rigs.push(rig);
  const { token: admin } = await rig.issue("gateway_admin");
  return {
    ...rig,
    admin,
    held,
    async until(count) {
      while (held.length < count) await new Promise(setImmediate);
    },
    set: (name, body, headers = {}) =>
      rig.send(`/api/v1/admin/limits/${name}`, { method: "PUT", body, token: admin, headers }),
    async look(name) {
      return (await readJson(await rig.send(`/api/v1/admin/limits/${name}`, { token: admin }))).limit;
    },
  };
}

/** The process's own clock, which the counters go by, so much later. */
export function later(ms: number): void {
  setSystemTime(new Date(Date.now() + ms));
}

export async function settle(): Promise<void> {
  for (let round = 0; round < 30; round++) await new Promise(setImmediate);
}
