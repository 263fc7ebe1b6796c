// How the providers are doing, by HTTP, and what an operator may do about it. The rules are the fleet's; here are only addresses and shapes.

import { z } from "zod";
import type { PlaceName } from "../../gateway/index.ts";
import type { Caller } from "../../identity/index.ts";
import { GatewayError, invalidRequest } from "../../ir/index.ts";
import type { Provider } from "../../provider/index.ts";
import type { Health } from "../fleet.ts";
import { reportHealth, reportProvider } from "../health-report.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { originOf } from "./part.ts";
import type { Scene } from "../../gateway/index.ts";
import type { Clock } from "../../lib/clock.ts";
import { type About } from "../about.ts";
import { PROVIDER_HEALTH } from "../shape/way.ts";

const ABOUT_BODY = z.strictObject({
  model: z.string().min(1).max(200).nullable().optional(),
  key: z.string().min(1).nullable().optional(),
});

interface HealthParts {
  health: Health;
  /** What other processes of this gateway found out is looked at first. */
  look: () => Promise<void>;
  scene: () => Scene;
  clock: Clock;
  limit: () => number;
}

const ACTIONS = ["disable", "drain", "enable", "reset"] as const;

const tag = "Providers";
const ACT = { tag, body: ABOUT_BODY, answer: z.object({ provider: PROVIDER_HEALTH }), errors: [404] } as const;
const ABOUT = {
  disable: { ...ACT, summary: "Ask a provider, a key or a model nothing any more" },
  drain: { ...ACT, summary: "Give it nothing new, and let what runs come to its end" },
  enable: { ...ACT, summary: "Ask it again" },
  list: {
    tag,
    summary: "Show how all providers are doing",
    answer: z.object({ shared: z.unknown(), providers: z.array(PROVIDER_HEALTH) }),
  },
  reset: { ...ACT, summary: "Forget what was bad of it" },
} as const satisfies Record<string, About>;

export function makeProviderHealthRoutes(parts: HealthParts): GuardedRoute[] {
  const { health, scene, clock, limit, look } = parts;
  const report = () => ({ ...health, clock, scene: scene() });
  const list: GuardedRoute = {
    method: "GET",
    path: "/api/v1/admin/health/providers",
    authority: { anyOf: ["routes:read", "metrics:read"] },
    about: ABOUT.list,
    async handle() {
      await look();
      return Response.json({ shared: health.sharing(), providers: reportHealth(report()) });
    },
  };
  return [
    list,
    ...ACTIONS.map((action): GuardedRoute => ({
      method: "POST",
      path: `/api/v1/admin/health/providers/:provider/${action}`,
      authority: { anyOf: ["providers:write"] },
      about: ABOUT[action],
      async handle({ request, params, caller }) {
        const provider = findProvider(scene(), params["provider"] ?? "");
        const body = await readJson(request, limit(), ABOUT_BODY);
        const name = nameAbout(provider, body);
        await act(action, { name, caller, health, atMs: clock.wallMs() });
        await look();
        const places = health.fleet.list().filter((place) => place.provider === provider.name);
        return Response.json({ provider: reportProvider(provider, places, report()) });
      },
    })),
  ];
}

async function act(
  action: (typeof ACTIONS)[number],
  { name, caller, health, atMs }: { name: PlaceName; caller: Caller; health: Health; atMs: number },
): Promise<void> {
  const by = originOf(caller);
  switch (action) {
    case "disable":
    case "drain":
      return health.take({ ...name, action, sinceMs: atMs, by: caller.userId }, by);
    case "enable":
      return health.enable(name, by);
    case "reset":
      return health.reset(name, by);
    default:
      action satisfies never;
  }
}

function findProvider({ providers }: Scene, written: string): Provider {
  const provider = providers.get(written.toLowerCase());
  if (provider !== undefined) return provider;
  throw new GatewayError({
    kind: "not_found",
    code: "unknown_provider",
    message: `There is no provider "${written.slice(0, 100)}" here: ${[...providers.keys()].join(", ")}.`,
  });
}

function nameAbout(provider: Provider, { model = null, key = null }: z.output<typeof ABOUT_BODY>): PlaceName {
  const labels = provider.pool?.map((each) => each.provider.account) ?? [];
  if (key !== null && !labels.includes(key.toLowerCase())) {
    const known = labels.length === 0 ? "it has no named keys" : `it has ${labels.join(", ")}`;
    throw invalidRequest(`Provider "${provider.name}" has no key named "${key.slice(0, 100)}" (${known}).`, "key");
  }
  return { provider: provider.name, account: key === null ? null : key.toLowerCase(), model };
}
