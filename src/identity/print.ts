// Users and keys as JSON for programs: the same words by HTTP and on the command line. Knows neither.

import type { ApiKey, User } from "./model.ts";
import type { OutsideIdentity } from "./outside.ts";
import type { Session } from "./session.ts";

export function printUser(user: User) {
  return {
    id: user.id,
    email: user.email,
    role: user.role,
    display_name: user.displayName,
    status: user.status,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
  };
}

/** Never holds the token or its hash. */
export function printKey(key: ApiKey) {
  return {
    id: key.id,
    user_id: key.userId,
    name: key.name,
    prefix: key.prefix,
    scopes: key.scopes,
    strict: key.strict,
    allowed_models: key.allowedModels,
    allowed_providers: key.allowedProviders,
    allowed_ips: key.allowedIps,
    tags: key.tags,
    former: key.former.map(({ prefix, endsAt }) => ({ prefix, ends_at: endsAt.toISOString() })),
    expires_at: key.expiresAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
  };
}

/** Never holds the token or its hash. */
export function printSession(session: Session) {
  return {
    id: session.id,
    user_id: session.userId,
    created_at: session.createdAt.toISOString(),
    last_seen_at: session.lastSeenAt.toISOString(),
    expires_at: session.expiresAt.toISOString(),
    user_agent: session.userAgent,
    address: session.address,
  };
}

export function printIdentity({ id, userId, issuer, subject, email, createdAt, lastUsedAt }: OutsideIdentity) {
  return {
    id,
    user_id: userId,
    issuer,
    subject,
    email,
    created_at: createdAt.toISOString(),
    last_used_at: lastUsedAt.toISOString(),
  };
}
