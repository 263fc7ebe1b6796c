// What the reference says of routes that are made from the tables of formats and families: their bodies are the vendors', who describe them best.

import { z } from "zod";
import type { About } from "../about.ts";
import type { Route } from "../route.ts";
import { findVendorPage } from "../../wire/index.ts";

const CALLS = {
  audio: "Speech, transcriptions and translations",
  batches: "Batches of calls",
  chat: "Chat",
  compact: "Chat: what was said so far, made short",
  completions: "Text completions",
  containers: "Containers and their files",
  conversations: "Conversations that a provider keeps",
  count: "Count the tokens of a chat call",
  embeddings: "Embeddings",
  files: "Files that a provider keeps",
  fine_tuning: "Fine-tuning",
  images: "Pictures made, edited and varied",
  message_batches: "Batches of messages",
  models: "Models",
  moderations: "Moderations",
  passthrough: "Anything that a provider offers, as it is",
  realtime: "Realtime sessions, by WebSocket",
  rerank: "Documents put in order",
  responses: "Kept answers",
  uploads: "Uploads in parts",
  vector_stores: "Vector stores",
  videos: "Videos",
} as const satisfies Record<string, string>;

const OTHERS: Readonly<Record<string, string>> = {
  "/": "Say that somebody is here",
  "/docs": "This reference, as a page",
  "/health": "Say that it is alive",
  "/health/live": "Say that it is alive",
  "/health/ready": "Say whether it can work, and what is in the way",
  "/metrics": "Metrics, for Prometheus",
  "/openapi.json": "This reference, as OpenAPI",
  "/ui/": "The page on which people sign in",
  "/v1/capabilities": "Say what each provider can be asked through each format",
  "/version": "Say which version it is",
};

const OPEN = z.looseObject({});

/** Null for what is no part of the reference, such as other names of the same and files of pages. */
export function describeCall({ method, path, entry, ...route }: Route): About | null {
  if (entry === undefined) {
    const summary = OTHERS[path];
    return summary === undefined
      ? null
      : { summary, tag: "Gateway", answer: chooseAnswer(path), status: listStatus(path) };
  }
  const name = entry.slice("calls ".length);
  const isKnown = Object.hasOwn(CALLS, name);
  const reference = findVendorPage("wire" in route && route.wire !== undefined ? route.wire.id : name);
  return {
    summary: isKnown ? CALLS[name as keyof typeof CALLS] : name,
    tag: "Model calls",
    ...(reference === null ? {} : { more: `As the vendor describes it: ${reference}` }),
    ...(method === "GET" || method === "DELETE" || method === "OPTIONS" ? {} : { body: OPEN.optional() }),
    answer: OPEN,
  };
}

function chooseAnswer(path: string): About["answer"] {
  if (path === "/docs" || path === "/ui/") return { media: ["text/html"] };
  return path === "/metrics" ? { media: ["text/plain"] } : OPEN;
}

function listStatus(path: string): [number, ...number[]] {
  return path === "/health/ready" ? [200, 503] : [200];
}
