// A gateway whose routes are written as an operator writes them, and providers that say who they are. Knows no assertion.

import { readRoute } from "../../src/config/route.ts";
import { type Rig, type Upstream, makeRig } from "../rig.ts";

export const PROVIDERS = ["loopback", "openai", "anthropic", "local"];

interface Routed {
  upstream: Upstream;
  /** By name, each with its fields. */
  routes: Readonly<Record<string, Readonly<Record<string, string>>>>;
  maxAttempts?: number;
  /** Calls that a provider may have under way; 0: as many as there are. */
  atOnce?: number;
  clock?: Parameters<typeof makeRig>[0] extends infer Init ? (Init extends { clock?: infer C } ? C : never) : never;
  crew?: NonNullable<Parameters<typeof makeRig>[0]>["crew"];
}

export function openRouted({ upstream, routes, maxAttempts = 3, atOnce = 0, clock, crew }: Routed): Promise<Rig> {
  const rules = Object.entries(routes).flatMap(([name, fields]) => {
    const read = readRoute(name, new Map(Object.entries(fields)), { providers: PROVIDERS, origin: `test:${name}` });
    if (read.faults.length > 0) throw new Error(JSON.stringify(read.faults));
    return read.rules;
  });
  return makeRig({
    upstream,
    ...(clock === undefined ? {} : { clock }),
    ...(crew === undefined ? {} : { crew }),
    config: (config) => ({
      ...config,
      travel: { ...config.travel, maxAttempts },
      caps: { ...config.caps, perProvider: atOnce },
      routes: rules,
    }),
  });
}

/** As the chat format answers; `over` is laid over the only choice. */
export function say(text: string, over: object = {}): Response {
  return Response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop", ...over }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  });
}

/** As the messages format answers. */
export function sayMessage(text: string, over: object = {}): Response {
  return Response.json({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content: text === "" ? [] : [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5 },
    ...over,
  });
}

export const hostOf = (url: string): string => new URL(url).hostname.split(".")[0] ?? "";
