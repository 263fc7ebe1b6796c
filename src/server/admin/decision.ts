// Why a model goes where it goes, by HTTP: for a name alone, or for a whole request that is not made.

import { z } from "zod";
import type { Scene } from "../../gateway/index.ts";
import { type Caller, type Directory, limitsOf } from "../../identity/index.ts";
import { type JsonObject, invalidRequest, toGatewayError } from "../../ir/index.ts";
import { readDryRun } from "../dry-run.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { type ExplainParts, explainRoute } from "../route-explain.ts";
import { type About } from "../about.ts";
import { DECISION } from "../shape/way.ts";

interface DecisionParts {
  scene: () => Scene;
  tools: ExplainParts["tools"];
  directory: Pick<Directory, "getKey">;
  limit: () => number;
  nowMs: () => number;
}

const QUESTION = z.strictObject({
  model: z.string().optional(),
  endpoint: z.string().default("/v1/chat/completions"),
  body: z.record(z.string(), z.unknown()),
  headers: z.record(z.string(), z.string()).default({}),
  /** In whose name: e-mail address or id, and the key's id; unset: whoever asks. */
  user: z.string().optional(),
  key: z.string().optional(),
  at: z.iso.datetime({ offset: true }).optional(),
});

const tag = "Routes";
const ABOUT = {
  ask: {
    tag,
    summary: "Say where a model goes, and why",
    query: z.object({ model: z.string() }),
    answer: DECISION,
    errors: [404],
  },
  try: {
    tag,
    summary: "Say where a whole request would go, and why",
    more: "It is not made.",
    body: QUESTION,
    answer: DECISION,
    errors: [404],
  },
} as const satisfies Record<string, About>;

export function makeDecisionRoutes({ scene, tools, directory, limit, nowMs }: DecisionParts): GuardedRoute[] {
  const authority = { anyOf: ["routes:read", "routes:write"] } as const;
  const path = "/api/v1/admin/route";
  return [
    {
      method: "GET",
      path,
      authority,
      about: ABOUT.ask,
      handle({ query }) {
        const model = query.get("model") ?? "";
        if (model === "") throw invalidRequest("Say which model: ?model=NAME.", "model");
        return Response.json(explainRoute({ scene: scene(), tools }, model));
      },
    },
    {
      method: "POST",
      path,
      authority,
      about: ABOUT.try,
      async handle({ request, caller }) {
        const { model, endpoint, body, headers, user, key, at } = await readJson(request, limit(), QUESTION);
        const run = readDryRun({
          endpoint,
          body: body as JsonObject,
          model,
          headers,
          caller: {
            email: user ?? caller.email,
            userId: user ?? caller.userId,
            keyId: key ?? caller.keyId,
            ...(key === undefined ? pickLimits(caller) : await readLimits(directory, key)),
          },
          atMs: at === undefined ? nowMs() : Date.parse(at),
        });
        return Response.json(explainRoute({ scene: scene(), tools }, run.asked.peek.model, run));
      },
    },
  ];
}

function pickLimits({ limits, tags }: Pick<Caller, "limits" | "tags">) {
  return { limits, tags };
}

/** Rules may name keys that are not there (any more): such a one is limited to nothing. */
async function readLimits(directory: Pick<Directory, "getKey">, id: string): Promise<Pick<Caller, "limits" | "tags">> {
  try {
    const key = await directory.getKey(id);
    return { limits: limitsOf(key), tags: key.tags.length === 0 ? null : key.tags };
  } catch (error) {
    if (toGatewayError(error).kind !== "not_found") throw error;
    return { limits: null, tags: null };
  }
}
