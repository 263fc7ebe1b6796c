// Mounts what is only forwarded: from an HTTP request to the gateway's RestCall. Knows no family beyond its table entry.

import { type Arrival, type GatewayTools, handleNamed, handlePassthrough } from "../gateway/index.ts";
import type { Caller, Scope } from "../identity/index.ts";
import { GatewayError } from "../ir/index.ts";
import { type RestFamily, type Wire, guessWire, guessWireAt, listAddresses, sharesRest } from "../wire/index.ts";
import { readText, readUrl } from "./request.ts";
import { type GuardedRoute, METHODS, type RouteContext } from "./route.ts";

const SCOPES = {
  audio: "inference:audio",
  batches: "batches",
  completions: "inference:completions",
  containers: "containers",
  conversations: "conversations",
  files: "files",
  fine_tuning: "fine_tuning",
  images: "inference:images",
  message_batches: "batches",
  moderations: "inference:moderations",
  realtime: "inference:realtime",
  rerank: "inference:rerank",
  responses: "inference:chat",
  uploads: "files",
  vector_stores: "vector_stores",
  videos: "inference:videos",
} as const satisfies Record<RestFamily, Scope>;

interface RestOptions {
  maxBodyBytes: () => number;
  /** Where people reach the gateway, as the operator says; null: where they asked. */
  publicUrl: () => string | null;
  newId: () => string;
}

export function makeRestRoutes(tools: GatewayTools, options: RestOptions): GuardedRoute[] {
  const own = listAddresses().map(({ family, method, path, isBelow, locate }): GuardedRoute => ({
    method,
    path: isBelow ? `${path}/:id{.+}` : path,
    authority: { anyOf: [SCOPES[family]] },
    entry: `calls ${family}`,
    wireOf: ({ headers }) => guessWireAt(path, headers),
    handle(context) {
      const place = locate(requireSpelled(context.path, path).slice(path.length));
      const dialect = guessWireAt(path, context.request.headers);
      requireShared(dialect, context);
      return handleNamed({ ...arrive(context, tools, options), dialect, place }, tools);
    },
  }));
  const passthrough = METHODS.map((method): GuardedRoute => ({
    method,
    path: "/passthrough/:provider/:id{.+}",
    authority: { anyOf: ["passthrough"] },
    entry: "calls passthrough",
    wireOf: ({ headers }) => guessWire(headers),
    handle(context) {
      const provider = context.params["provider"] ?? "";
      requireSpelled(context.path, `${PASSTHROUGH}${provider}/`);
      const start = context.path.indexOf("/", PASSTHROUGH.length);
      const dialect = guessWire(context.request.headers);
      const path = context.path.slice(start);
      return handlePassthrough({ ...arrive(context, tools, options), dialect, provider, path }, tools);
    },
  }));
  return [...own, ...passthrough];
}

const PASSTHROUGH = "/passthrough/";

/** Throws not_found where the client means its own format's objects, of which nothing is kept here. */
function requireShared(dialect: Wire, { request, path }: Pick<RouteContext, "path" | "request">): void {
  if (sharesRest(dialect)) return;
  throw new GatewayError({
    kind: "not_found",
    code: "unknown_url",
    message: `${request.method} ${path} is another format's address. For what your client means by it, set its base URL to this gateway's ${PASSTHROUGH}{provider}.`,
  });
}

/** What is looked up decoded is read as it was sent: the two must not differ in what says whose it is. */
function requireSpelled(path: string, start: string): string {
  if (path.startsWith(start)) return path;
  throw new GatewayError({
    kind: "not_found",
    code: "unknown_url",
    message: `Write the beginning of the address as it is, without %: ${start}`,
  });
}

function arrive(
  { request, requestId, caller, query, keepOpen, letGo }: RouteContext & { caller: Caller },
  { clock }: GatewayTools,
  { newId, maxBodyBytes, publicUrl }: RestOptions,
): Omit<Arrival, "dialect"> {
  return {
    id: newId(),
    requestId,
    caller,
    headers: request.headers,
    signal: request.signal,
    startedWallMs: clock.wallMs(),
    startedMs: clock.monotonicMs(),
    method: request.method,
    query,
    // A proxy that speaks https for us, or passes another name on, leads nobody back by what it says.
    origin: publicUrl() ?? readUrl(request).origin,
    body: request.body,
    maxBodyBytes: maxBodyBytes(),
    readText: () => readText(request, maxBodyBytes()),
    keepOpen,
    letGo,
  };
}
