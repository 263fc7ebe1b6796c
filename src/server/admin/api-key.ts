// API keys by HTTP. The token stands in the answer to its creation and nowhere else.

import { z } from "zod";
import { printKey } from "../../identity/index.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { type AdminParts, actorOf } from "./part.ts";
import { NEW_KEY, readNewKey, refuseWider } from "./new-key.ts";

const ROTATION = z.strictObject({ overlap_seconds: z.number().min(0).max(31_536_000).optional() });

export function makeApiKeyRoutes({ directory, limit, changed }: AdminParts): GuardedRoute[] {
  const authority = { anyOf: ["keys:manage"] } as const;
  return [
    {
      method: "GET",
      path: "/api/v1/admin/users/:id/api-keys",
      authority,
      async handle({ params }) {
        const keys = await directory.listKeys(params["id"] ?? "");
        return Response.json({ api_keys: keys.map(printKey) });
      },
    },
    {
      method: "POST",
      path: "/api/v1/admin/users/:id/api-keys",
      authority,
      async handle({ request, params, caller }) {
        const body = await readJson(request, limit(), NEW_KEY);
        refuseWider(caller, body.scopes ?? []);
        const issued = await directory.createKey(actorOf(caller), params["id"] ?? "", readNewKey(body));
        await changed();
        return Response.json({ token: issued.token, api_key: printKey(issued.key) }, { status: 201 });
      },
    },
    {
      method: "POST",
      path: "/api/v1/admin/api-keys/:id/rotate",
      authority,
      async handle({ request, params, caller }) {
        const body = await readJson(request, limit(), ROTATION);
        refuseWider(caller, (await directory.getKey(params["id"] ?? "")).scopes);
        const options = { overlapMs: (body.overlap_seconds ?? 0) * 1000 };
        const issued = await directory.rotateKey(actorOf(caller), params["id"] ?? "", options);
        await changed();
        return Response.json({ token: issued.token, api_key: printKey(issued.key) }, { status: 201 });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/admin/api-keys/:id",
      authority,
      async handle({ params, caller }) {
        await directory.deleteKey(actorOf(caller), params["id"] ?? "", { hard: false });
        await changed();
        return new Response(null, { status: 204 });
      },
    },
  ];
}
