// The routes that every process of a gateway answers itself: model calls, and what is asked of the one that was reached. Knows no other.

import type { Session, SocketTools } from "../gateway/index.ts";
import { makeDecisionRoutes } from "./admin/decision.ts";
import type { AdminParts } from "./admin/part.ts";
import type { AppParts } from "./app.ts";
import { makeCapabilityRoutes } from "./capability.ts";
import { makeHealthRoutes } from "./health.ts";
import { makeModelRoutes } from "./models.ts";
import { refuseWhile } from "./mount.ts";
import { makeRestRoutes } from "./rest.ts";
import { makeRootRoutes } from "./root.ts";
import type { Route } from "./route.ts";
import { makeSocketRoutes } from "./socket.ts";
import { makeSurface } from "./surface.ts";

interface CallParts extends AdminParts {
  tools: SocketTools;
  scene: SocketTools["scene"];
  calls: Parameters<typeof makeRestRoutes>[1];
  sessions: Set<Session>;
  isDraining: () => boolean;
}

export function makeCallRoutes(parts: AppParts, own: CallParts): Route[] {
  const { tools, scene, calls, sessions, isDraining } = own;
  return [
    ...[
      ...makeSurface(tools, calls),
      ...makeRestRoutes(tools, calls),
      ...makeSocketRoutes(tools, { ...calls, sessions, isDraining }),
    ].map((route) => refuseWhile(isDraining, route)),
    ...makeModelRoutes(scene, Math.floor(parts.clock.wallMs() / 1000)),
    ...makeCapabilityRoutes(scene),
    ...makeRootRoutes(),
    ...makeDecisionRoutes({ ...own, nowMs: parts.clock.wallMs }),
    ...makeStateRoutes(parts, { isDraining, scene }),
  ];
}

function makeStateRoutes(
  { version, commit, crew, ping, ledger, areSumsOdd }: AppParts,
  { isDraining, scene }: { isDraining: () => boolean; scene: SocketTools["scene"] },
): Route[] {
  return makeHealthRoutes({
    version,
    commit,
    isDraining,
    ping,
    countUsableProviders: () => [...scene().providers.values()].filter((provider) => provider.missing === null).length,
    ledgerFault: ledger.fault,
    isFrontSilent: crew?.isSilent,
    areSumsOdd,
  });
}
