// What the bench measures, as data. A new scenario is one entry here.

import type { Scenario } from "./type.ts";

const GPT = "gpt-4o-mini";
const CLAUDE = "claude-sonnet-4-5";

const whole = (bytes: number) => ({ kind: "whole", bytes }) as const;
const burst = { kind: "stream", pieces: 200, gapMs: 0 } as const;
/** Fifty tokens a second, as a quick model gives them. */
const paced = { kind: "stream", pieces: 200, gapMs: 20 } as const;
const closed = (connections: number) => ({ kind: "closed", connections }) as const;
/** As many connections as a stall of tens of milliseconds may keep busy. */
const rate = (perSecond: number) => ({ kind: "rate", perSecond, connections: 256 }) as const;
/** All open at once for most of the time, and none in step with another. */
const open = { kind: "once", connections: 500, rampMs: 1_000 } as const;

const CHAT = {
  about: "chat, 1 KB asked and answered",
  client: "openai-chat",
  upstream: "openai-chat",
  model: GPT,
  bytes: 1_000,
  answer: whole(600),
} as const;

/** Who takes part where a scenario does not say. */
export const USUAL_PEERS = ["bun-proxy", "haproxy", "nginx", "portkey", "tokligence"] as const;

/** Portkey's streams fail on some releases of Node. */
const STREAMERS = ["portkey-bun"] as const;

const BOOKS = [
  "bun-proxy",
  "tokligence-no-ledger",
  "tokligence-no-recount",
  "tokligence",
  "tokligence-disk",
  "tokligence-postgres",
  "tokligence-postgres-disk",
] as const;

const TO_ANTHROPIC = { ...CHAT, upstream: "anthropic-messages", model: CLAUDE } as const;
const FROM_ANTHROPIC = { ...CHAT, client: "anthropic-messages" } as const;

export const SCENARIOS = {
  "chat-1k-c1": { ...CHAT, pattern: closed(1) },
  "chat-1k-c32": { ...CHAT, pattern: closed(32) },
  "chat-1k-c512": { ...CHAT, pattern: closed(512) },
  "chat-1k-r500": { ...CHAT, pattern: rate(500) },
  "chat-1k-r2000": { ...CHAT, pattern: rate(2_000) },
  "chat-1k-r5000": { ...CHAT, pattern: rate(5_000) },
  "chat-slow": {
    ...CHAT,
    about: "chat, 1 KB, from a provider that takes 300 ms",
    delayMs: 300,
    pattern: { kind: "rate", perSecond: 500, connections: 512 },
  },
  "chat-10k": {
    ...CHAT,
    about: "chat, 10 KB asked and answered",
    bytes: 10_000,
    answer: whole(9_500),
    pattern: closed(32),
  },
  "agent-200k": {
    ...CHAT,
    about: "coding agent: 200 KB of tools and turns asked, 2 KB answered",
    client: "openai-agent",
    upstream: "openai-agent",
    bytes: 200_000,
    answer: whole(2_000),
    pattern: closed(32),
  },
  "sse-burst": {
    ...CHAT,
    about: "chat, 200 events as fast as they go",
    answer: burst,
    pattern: closed(32),
    also: STREAMERS,
  },
  "sse-paced": {
    ...CHAT,
    about: "chat, 500 open streams of 200 events, 50 a second each",
    answer: paced,
    pattern: open,
    also: STREAMERS,
  },
  embeddings: {
    ...CHAT,
    about: "embeddings, 32 texts asked, 32 × 1,536 numbers answered",
    client: "openai-embeddings",
    upstream: "openai-embeddings",
    model: "text-embedding-3-small",
    bytes: 6_000,
    pattern: closed(32),
  },
  "to-anthropic": { ...TO_ANTHROPIC, about: "OpenAI chat asked of Anthropic, 1 KB", pattern: closed(32) },
  "to-anthropic-sse": {
    ...TO_ANTHROPIC,
    about: "OpenAI chat asked of Anthropic, 200 events",
    answer: burst,
    pattern: closed(32),
  },
  "from-anthropic": { ...FROM_ANTHROPIC, about: "Anthropic Messages asked of OpenAI, 1 KB", pattern: closed(32) },
  "from-anthropic-sse": {
    ...FROM_ANTHROPIC,
    about: "Anthropic Messages asked of OpenAI, 200 events",
    answer: burst,
    pattern: closed(32),
  },
  loopback: {
    ...CHAT,
    about: "chat, 1 KB, answered by the gateway's own echo",
    upstream: "loopback",
    model: "loopback",
    pattern: closed(32),
    peers: ["tokligence"],
  },
  "messages-1k": {
    ...CHAT,
    about: "Anthropic Messages, 1 KB",
    client: "anthropic-messages",
    upstream: "anthropic-messages",
    model: CLAUDE,
    pattern: closed(32),
  },
  "responses-1k": {
    ...CHAT,
    about: "OpenAI Responses, 1 KB",
    client: "openai-responses",
    upstream: "openai-responses",
    pattern: closed(32),
  },
  "gemini-1k": {
    ...CHAT,
    about: "Gemini generateContent, 1 KB",
    client: "gemini",
    upstream: "gemini",
    model: "gemini-2.5-flash",
    pattern: closed(32),
  },
  "ledger-c1": { ...CHAT, about: "what the books cost: chat, 1 KB", pattern: closed(1), peers: BOOKS },
  "ledger-c32": { ...CHAT, about: "what the books cost: chat, 1 KB", pattern: closed(32), peers: BOOKS },
  "ledger-r2000": { ...CHAT, about: "what the books cost: chat, 1 KB", pattern: rate(2_000), peers: BOOKS },
} as const satisfies Record<string, Scenario>;

export type ScenarioId = keyof typeof SCENARIOS;

/** What shows most in little time. */
export const QUICK: readonly ScenarioId[] = [
  "chat-1k-c1",
  "chat-1k-c32",
  "chat-1k-r2000",
  "agent-200k",
  "sse-burst",
  "to-anthropic",
];

/** Of a run without a word of which: all but what says much the same as another. */
export const USUAL: readonly ScenarioId[] = (Object.keys(SCENARIOS) as ScenarioId[]).filter(
  (id) => !["chat-slow", "gemini-1k", "ledger-c1", "messages-1k", "responses-1k"].includes(id),
);

/** By their names, or how several begin: `chat-1k` is all of `chat-1k-…`. Throws where there is none. */
export function findScenarios(names: readonly string[]): ScenarioId[] {
  const all = Object.keys(SCENARIOS) as ScenarioId[];
  return names.flatMap((name) => {
    const found = all.filter((id) => id === name || id.startsWith(`${name}-`));
    if (found.length === 0) throw new Error(`There is no scenario ${name}. There are: ${all.join(", ")}`);
    return found;
  });
}
