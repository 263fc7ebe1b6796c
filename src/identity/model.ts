// Who there is: users, their keys, and what a caller is. Values only; knows no SQL and no HTTP.

import type { Origin } from "../lib/change.ts";
import type { KeyLimits } from "./limit.ts";

/** Each may do all that those behind it may. */
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
  /** Patterns over the names of models and of providers, as routes have them; empty: all. */
  allowedModels: string[];
  allowedProviders: string[];
  /** Ranges of IP addresses that it may come from; empty: all. */
  allowedIps: string[];
  /** On each of its rows in the books. */
  tags: string[];
  /** Tokens that it had before, as far as they may work still. */
  former: FormerToken[];
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  /** Set: it opens nothing any more. */
  revokedAt: Date | null;
  createdAt: Date;
  updatedAt: Date;
}

/** Of a token that a newer one took the place of. */
export interface FormerToken {
  prefix: string;
  /** Until then both work. */
  endsAt: Date;
}

/** What a key may be limited to. Documented in README and checked on every route. */
export const SCOPES = {
  admin: "everything under /api/v1/admin that the owner's role allows",
  "audit:read": "who changed what, under /api/v1/admin/audit",
  batches: "batches of model calls",
  "budgets:manage": "budgets under /api/v1/admin",
  containers: "containers and their files",
  conversations: "conversations that a provider keeps",
  files: "files and uploads that a provider keeps",
  fine_tuning: "fine-tuning jobs",
  inference: "all model calls and the list of models",
  "inference:audio": "speech, transcriptions and translations",
  "inference:chat": "chat calls and the list of models",
  "inference:completions": "text completions",
  "inference:embeddings": "embedding calls and the list of models",
  "inference:images": "pictures made, edited and varied",
  "inference:moderations": "moderations",
  "inference:realtime": "realtime sessions",
  "inference:rerank": "documents put in order",
  "inference:videos": "videos made and fetched",
  "keys:manage": "API keys under /api/v1/admin",
  "keys:own": "the owner's API keys",
  "ledger:read": "everybody's rows and sums in the books, and what is signed of them",
  "limits:manage": "rate limits under /api/v1/admin",
  "metrics:read": "the gateway's metrics under /metrics",
  passthrough: "anything a provider offers, under /passthrough; for a gateway_user only where the key names it",
  "profile:read": "the owner's profile, sessions and connected accounts",
  "profile:write": "the owner's sessions and connected accounts, to be ended",
  "providers:read": "providers, how they are doing, and which keys they have, by their ends",
  "providers:write": "providers that are declared while the gateway runs, and their keys",
  "routes:read": "the routing decision under /api/v1/admin/route, and routes with their history",
  "routes:write": "routes that are declared while the gateway runs",
  "sessions:manage": "who is signed in, under /api/v1/admin",
  "settings:read": "the settings in effect, under /api/v1/admin; for a root_admin",
  "settings:write": "changes of settings, under /api/v1/admin; for a root_admin",
  "usage:read": "the owner's usage summary and logs",
  "users:manage": "users under /api/v1/admin",
  vector_stores: "vector stores",
} as const satisfies Record<string, string>;
export type Scope = keyof typeof SCOPES;

/** The answer to "who is calling?", as the request path sees it: from memory, immutable. */
export interface Caller {
  userId: string;
  email: string;
  displayName: string | null;
  role: Role;
  /** Empty where a session speaks instead of a key. */
  keyId: string;
  /** Null where a key speaks. */
  sessionId: string | null;
  scopes: readonly Scope[];
  /** What a provider cannot be told is refused instead of left out, unless the request says otherwise. */
  isStrict: boolean;
  /** From where this one request came, where it may change something; never in a model call. */
  from?: Origin | undefined;
  /** Null where nothing is said, which costs nothing. */
  limits: KeyLimits | null;
  tags: readonly string[] | null;
  /** By which the ring knows again what he came in by; opens nothing. Missing where nobody came in: of a call that is only tried out. */
  mark?: string | undefined;
}
