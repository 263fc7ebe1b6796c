// What may be said of a new API key by HTTP, and how much of one's own rights one may hand on with it. Knows no route.

import { z } from "zod";
import { type Caller, type Directory, SCOPES, type Scope, allows } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";

export const NEW_KEY = z.strictObject({
  name: z.string().optional(),
  scopes: z.array(z.string()).nullable().optional(),
  strict: z.boolean().optional(),
  expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
});
export function readNewKey(body: z.output<typeof NEW_KEY>): Parameters<Directory["createKey"]>[2] {
  return {
    name: body.name,
    scopes: body.scopes ?? undefined,
    strict: body.strict,
    expiresAt: typeof body.expires_at === "string" ? new Date(body.expires_at) : undefined,
  };
}

/** Nobody hands on more than he has: a limited key none without scopes, and nobody a scope that is not his. */
export function refuseWider(caller: Caller, scopes: readonly string[]): void {
  const beyond = scopes.filter((scope) => isScope(scope) && !allows(caller, scope));
  const isBare = scopes.length === 0 && caller.scopes.length > 0;
  if (!isBare && beyond.length === 0) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "scope_not_held",
    param: "scopes",
    message: isBare
      ? "This API key is limited to scopes, so the keys that it issues must be, too. Name them in scopes."
      : `You may not hand on the scope ${beyond.join(", ")}, as you do not have it.`,
  });
}

function isScope(scope: string): scope is Scope {
  return Object.hasOwn(SCOPES, scope);
}
