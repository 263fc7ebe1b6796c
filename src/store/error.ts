// What went wrong in a database, in a sentence with a remedy. Knows the engines' error codes and no query.

import { accessSync, constants, statSync } from "node:fs";
import { GatewayError, type ErrorKind } from "../ir/index.ts";
import { explainCertificate } from "../lib/certificate.ts";

interface Explanation {
  kind: ErrorKind;
  code: string;
  /**
   * `place` is a path or a server's name where only the operator reads it, else `ANY_DATABASE`; it begins the sentence. `name`: what the other side
   * named.
   */
  say(place: string, name: string): string;
}

const DAMAGED: Explanation = {
  kind: "internal",
  code: "store_damaged",
  say: (place) => `${place} is not a SQLite database or is damaged; restore a backup or move it away.`,
};
const DENIED: Explanation = {
  kind: "internal",
  code: "store_denied",
  say: (place) =>
    `${place} cannot be opened for writing; check that the file and its folder belong to this user and are writable.`,
};
const FOLDER: Explanation = {
  kind: "not_configured",
  code: "store_folder",
  say: (place) => `${place} is a folder; name a file in it.`,
};
const FULL: Explanation = {
  kind: "overloaded",
  code: "store_full",
  say: (place) => `${place} cannot grow: the disk is full; free some space and try again.`,
};
const LOCKED: Explanation = {
  kind: "overloaded",
  code: "store_locked",
  say: (place) => `${place} is locked by another process; try again, or end the process that holds it.`,
};
const FAILING: Explanation = {
  kind: "internal",
  code: "store_failing",
  say: (place) => `${place} could not be read or written: check the disk and the system's log.`,
};
const HELD: Explanation = {
  kind: "overloaded",
  code: "store_held",
  say: (place) =>
    `${place}: another session, such as a backup, holds a table that is to be changed; let it end, or end it (pg_stat_activity names it), and try again.`,
};
const UNREACHABLE: Explanation = {
  kind: "overloaded",
  code: "store_unreachable",
  say: (place) => `${place} does not answer; check that it runs, and the host and port of the DSN.`,
};
const CROWDED: Explanation = {
  kind: "overloaded",
  code: "store_unreachable",
  say: (place) =>
    `${place} has as many connections as it takes; end some (pg_stat_activity names them), raise max_connections or the role's limit there, or lower db_max_open_conns of the gateways.`,
};
const BETWEEN: Explanation = {
  kind: "overloaded",
  code: "store_unreachable",
  say: (place) => `${place} starts up or shuts down just now; try again in a moment.`,
};
const BAD_LOGIN: Explanation = {
  kind: "not_configured",
  code: "store_login",
  say: (place) => `${place} refuses the login; check the user name and the password of the DSN, and pg_hba.conf.`,
};
const NO_DATABASE: Explanation = {
  kind: "not_configured",
  code: "store_missing",
  say: (place) => `${place}: there is no such database; create it, or correct its name in the DSN.`,
};
const NO_RIGHTS: Explanation = {
  kind: "not_configured",
  code: "store_denied",
  say: (place) => `${place}: this user may not create or change tables; grant it ALL on the schema (usually public).`,
};

const OWNED: Explanation = {
  kind: "not_configured",
  code: "store_owned",
  say: (place) =>
    `${place}: its tables belong to another user, such as the one who loaded them; make this one their owner (ALTER TABLE … OWNER TO …), or load them as this one.`,
};

const PLAIN: Explanation = {
  kind: "not_configured",
  code: "store_login",
  say: (place) =>
    `${place} lets nobody of this name in without TLS: add ?sslmode=require to the DSN (verify-full to check its certificate, too), or change its pg_hba.conf.`,
};
const UNKNOWN_SETTING: Explanation = {
  kind: "not_configured",
  code: "store_setting",
  say: (place, name) => `${place} knows no setting "${name}"; leave it out of the DSN.`,
};
const POOLED_SETTING: Explanation = {
  kind: "not_configured",
  code: "store_setting",
  say: (place, name) =>
    `${place}: the pooler there does not take the setting "${name}"; name it in its ignore_startup_parameters, or PostgreSQL itself in the DSN.`,
};
const READ_ONLY: Explanation = {
  kind: "overloaded",
  code: "store_read_only",
  say: (place) =>
    `${place} takes no writes: it is a standby, or was made read-only, as some hosts do with a full disk. Name the primary in the DSN; of several hosts target_session_attrs=read-write finds it.`,
};

/** Where the code alone says too little, such as that of a pooler, which is the same for all that it refuses. */
const BY_WORDS: readonly (readonly [codes: RegExp, words: RegExp, explanation: Explanation])[] = [
  [/^08P01$/u, /password authentication failed|no such user/u, BAD_LOGIN],
  [/^08P01$/u, /database .*does not exist|no such database/u, NO_DATABASE],
  [/^08P01$/u, /unsupported startup parameter: (\S+)/u, POOLED_SETTING],
  [/^28000$/u, /no encryption/u, PLAIN],
  [/^42704$/u, /unrecognized configuration parameter "([^"]+)"/u, UNKNOWN_SETTING],
];

