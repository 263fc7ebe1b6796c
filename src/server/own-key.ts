// One's own API keys: listed, made and revoked by whoever owns them, at the console or by a key that may.

import { GatewayError } from "../ir/index.ts";
import { printKey } from "../identity/index.ts";
import { NEW_KEY, readNewKey, refuseWider } from "./admin/new-key.ts";
import { type AdminParts, actorOf } from "./admin/part.ts";
import { readJson } from "./request.ts";
import type { GuardedRoute } from "./route.ts";

export function makeOwnKeyRoutes({ directory, limit, changed }: AdminParts): GuardedRoute[] {
  const authority = { anyOf: ["keys:own"] } as const;
  return [
    {
      method: "GET",
      path: "/api/v1/api-keys",
      authority,
      handle: async ({ caller }) =>
        Response.json({ api_keys: (await directory.listKeys(caller.userId)).map(printKey) }),
    },
    {
      method: "POST",
      path: "/api/v1/api-keys",
      authority,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), NEW_KEY);
        refuseWider(caller, body.scopes ?? []);
        const issued = await directory.createKey(actorOf(caller), caller.userId, readNewKey(body));
        await changed();
        return Response.json({ token: issued.token, api_key: printKey(issued.key) }, { status: 201 });
      },
    },
    {
      method: "DELETE",
      path: "/api/v1/api-keys/:id",
      authority,
      async handle({ params, caller }) {
        const key = await directory.getKey(params["id"] ?? "");
        // Another's key is none: whoever guesses ids learns nothing.
        if (key.userId !== caller.userId) {
          throw new GatewayError({ kind: "not_found", message: "There is no such API key." });
        }
        await directory.deleteKey(actorOf(caller), key.id, { hard: false });
        await changed();
        return new Response(null, { status: 204 });
      },
    },
  ];
}
