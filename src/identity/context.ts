// What the parts of the directory share. Knows no rules.

import { GatewayError } from "../ir/index.ts";
import type { User } from "./model.ts";
import type { IdentityStore } from "./store.ts";

export interface DirectoryOptions {
  store: IdentityStore;
  /** Epoch milliseconds. */
  now: () => number;
  /** UUIDv7 unless given. */
  newId?: () => string;
  /** The system's unless given. */
  randomBytes?: (length: number) => Uint8Array;
}

/** What the parts of the directory share. */
export interface DirectoryContext extends Required<DirectoryOptions> {
  getUser: (idOrEmail: string) => Promise<User>;
}

/** A new active user, not yet stored. */
export function buildUser(
  context: Pick<DirectoryContext, "newId" | "now">,
  wanted: Pick<User, "displayName" | "email" | "role">,
): User {
  const at = new Date(context.now());
  return { id: context.newId(), ...wanted, status: "active", createdAt: at, updatedAt: at };
}

export function missing(message: string): GatewayError {
  return new GatewayError({ kind: "not_found", message });
}
