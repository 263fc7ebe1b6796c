// The root of the server: clients probe it, with HEAD above all, before they say anything. Tells nothing but that somebody is here.

import type { PublicRoute } from "./route.ts";

export function makeRootRoutes(): PublicRoute[] {
  const handle = (): Response => Response.json({ service: "tokligence", status: "ok" });
  return ["/", "/api/hello"].map((path) => ({ method: "GET", path, authority: "public", handle }));
}
