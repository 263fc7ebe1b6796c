// API keys by HTTP. The token stands in the answer to its creation and nowhere else.

import { z } from "zod";
import { type Caller, SCOPES, type Scope, allows, printKey } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import { readJson } from "../request.ts";
import type { GuardedRoute } from "../route.ts";
import { type AdminParts, actorOf } from "./part.ts";

const NEW_KEY = z.strictObject({
  name: z.string().optional(),
  scopes: z.array(z.string()).nullable().optional(),
  strict: z.boolean().optional(),
  expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
});
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
        const issued = await directory.createKey(actorOf(caller), params["id"] ?? "", {
          name: body.name,
          scopes: body.scopes ?? undefined,
          strict: body.strict,
          expiresAt: typeof body.expires_at === "string" ? new Date(body.expires_at) : undefined,
        });
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

/** A key that is itself limited hands on no more than it has: none without scopes, and none beyond its own. */
function refuseWider(caller: Caller, scopes: readonly string[]): void {
  if (caller.scopes.length === 0) return;
  const beyond = scopes.filter((scope) => isScope(scope) && !allows(caller, scope));
  if (scopes.length > 0 && beyond.length === 0) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "scope_not_held",
    param: "scopes",
    message:
      scopes.length === 0
        ? "This API key is limited to scopes, so the keys that it issues must be, too. Name them in scopes."
        : `This API key may not hand on the scope ${beyond.join(", ")}, as it does not have it.`,
  });
}

function isScope(scope: string): scope is Scope {
  return Object.hasOwn(SCOPES, scope);
}
