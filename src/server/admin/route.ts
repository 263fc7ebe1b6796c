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
  const { way } = decision;
  if (way === null) throw unknownModel(scene, model);
  const [first, ...others] = way.targets;
  const provider = scene.providers.get(first.provider);
  const missing = provider === undefined ? way.missing : provider.missing;
  return {
    model: decision.asked,
    provider: first.provider,
    upstream_model: first.model,
    reason: way.reason,
    ready: provider?.missing === null,
    ...(typeof missing === "string" ? { missing } : {}),
    fallbacks: others.map((each) => ({
      provider: each.provider,
      upstream_model: each.model,
      ready: scene.providers.get(each.provider)?.missing === null,
    })),
    considered: decision.steps,
  };
}
