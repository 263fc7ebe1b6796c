// What a gateway prints of people, keys and budgets, as the values that it printed them from: commands then print them as ever. Asks nobody.

import type { ApiKey, OutsideIdentity, Session, User } from "../../identity/index.ts";
import type { printIdentity, printKey, printSession, printUser } from "../../identity/index.ts";

export type PrintedUser = ReturnType<typeof printUser>;
export type PrintedKey = ReturnType<typeof printKey>;
export type PrintedSession = ReturnType<typeof printSession>;
export type PrintedIdentity = ReturnType<typeof printIdentity>;

export function readUser(user: PrintedUser): User {
  const { id, email, role, status } = user;
  return {
    id,
    email,
    role,
    displayName: user.display_name,
    status,
    createdAt: new Date(user.created_at),
    updatedAt: new Date(user.updated_at),
  };
}

export function readKey(key: PrintedKey): ApiKey {
  const { id, name, prefix, scopes, strict, tags } = key;
  return {
    id,
    userId: key.user_id,
    name,
    prefix,
    scopes,
    strict,
    allowedModels: key.allowed_models,
    allowedProviders: key.allowed_providers,
    allowedIps: key.allowed_ips,
    tags,
    former: key.former.map((token) => ({ prefix: token.prefix, endsAt: new Date(token.ends_at) })),
    expiresAt: readMoment(key.expires_at),
    lastUsedAt: readMoment(key.last_used_at),
    revokedAt: readMoment(key.revoked_at),
    createdAt: new Date(key.created_at),
    updatedAt: new Date(key.updated_at),
  };
}

export function readSession(session: PrintedSession): Session {
  return {
    id: session.id,
    userId: session.user_id,
    createdAt: new Date(session.created_at),
    lastSeenAt: new Date(session.last_seen_at),
    expiresAt: new Date(session.expires_at),
    userAgent: session.user_agent,
    address: session.address,
  };
}

export function readIdentity(identity: PrintedIdentity): OutsideIdentity {
  const { id, issuer, subject, email } = identity;
  return {
    id,
    userId: identity.user_id,
    issuer,
    subject,
    email,
    createdAt: new Date(identity.created_at),
    lastUsedAt: new Date(identity.last_used_at),
  };
}

function readMoment(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
