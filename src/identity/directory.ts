// The rules of users and keys: what may be created, changed and removed, and by whom. Knows no SQL and no HTTP.

import type { Origin } from "../lib/change.ts";
import type { ApiKey, Role, Scope, Status, User } from "./model.ts";

/** Who makes a change: the operator at the machine (command line), or a caller with a role. `from`: what is recorded of him and of where he came in. */
export type Actor = ({ kind: "operator" } | { kind: "user"; userId: string; role: Role }) & {
  from?: Origin | undefined;
};

export interface NewUser {
  email: string;
  /** Defaults to gateway_user. */
  role?: string | undefined;
  displayName?: string | null | undefined;
}

export interface ImportResult {
  created: User[];
  /** `row` counts from 1 in the order given. */
  skipped: { row: number; email: string; reason: string }[];
}

/** A key together with its token, which exists nowhere else and is shown once. */
export interface IssuedKey {
  key: ApiKey;
  token: string;
}

/**
 * All failures are GatewayErrors: `invalid_request` (with `param`), `not_found`, `conflict`, `forbidden`.
 * Words accepted for old times' sake: status `inactive` means `suspended`.
 */
export interface Directory {
  createUser(actor: Actor, user: NewUser): Promise<User>;
  /** All rows or none, but for existing e-mails where `skipExisting`; `dryRun` checks everything and writes nothing. */
  importUsers(
    actor: Actor,
    users: readonly NewUser[],
    options: { skipExisting: boolean; dryRun: boolean },
  ): Promise<ImportResult>;
  listUsers(): Promise<User[]>;
  /** By id or by e-mail. Throws `not_found`. */
  getUser(idOrEmail: string): Promise<User>;
  /** Only the fields given are changed. */
  updateUser(
    actor: Actor,
    idOrEmail: string,
    change: { role?: string | undefined; displayName?: string | null | undefined; status?: string | undefined },
  ): Promise<User>;
  deleteUser(actor: Actor, idOrEmail: string, options: { hard: boolean }): Promise<User>;

  createKey(
    actor: Actor,
    idOrEmail: string,
    options: {
      name?: string | undefined;
      scopes?: readonly string[] | undefined;
      /** Refuse a request rather than leave out what its provider cannot be told; false unless said. */
      strict?: boolean | undefined;
      expiresAt?: Date | undefined;
    },
  ): Promise<IssuedKey>;
  listKeys(idOrEmail: string | null): Promise<ApiKey[]>;
  /** Throws `not_found`. */
  getKey(id: string): Promise<ApiKey>;
  deleteKey(actor: Actor, id: string, options: { hard: boolean }): Promise<ApiKey>;
  /** A new token with the old key's owner, name, scopes and expiry; the old one ends after `overlapMs`. */
  rotateKey(actor: Actor, id: string, options: { overlapMs: number }): Promise<IssuedKey>;

  /** Makes the root admin at first start; does nothing where a root admin is already there. */
  ensureRoot(email: string): Promise<User>;
}

export type { Scope, Status };
