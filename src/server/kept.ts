// The addresses of kept answers, of every format that has them. Each looks at the caller's own alone. Knows no format.

import {
  type GatewayTools,
  type KeptRequest,
  cancelAnswer,
  isStream,
  listInput,
  removeAnswer,
  showAnswer,
} from "../gateway/index.ts";
import type { Caller } from "../identity/index.ts";
import { KEEPING, type Wire, type WireMemory } from "../wire/index.ts";
import type { GuardedRoute, RouteContext } from "./route.ts";

type Context = RouteContext & { caller: Caller };

const authority = { anyOf: ["inference:chat"] } as const;

export function makeKeptRoutes(tools: GatewayTools): GuardedRoute[] {
  return KEEPING.flatMap((wire) => listRoutes(wire, tools));
}

function listRoutes(wire: Wire & { memory: WireMemory }, tools: GatewayTools): GuardedRoute[] {
  const path = `${wire.memory.path}/:id`;
  const every = { authority, entry: "calls responses", wireOf: () => wire } as const;
  const read = (context: Context): KeptRequest => ({
    wire,
    id: context.params["id"] ?? "",
    caller: context.caller,
    requestId: context.requestId,
    query: context.query,
    signal: context.request.signal,
    letGo: context.letGo,
  });
  /** What its provider may be asked for. */
  const waitFor = async (context: Context, work: (request: KeptRequest) => Promise<Response>): Promise<Response> => {
    context.keepOpen();
    const answer = await work(read(context));
    if (!isStream(answer.headers)) context.letGo();
    return answer;
  };
  return [
    {
      ...every,
      method: "GET",
      path,
      handle: (context) => waitFor(context, (request) => showAnswer(request, tools)),
    },
    {
      ...every,
      method: "DELETE",
      path,
      handle: (context) => waitFor(context, async (request) => Response.json(await removeAnswer(request, tools))),
    },
    {
      ...every,
      method: "GET",
      path: `${path}/input_items`,
      handle: async (context) => Response.json(await listInput(read(context), tools)),
    },
    {
      ...every,
      method: "POST",
      path: `${path}/cancel`,
      handle: (context) => waitFor(context, async (request) => Response.json(await cancelAnswer(request, tools))),
    },
  ];
}