/** By the code of the driver or the system; a code also matches its longer forms (SQLITE_IOERR_WRITE, 08006). */
const BY_CODE: readonly (readonly [prefix: string, explanation: Explanation])[] = [
  ["08", UNREACHABLE],
  ["25006", READ_ONLY],
  ["28", BAD_LOGIN],
  ["3D000", NO_DATABASE],
  ["42501", NO_RIGHTS],
  ["53100", FULL],
  ["53300", CROWDED],
  ["55P03", HELD],
  ["57P03", BETWEEN],
  ["57P0", UNREACHABLE],
  ["CONNECTION_", UNREACHABLE],
  ["CONNECT_TIMEOUT", UNREACHABLE],
  ["EACCES", DENIED],
  ["EAI_AGAIN", UNREACHABLE],
  ["ECONN", UNREACHABLE],
  ["EEXIST", DENIED],
  ["EHOSTUNREACH", UNREACHABLE],
  ["EIO", FAILING],
  ["EISDIR", FOLDER],
  ["ENETUNREACH", UNREACHABLE],
  ["ENOENT", DENIED],
  ["ENOSPC", FULL],
  ["ENOTDIR", DENIED],
  ["ENOTFOUND", UNREACHABLE],
  ["EPERM", DENIED],
  ["EPIPE", UNREACHABLE],
  ["EROFS", DENIED],
  ["ETIMEDOUT", UNREACHABLE],
  ["SQLITE_BUSY", LOCKED],
  ["SQLITE_CANTOPEN", DENIED],
  ["SQLITE_CORRUPT", DAMAGED],
  ["SQLITE_FULL", FULL],
  // Opening one takes 32 KiB beside it.
  ["SQLITE_IOERR_SHMSIZE", FULL],
  ["SQLITE_IOERR", FAILING],
  ["SQLITE_LOCKED", LOCKED],
  ["SQLITE_NOTADB", DAMAGED],
  ["SQLITE_PERM", DENIED],
  ["SQLITE_READONLY", DENIED],
];

/** Any error of a driver as a GatewayError. `place` names the database for whoever will read the message. */
export function explainStoreError(error: unknown, place: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const cause = unwrap(error);
  const code = codeOf(error);
  if (
    code.startsWith("SQLITE_CONSTRAINT_UNIQUE") ||
    code.startsWith("SQLITE_CONSTRAINT_PRIMARYKEY") ||
    code === "23505"
  ) {
    return new GatewayError({ kind: "conflict", message: nameClash(cause), cause });
  }
  const doubt = explainCertificate(code, "Check the host of the DSN.");
  if (doubt !== null) {
    const message = `${place} ${doubt.fault} (${code}). ${doubt.remedy}`;
    return new GatewayError({ kind: "not_configured", code: "store_certificate", message, cause });
  }
  const said = findWords(code, cause);
  const found = said?.explanation ?? BY_CODE.find(([prefix]) => code.startsWith(prefix))?.[1];
  // SQLite says of a folder that is only to be read that the disk fails.
  const isFolderNamed = code.startsWith("SQLITE_") && isFolder(place);
  const explanation = isFolderNamed ? FOLDER : found === NO_RIGHTS && isOwned(cause) ? OWNED : found;
  if (explanation === undefined) {
    // At the start there is no log yet, and its reader is the operator; callers of the API learn no more than that it failed.
    const detail = place === ANY_DATABASE ? IN_THE_LOG : explainUnknown(cause);
    return new GatewayError({ kind: "internal", message: `${place} failed: ${detail}.`, cause });
  }
  const named = explanation === DENIED && code.startsWith("SQLITE_") ? findDenied(place) : place;
  return new GatewayError({
    kind: explanation.kind,
    code: explanation.code,
    message: explanation.say(named, said?.name ?? ""),
    cause,
  });
}

function findWords(code: string, cause: unknown): { explanation: Explanation; name: string } | null {
  const text = cause instanceof Error ? cause.message : "";
  for (const [codes, words, explanation] of BY_WORDS) {
    const found = codes.test(code) ? words.exec(text) : null;
    if (found !== null) return { explanation, name: found[1] ?? "" };
  }
  return null;
}

/** SQLite blames the database for what it cannot open beside it, such as what a command of another user has left there. */
function findDenied(place: string): string {
  return [place, `${place}-wal`, `${place}-shm`].find(isDenied) ?? place;
}

function isDenied(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isDirectory()) return stat !== undefined;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** Rights on a schema are none on the tables in it. */
function isOwned(cause: unknown): boolean {
  return cause instanceof Error && /must be owner of|permission denied for table/u.test(cause.message);
}

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}

function explainUnknown(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/no such (?:column|table)|(?:column|relation) \S+ does not exist/u.test(text))
    return `it lacks tables of this program (${text}), so it is another program's, or no gateway of this version has used it yet; check identity_path and ledger_path, or start the gateway on it once`;
  if (!/already exists/u.test(text)) return text;
  return `it holds tables that this program did not make (${text}); move it away, or choose another identity_path or ledger_path`;
}

/** Said to callers of the API in place of the reason. */
export const IN_THE_LOG = "the log has the details";

/** The place as callers of the API may read it: they have no business with paths and hosts. */
export const ANY_DATABASE = "The database";

/** Drizzle wraps a driver's error into one whose message repeats the query's parameters: those do not belong in a log. */
function unwrap(error: unknown): unknown {
  return error instanceof Error && error.name !== "PostgresError" && error.cause instanceof Error ? error.cause : error;
}

/** The driver's or the system's code of an error, empty where it has none. */
export function codeOf(error: unknown): string {
  const cause = unwrap(error);
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return "";
  return typeof cause.code === "string" ? cause.code : "";
}

function nameClash(error: unknown): string {
  const constraint =
    typeof error === "object" && error !== null && "constraint_name" in error ? String(error.constraint_name) : "";
  const text = `${constraint} ${error instanceof Error ? error.message : ""}`;
  if (/users[._]email/.test(text)) return "A user with this e-mail already exists.";
  return "This id or API key already exists.";
}

/** Of a row that a database refused, whether another one has its place in its chain: by the name of the index. */
export function isPlaceTaken(reason: string): boolean {
  return /"ledger_(?:entries|recounts)_chain"/u.test(reason);
}
