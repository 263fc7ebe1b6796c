// What identity needs of a database. Fulfilled by store/; knows no SQL.

import type { Origin } from "../lib/change.ts";
import type { Gone, NamedLists } from "./gone.ts";
import type { LimitWords } from "./limit.ts";
import type { ApiKey, Role, Scope, Status, User } from "./model.ts";
import type { OutsideStore } from "./outside.ts";
import type { SessionRecord, SessionStore } from "./session.ts";

export interface UserChange {
  email?: string;
  role?: User["role"];
  displayName?: string | null;
  status?: Status;
}

/** Of users that are not deleted; each that is given narrows it. */
export interface UserFilter {
  role?: Role;
  status?: Status;
  /** In lower case, as addresses are kept. */
  emailPrefix?: string;
}

export interface KeyRecord {
  key: ApiKey;
  /** Lower-case hex SHA-256 of the whole token. */
  hash: string;
}

/** A key as the server keeps it in memory: what opens, and what it opens. There may be very many. */
export interface KeyChange {
  id: string;
  userId: string;
  hash: string;
  scopes: readonly Scope[];
  strict: boolean;
  /** Null where nothing is said. */
  limits: LimitWords | null;
  tags: readonly string[] | null;
  /** Hashes of tokens that it had before. */
  former: readonly { hash: string; endsAt: Date }[];
  expiresAt: Date | null;
  /** Revoked, or deleted. */
  isOver: boolean;
}

/** What a change of a key may set. */
export type KeyPatch = Partial<
  Pick<
    ApiKey,
    "allowedIps" | "allowedModels" | "allowedProviders" | "expiresAt" | "name" | "scopes" | "strict" | "tags"
  >
>;

/** Asked of a thing as it is at the very moment of the write; what it throws keeps the write from being made. */
export type Look<Of> = (standing: Of) => void;

/** What is said must hold. */
export interface KeyFilter {
  userId?: string | undefined;
  /** What the token begins with, or one that it had before. */
  prefix?: string | undefined;
  tag?: string | undefined;
  /** Not used since; for a key that was never used, not made since. */
  unusedSince?: Date | undefined;
  /** Not revoked. */
  isOpen?: boolean | undefined;
}

/** What changed since a revision: enough to bring a memory copy up to date. */
/** What is remembered of a user, of whom there may be very many. */
export type KnownUser = Pick<User, "displayName" | "email" | "id" | "role" | "status"> & { deleted: boolean };

export interface IdentityChanges {
  /** Give it back at the next call. */
  revision: number;
  /** True where rows vanished for good: forget everything and take `users` and `keys` as the whole. */
  complete: boolean;
  users: KnownUser[];
  keys: KeyChange[];
  sessions: (SessionRecord & { ended: boolean })[];
}

/**
 * Every write moves the revision in the same transaction, so a poll by another process never misses one; and records there who made it (`by`).
 * Unique violations surface as GatewayError of kind `conflict`; a missing row as null or false (a missing owner as `not_found`).
 * The last active root admin is not demoted, suspended or removed: `conflict`. Only the store can hold that under concurrency.
 */
export interface IdentityStore extends OutsideStore, SessionStore, UserStore {
  createKey(record: KeyRecord, by?: Origin): Promise<void>;
  findKey(id: string): Promise<ApiKey | null>;
  /** Keys that are not deleted, in the order of their ids, which is that of their making; `after`: behind that id. */
  listKeys(filter: KeyFilter, page?: { after: string | null; limit: number }): Promise<ApiKey[]>;
  updateKey(id: string, patch: KeyPatch, at: Date, by?: Origin, look?: Look<ApiKey>): Promise<ApiKey | null>;
  /** They stay where they are, and open nothing any more. Answers those that were open until then. */
  revokeKeys(ids: readonly string[], at: Date, by?: Origin): Promise<ApiKey[]>;
  /** It is gone for whoever lists keys; its row stays for the ledger's sake. */
  deleteKey(id: string, at: Date, by?: Origin, look?: Look<ApiKey>): Promise<boolean>;
  /** Deleted or not. */
  purgeKey(id: string, by?: Origin, look?: Look<ApiKey>): Promise<boolean>;
  /** One that is deleted; null where there is none of that id, or it is not deleted. */
  findGoneKey(id: string): Promise<ApiKey | null>;
  /** Whether there was one of that id that somebody removed for good, or ended; `userId`: this user himself. */
  wasRemoved(kind: "identity" | "key" | "session" | "user", id: string, userId?: string): Promise<boolean>;
  /** Another token takes the place of its present one, which works on until `endsAt`; a moment in the past ends it at once. */
  rotateKey(
    id: string,
    token: { hash: string; prefix: string },
    when: { endsAt: Date; at: Date },
    by?: Origin,
  ): Promise<ApiKey | null>;
  /** Last-use stamps, written in batches off the request path. Does not move the revision. */
  touchKeys(uses: readonly { id: string; at: Date }[]): Promise<void>;

  /** Of users (by id or e-mail) and keys: those that are not there, or open nothing any more. */
  listGone(named: NamedLists): Promise<Gone>;
  /** Of all rows there are, of the deleted ones, too. */
  listIds(): Promise<{ users: string[]; keys: string[] }>;
  /** Everything newer than `revision`; `null` for the first load. */
  changes(revision: number | null): Promise<IdentityChanges>;
}

export interface UserStore {
  /** Inserts all or none. */
  createUsers(users: readonly User[], by?: Origin): Promise<void>;
  findUser(id: string): Promise<User | null>;
  findUserByEmail(email: string): Promise<User | null>;
  /** The oldest active root admin; null where there is none yet. */
  findRoot(): Promise<User | null>;
  /** Those of the addresses that users have. */
  findTaken(emails: readonly string[]): Promise<Set<string>>;
  /** Oldest first. */
  listUsers(): Promise<User[]>;
  /** In the order of ids, which is that of time; with a prefix, in the order of addresses. `after`: the id, or address, to go on behind. */
  pageUsers(filter: UserFilter, page: { after: string | null; limit: number }): Promise<User[]>;
  /**
   * Another role, and a suspension, end all sessions and use up open links. So does another e-mail; the session `kept` goes on then. Keys without
   * scopes of a user who had one of the roles in `formerReach` are limited to the scopes there.
   */
  updateUser(
    id: string,
    change: UserChange,
    at: Date,
    by?: Origin,
    how?: {
      look?: Look<User> | undefined;
      kept?: string | null;
      formerReach?: readonly { role: Role; scopes: Scope[] }[];
    },
  ): Promise<User | null>;
  /** Soft delete: the row stays for the ledger's sake, its e-mail is free again, its keys are revoked. */
  deleteUser(id: string, at: Date, by?: Origin, look?: Look<User>): Promise<boolean>;
  /** Removes the row and its keys for good, deleted or not. */
  purgeUser(id: string, by?: Origin, look?: Look<User>): Promise<boolean>;
  /** One that is deleted, by id or by the e-mail that it had last: of several, the one that was deleted last. */
  findGoneUser(idOrEmail: string): Promise<User | null>;
}
