// The rules of users and keys: what may be created, changed and removed, and by whom. Knows no SQL and no HTTP.

import type { GatewayError } from "../ir/index.ts";
import type { Origin } from "../lib/change.ts";
import type { Page, PageWish } from "./page.ts";
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

/** Which users are asked for; each that is given narrows it. */
export interface UserWish {
  role?: string | undefined;
  status?: string | undefined;
  /** What the e-mail begins with; the page is then in the order of addresses. */
  email?: string | undefined;
}

export interface ImportResult {
  created: User[];
  /** `row` counts from 1 in the order given. */
  skipped: { row: number; email: string; reason: string }[];
  /** Empty unless `skipInvalid`: else the first of them ends the import. */
  refused: { row: number; email: string; reason: string }[];
}

export interface ImportOptions {
  /** Addresses that are taken are passed over instead of refused. */
  skipExisting: boolean;
  /** Good rows are taken although others are not. */
  skipInvalid?: boolean | undefined;
  /** Checks everything and writes nothing. */
  dryRun: boolean;
}

/** One row of a list. */
export interface ImportRow {
  /** From 1, in the order of the list. */
  row: number;
  /** Of the file that it stands in. */
  line?: number;
  wanted: NewUser;
  /** What is wrong with the row itself, whatever it says. */
  flaw?: string;
}

export type RowOutcome = ImportRow &
  (
    | { kind: "created"; user: User }
    | { kind: "refused"; error: GatewayError }
    | { kind: "skipped"; email: string; reason: string }
  );

export interface StreamOptions extends ImportOptions {
  /** In the order of the list, some thousands at a time, once they are written. `isCheck`: before anything is, of those that are refused. */
  tell: (outcomes: readonly RowOutcome[], isCheck: boolean) => Promise<void>;
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
  /** All rows or none, but for existing e-mails where `skipExisting`, and for bad rows where `skipInvalid`. */
  importUsers(actor: Actor, users: readonly NewUser[], options: ImportOptions): Promise<ImportResult>;
  /**
   * Lists of any length in bounded memory: what is kept of a row is a hash of its address. Unless `skipInvalid`, all rows are checked before
   * the first is written, and `source` is read twice; they are written some thousands at a time.
   */
  importStream(
    actor: Actor,
    source: () => AsyncIterable<ImportRow>,
    options: StreamOptions,
  ): Promise<{ created: number; skipped: number; refused: number }>;
  /** All, oldest first. */
  listUsers(): Promise<User[]>;
  /** Oldest first, a page at a time. */
  pageUsers(wish: UserWish, page: PageWish): Promise<Page<User>>;
  /** The oldest active root admin; null where there is none yet. */
  findRoot(): Promise<User | null>;
  /** By id or by e-mail. Throws `not_found`. */
  getUser(idOrEmail: string): Promise<User>;
  /** Only the fields given are changed. */
  updateUser(
    actor: Actor,
    idOrEmail: string,
    change: {
      email?: string | undefined;
      role?: string | undefined;
      displayName?: string | null | undefined;
      status?: string | undefined;
    },
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
