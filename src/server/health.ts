// Is it alive, can it work, which version is it: open to everyone, and none of it calls a provider.

import type { PublicRoute } from "./route.ts";

export interface HealthParts {
  version: string;
  commit: string;
  isDraining: () => boolean;
  /** Rejects where the database does not answer. */
  ping: () => Promise<void>;
  /** How many providers could be called. */
  countUsableProviders: () => number;
  /** Why the books cannot be written; null while they can. */
  ledgerFault: () => Error | null;
  /** Whether the process in front of several hangs; missing where there is none. */
  isFrontSilent?: (() => boolean) | undefined;
  /** Whether sums of the books were damaged: no call is held up by that. Missing where another process reads them. */
  areSumsOdd?: (() => boolean) | undefined;
}

export function makeHealthRoutes(parts: HealthParts): PublicRoute[] {
  const live = (): Response => Response.json({ status: "ok" });
  const ready = async (): Promise<Response> => {
    const checks = {
      database: await check(parts.ping),
      draining: parts.isDraining() ? "failed" : "ok",
      ...(parts.isFrontSilent === undefined ? {} : { front: parts.isFrontSilent() ? "failed" : "ok" }),
      ledger: parts.ledgerFault() === null ? "ok" : "failed",
      providers: parts.countUsableProviders() > 0 ? "ok" : "failed",
    };
    const isReady = Object.values(checks).every((result) => result === "ok");
    const told = parts.areSumsOdd?.() === true ? { ...checks, sums: "damaged" } : checks;
    return Response.json({ status: isReady ? "ready" : "unavailable", checks: told }, { status: isReady ? 200 : 503 });
  };
  const version = (): Response => Response.json({ version: parts.version, commit: parts.commit });
  return [
    { method: "GET", path: "/health", authority: "public", handle: live },
    { method: "GET", path: "/healthz", authority: "public", handle: live },
    { method: "GET", path: "/health/live", authority: "public", handle: live },
    { method: "GET", path: "/health/liveliness", authority: "public", handle: live },
    { method: "GET", path: "/health/ready", authority: "public", handle: ready },
    { method: "GET", path: "/health/readiness", authority: "public", handle: ready },
    { method: "GET", path: "/version", authority: "public", handle: version },
  ];
}

async function check(probe: () => Promise<void>): Promise<"failed" | "ok"> {
  try {
    await probe();
    return "ok";
  } catch {
    return "failed";
  }
}
