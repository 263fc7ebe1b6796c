// The rules of users and keys: what may be created, changed and removed, and by whom. Knows no SQL and no HTTP.

import type { GatewayError } from "../ir/index.ts";
import type { Origin } from "../lib/change.ts";
import type { Gone, NamedLists } from "./gone.ts";
import type { Page, PageWish } from "./page.ts";
import type { ApiKey, Role, Scope, Status, User } from "./model.ts";

/** Who makes a change: the operator at the machine (command line), or a caller with a role. `from`: what is recorded of him and of where he came in. */
export type Actor = (
  | { kind: "operator" }
  | {
      kind: "user";
      userId: string;
      role: Role;
      /** Of the key that speaks for him; empty or missing where none does. */
      keyId?: string;
      /** Of the session that he speaks by; null or missing where it is none. */
      sessionId?: string | null;
      scopes?: readonly Scope[];
      /** Whether that key is limited in time, to models, providers or addresses, or by a budget or rate limit of its own. */
      isLimited?: boolean;
    }
) & { from?: Origin | undefined };

/** What is wanted of a key; what is missing stays as it is, or is not limited. */
export interface KeyWish {
  /** Null or empty: none. */
  name?: string | null | undefined;
  scopes?: readonly string[] | undefined;
  /** Refuse a request rather than leave out what its provider cannot be told; false unless said. */
  strict?: boolean | undefined;
  allowedModels?: readonly string[] | undefined;
  allowedProviders?: readonly string[] | undefined;
  allowedIps?: readonly string[] | undefined;
  tags?: readonly string[] | undefined;
  /** Null: it does not end. */
  expiresAt?: Date | null | undefined;
}

/** Which keys; what is said must hold, and something must be said. */
export interface KeyChoice {
  /** Id or e-mail of the owner. */
  user?: string | undefined;
  /** At least 6 characters of what the token begins with. */
  prefix?: string | undefined;
  tag?: string | undefined;
  unusedSince?: Date | undefined;
}

/** What may be said anew of a user. */
export interface ChangedUser {
  email?: string | undefined;
  role?: string | undefined;
  displayName?: string | null | undefined;
  status?: string | undefined;
}

/** A change that is meant for one state of a thing alone: throws where it is in another one. Asked at the very moment of the write. */
export interface Meant<Of> {
  look?: ((standing: Of) => void) | undefined;
}

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
  /** Of those that a limit or a budget names: who is not there, or opens nothing any more. */
  listGone(named: NamedLists): Promise<Gone>;
  /** By id or by e-mail. Throws `not_found`. */
  getUser(idOrEmail: string): Promise<User>;
  /** Only the fields given are changed. */
  updateUser(actor: Actor, idOrEmail: string, change: ChangedUser, meant?: Meant<User>): Promise<User>;
  /** As it is then. One that is deleted stays as it is, unless it is to go for good; null for one that has gone for good before. */
  deleteUser(actor: Actor, idOrEmail: string, options: { hard: boolean } & Meant<User>): Promise<User | null>;
  /** Throws `invalid_request` with all that is wrong with the words themselves, whosesoever they are. */
  checkUser(change: ChangedUser): void;

  /** Nobody hands on more than he has, and no key has more than its owner's role: `forbidden`. */
  createKey(actor: Actor, idOrEmail: string, wish: KeyWish): Promise<IssuedKey>;
  /** Revoked ones, too; everybody's where null. */
  listKeys(idOrEmail: string | null): Promise<ApiKey[]>;
  /** Oldest first, a page at a time; all at once where its limit is Infinity. */
  pageKeys(choice: KeyChoice & { isOpen?: boolean | undefined }, page: PageWish): Promise<Page<ApiKey>>;
  /** Throws `not_found`. */
  getKey(id: string): Promise<ApiKey>;
  updateKey(actor: Actor, id: string, wish: KeyWish, meant?: Meant<ApiKey>): Promise<ApiKey>;
  /** It stays in every list, and opens nothing any more. One that is revoked already stays as it is. */
  revokeKey(actor: Actor, id: string): Promise<ApiKey>;
  /**
   * All that are chosen and in the actor's reach; a user out of it, where one is named, is refused. `dryRun` answers which, and revokes none.
   * `progressed`: so many of so many are done.
   */
  revokeKeys(
    actor: Actor,
    choice: KeyChoice,
    options: { dryRun: boolean; progressed?: (done: number, total: number) => void },
  ): Promise<ApiKey[]>;
  /** See `deleteUser`. `ownerId`: where it is this user's; another's is none. */
  deleteKey(
    actor: Actor,
    id: string,
    options: { hard: boolean; ownerId?: string } & Meant<ApiKey>,
  ): Promise<ApiKey | null>;
  /** See `checkUser`. */
  checkKey(wish: KeyWish): void;
  /** The same key with a new token; the one before works on for `overlapMs`. */
  rotateKey(actor: Actor, id: string, options: { overlapMs: number }): Promise<IssuedKey>;

  /** Makes the root admin at first start; does nothing where a root admin is already there. */
  ensureRoot(email: string): Promise<User>;
}

export type { Scope, Status };
