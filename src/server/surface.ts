// Mounts every wire's paths: from an HTTP request to the gateway's Call. Knows no format beyond its table entry.

import type { Scope } from "../identity/index.ts";
import { type GatewayTools, handleReusable, isStream } from "../gateway/index.ts";
import { PLAIN_ADDRESS, WIRES, type Wire } from "../wire/index.ts";
import { readText } from "./request.ts";
import type { GuardedRoute, RouteContext } from "./route.ts";

const SCOPES = {
  chat: "inference:chat",
  compact: "inference:chat",
  count: "inference:chat",
  embeddings: "inference:embeddings",
} as const satisfies Record<Wire["operation"], Scope>;

export function makeSurface(
  tools: GatewayTools,
  options: { maxBodyBytes: () => number; newId: () => string },
): GuardedRoute[] {
  const routes: GuardedRoute[] = [];
  for (const wire of Object.values<Wire>(WIRES)) {
    for (const path of wire.paths) {
      routes.push({
        method: "POST",
        path,
        authority: { anyOf: [SCOPES[wire.operation]] },
        entry: `calls ${wire.operation}`,
        wire,
        async handle(context) {
          const { request, requestId, caller, keepOpen, letGo, params } = context;
          const model = params["model"];
          const query = pickQuery(wire, context);
          const answer = await handleReusable(
            {
              id: options.newId(),
              requestId,
              wire,
              address: {
                ...(model === undefined ? PLAIN_ADDRESS : { model, stream: wire.address?.(path).stream ?? null }),
                ...(query === "" ? {} : { query }),
              },
              framing: model !== undefined && context.query.get("alt") !== "sse" ? "json-array" : "sse",
              caller,
              headers: request.headers,
              signal: request.signal,
              letGo,
              startedWallMs: tools.clock.wallMs(),
              startedMs: tools.clock.monotonicMs(),
              async read() {
                const text = await readText(request, options.maxBodyBytes());
                // From here on it is the upstream that is waited for; a client that sends its body slowly stays under the server's limit.
                keepOpen();
                return text;
              },
            },
            tools,
          );
          if (!isStream(answer.headers)) letGo();
          return answer;
        },
      });
    }
  }
  return routes;
}

/** What of the query is said in the wire's format. */
function pickQuery({ query: names }: Wire, context: Pick<RouteContext, "query" | "request">): string {
  if (names === undefined || !context.request.url.includes("?")) return "";
  const said = [...context.query].filter(([name]) => names.includes(name));
  return said.length === 0 ? "" : `?${new URLSearchParams(said).toString()}`;
}
