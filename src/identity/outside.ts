// People whom an identity provider vouches for: values, and what they need of a database. Knows no SQL, no HTTP and no protocol.

import type { Origin } from "../lib/change.ts";
import type { Role, User } from "./model.ts";

/** An account at a provider that belongs to a user here. The issuer and the subject together name it; the address is only shown. */
export interface OutsideIdentity {
  id: string;
  userId: string;
  issuer: string;
  subject: string;
  email: string | null;
  createdAt: Date;
  lastUsedAt: Date;
}

/** What a provider says of somebody who has just proved there who they are. */
export interface OutsideClaim {
  issuer: string;
  subject: string;
  email: string | null;
  /** Null: nothing is said of that. */
  isEmailVerified: boolean | null;
  name: string | null;
  /** What stands in the claim that roles are read from. */
  words: readonly string[];
}

/** Who gets in, and as what. */
export interface OutsideRules {
  /** In lower case and ASCII; null: every verified address. */
  domains: readonly string[] | null;
  /** Whether an address counts of which the provider does not say whether it is verified. */
  trustsIssuer: boolean;
  createsUsers: boolean;
  /** Whether the provider says what somebody may do here. */
  decidesRoles: boolean;
  /** The first that fits holds. */
  roles: readonly { value: string; role: Exclude<Role, "root_admin"> }[];
  /** Where none does; null: no admission. */
  defaultRole: "gateway_user" | null;
}

/** A way to the provider that a browser was sent on, until it comes back. Its secrets are the browser's alone. */
export interface Errand {
  id: string;
  /** Lower-case hex SHA-256 of the token in the browser's cookie. */
  hash: string;
  issuer: string;
  /** Where to go afterwards: a path of ours. */
  returnTo: string;
  /** Whose account is to be connected; null: to sign in. */
  userId: string | null;
  createdAt: Date;
  expiresAt: Date;
}

/** With its user, deleted or not. */
export interface OwnedIdentity {
  identity: OutsideIdentity;
  user: User;
  isDeleted: boolean;
}

export interface OutsideStore {
  createErrand(errand: Errand): Promise<void>;
  findErrand(hash: string, now: Date): Promise<Errand | null>;
  /** Uses it up: of many who try at once, one is told true. */
  consumeErrand(id: string, at: Date): Promise<boolean>;
  findIdentity(issuer: string, subject: string): Promise<OwnedIdentity | null>;
  findIdentityById(id: string): Promise<OwnedIdentity | null>;
  /** Whether a user was removed for good who had this account, or this address at last. */
  wasPurged(who: { issuer: string; subject: string; email: string }): Promise<boolean>;
  /** In place of one of the same issuer and subject whose user is deleted. Throws conflict where one of either's is there. */
  createIdentity(identity: OutsideIdentity, by?: Origin): Promise<void>;
  /** Both or neither. */
  createUserWithIdentity(user: User, identity: OutsideIdentity, by?: Origin): Promise<void>;
  touchIdentity(id: string, seen: { email: string | null; at: Date }): Promise<void>;
  /** Oldest first. */
  listIdentities(userId: string): Promise<OutsideIdentity[]>;
  /** `userId`: of this user alone. False where there is none. */
  deleteIdentity(id: string, userId: string, by?: Origin): Promise<boolean>;
}
