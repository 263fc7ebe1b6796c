// Who may change whom. Knows no store; the rule that one active root admin remains is the store's, for only it can hold it.

import { GatewayError } from "../ir/index.ts";
import type { Actor } from "./directory.ts";
import type { Role } from "./model.ts";

/** Administrators and the operator at the machine; nobody else changes users and keys. */
export function requireAdmin(actor: Actor): void {
  if (actor.kind === "user" && actor.role === "gateway_user") {
    throw forbid("Changing users and keys needs the role gateway_admin or root_admin.");
  }
}

/** A root admin's account, or the role itself, is out of a gateway admin's reach. */
export function requireReach(actor: Actor, role: Role): void {
  requireAdmin(actor);
  if (role === "root_admin" && actor.kind === "user" && actor.role !== "root_admin") {
    throw forbid("Only a root admin may make, change or remove a root admin.");
  }
}

/**
 * The role is the actor's to give, or to open a door to: beside its reach, a key that is limited to scopes makes no administrators unless `admin`
 * is one of them. Nobody hands on more than he has.
 */
export function requireGrant(actor: Actor, role: Role): void {
  requireReach(actor, role);
  if (role === "gateway_user" || actor.kind === "operator") return;
  if (actor.isLimited === true) {
    throw new GatewayError({
      kind: "forbidden",
      code: "wider_than_own",
      message:
        "This API key is limited itself (in time, to models, providers or addresses, or by a budget or rate limit of its own), and an administrator is not: it lets nobody in as one. Do it at the console, or with a key that is not limited.",
    });
  }
  const { scopes = [] } = actor;
  if (scopes.length === 0 || scopes.includes("admin")) return;
  throw new GatewayError({
    kind: "forbidden",
    code: "scope_not_held",
    message: "This API key is limited to scopes, so it lets nobody in as an administrator: that takes the scope admin.",
  });
}

/** What belongs to a user: the user's own, and whoever reaches the user. */
export function requireOwn(actor: Actor, owner: { id: string; role: Role }): void {
  if (actor.kind === "user" && actor.userId === owner.id) return;
  requireReach(actor, owner.role);
}

export function forbid(message: string): GatewayError {
  return new GatewayError({ kind: "forbidden", message });
}
