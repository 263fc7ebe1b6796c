// Who there is: users, their keys, and what a caller is. Values only; knows no SQL and no HTTP.

export const ROLES = ["root_admin", "gateway_admin", "gateway_user"] as const;
export type Role = (typeof ROLES)[number];

export const STATUSES = ["active", "suspended"] as const;
export type Status = (typeof STATUSES)[number];

export interface User {
  id: string;
  /** Lower case, trimmed. Unique among users that are not deleted. */
  email: string;
  role: Role;
  displayName: string | null;
  status: Status;
  createdAt: Date;
  updatedAt: Date;
}

export interface ApiKey {
  id: string;
  userId: string;
  name: string | null;
  /** First 12 characters of the token: enough to recognise it, too little to use it. */
  prefix: string;
  /** Empty: all that the owner's role allows. */
  scopes: Scope[];
  /** What a provider cannot be told is refused instead of left out. */
  strict: boolean;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** What a key may be limited to. Documented in README and checked on every route. */
export const SCOPES = {
  admin: "everything under /api/v1/admin that the owner's role allows",
  inference: "all model calls and the list of models",
  "inference:chat": "chat calls and the list of models",
  "inference:embeddings": "embedding calls and the list of models",
  "keys:manage": "API keys under /api/v1/admin",
  "profile:read": "the owner's profile",
  "routes:read": "the routing decision under /api/v1/admin/route",
  "usage:read": "the owner's usage summary and logs",
  "users:manage": "users under /api/v1/admin",
} as const satisfies Record<string, string>;
export type Scope = keyof typeof SCOPES;

/** The answer to "who is calling?", as the request path sees it: from memory, immutable. */
export interface Caller {
  userId: string;
  email: string;
  displayName: string | null;
  role: Role;
  keyId: string;
  scopes: readonly Scope[];
  /** What a provider cannot be told is refused instead of left out, unless the request says otherwise. */
  isStrict: boolean;
}
