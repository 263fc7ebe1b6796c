// Why a model goes where it goes: the routing decision with every rule that had a say.

import type { Scene } from "../../gateway/index.ts";
import { unknownModel } from "../../gateway/index.ts";
import { invalidRequest } from "../../ir/index.ts";
import type { GuardedRoute } from "../route.ts";

export function makeRouteRoutes(scene: () => Scene): GuardedRoute[] {
  return [
    {
      method: "GET",
      path: "/api/v1/admin/route",
      authority: { anyOf: ["routes:read"] },
      handle({ query }) {
        const model = query.get("model") ?? "";
        if (model === "") throw invalidRequest("Say which model: ?model=NAME.", "model");
        return Response.json(explainRoute(scene(), model));
      },
    },
  ];
}

export interface RouteExplanation {
  model: string;
  provider: string;
  upstream_model: string;
  reason: string;
  /** False where a setting is missing; `missing` then says which. */
  ready: boolean;
  missing?: string;
  /** Who is asked where that one cannot answer, in this order. */
  fallbacks: { provider: string; upstream_model: string; ready: boolean }[];
  considered: { rule: string; origin: string; outcome: string }[];
}

/** Throws not_found, with near names, where no rule matches. */
export function explainRoute(scene: Scene, model: string): RouteExplanation {
  const decision = scene.router.explain(model);
  if (decision.target === null) throw unknownModel(scene, model);
  const provider = scene.providers.get(decision.target.provider);
  const missing = provider === undefined ? decision.target.missing : provider.missing;
  return {
    model: decision.asked,
    provider: decision.target.provider,
    upstream_model: decision.target.model,
    reason: decision.target.reason,
    ready: provider?.missing === null,
    ...(typeof missing === "string" ? { missing } : {}),
    fallbacks: (decision.target.fallbacks ?? []).map((each) => ({
      provider: each.provider,
      upstream_model: each.model,
      ready: scene.providers.get(each.provider)?.missing === null,
    })),
    considered: decision.steps,
  };
}
