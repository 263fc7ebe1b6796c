// One's own API keys: listed, made, changed, rotated and revoked by whoever owns them, at the console or by a key that may.

import { GatewayError } from "../ir/index.ts";
import { type ApiKey, type Caller, printKey } from "../identity/index.ts";
import { etagOf } from "./admin/api-key.ts";
import { KEY_CHANGE, ROTATION, readKeyWish } from "./admin/new-key.ts";
import { type AdminParts, actorOf } from "./admin/part.ts";
import { requireMatch } from "./etag.ts";
import { readJson } from "./request.ts";
import type { GuardedRoute, RouteContext } from "./route.ts";

type Asked = RouteContext & { caller: Caller };

const authority = { anyOf: ["keys:own"] } as const;
const path = "/api/v1/api-keys";

export function makeOwnKeyRoutes(parts: AdminParts): GuardedRoute[] {
  return [...makeListRoutes(parts), ...makeKeyRoutes(parts)];
}

function makeListRoutes({ directory, limit, changed }: AdminParts): GuardedRoute[] {
  return [
    {
      method: "GET",
      path,
      authority,
      handle: async ({ caller }) =>
        Response.json({ api_keys: (await directory.listKeys(caller.userId)).map(printKey) }),
    },
    {
      method: "POST",
      path,
      authority,
      async handle({ request, caller }) {
        const body = await readJson(request, limit(), KEY_CHANGE);
        const issued = await directory.createKey(actorOf(caller), caller.userId, readKeyWish(body));
        await changed();
        return Response.json({ token: issued.token, api_key: printKey(issued.key) }, { status: 201 });
      },
    },
  ];
}

function makeKeyRoutes({ directory, limit, changed }: AdminParts): GuardedRoute[] {
  /** Another's key is none: whoever guesses ids learns nothing. */
  const findOwn = async ({ params, caller }: Asked): Promise<ApiKey> => {
    const key = await directory.getKey(params["id"] ?? "");
    if (key.userId === caller.userId) return key;
    throw new GatewayError({ kind: "not_found", message: "There is no such API key." });
  };
  return [
    {
      method: "GET",
      path: `${path}/:id`,
      authority,
      async handle(asked) {
        const key = await findOwn(asked);
        return Response.json({ api_key: printKey(key) }, { headers: { etag: etagOf(key) } });
      },
    },
    {
      method: "PATCH",
      path: `${path}/:id`,
      authority,
      async handle(asked) {
        const body = await readJson(asked.request, limit(), KEY_CHANGE);
        const own = await findOwn(asked);
        requireMatch(asked.request, etagOf(own));
        const key = await directory.updateKey(actorOf(asked.caller), own.id, readKeyWish(body));
        await changed();
        return Response.json({ api_key: printKey(key) }, { headers: { etag: etagOf(key) } });
      },
    },
    {
      method: "POST",
      path: `${path}/:id/rotate`,
      authority,
      async handle(asked) {
        const body = await readJson(asked.request, limit(), ROTATION);
        const { id } = await findOwn(asked);
        const options = { overlapMs: (body.overlap_seconds ?? 0) * 1000 };
        const issued = await directory.rotateKey(actorOf(asked.caller), id, options);
        await changed();
        return Response.json({ token: issued.token, api_key: printKey(issued.key) }, { status: 201 });
      },
    },
    {
      method: "POST",
      path: `${path}/:id/revoke`,
      authority,
      async handle(asked) {
        const key = await directory.revokeKey(actorOf(asked.caller), (await findOwn(asked)).id);
        await changed();
        return Response.json({ api_key: printKey(key) });
      },
    },
    {
      method: "DELETE",
      path: `${path}/:id`,
      authority,
      async handle(asked) {
        const own = await findOwn(asked);
        requireMatch(asked.request, etagOf(own));
        await directory.deleteKey(actorOf(asked.caller), own.id, { hard: false });
        await changed();
        return new Response(null, { status: 204 });
      },
    },
  ];
}
