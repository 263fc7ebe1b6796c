// What is kept of a change for those who ask later: who made it and from where, what there was and what there is now, without any secret. Each row
// holds on to the one before by its hash. Knows no SQL and no HTTP.

import { hash } from "node:crypto";
import { canonicalize } from "./canonical-json.ts";
import type { Redact } from "./redact.ts";
import { cleanJson, cleanText } from "./text.ts";

/**
 * `configuration`: what a file says; `gateway`: the program by itself; `operator`: whoever holds the database, at the machine; `user`: by a key or a
 * session; `visitor`: somebody who is not signed in.
 */
export const AUTHORS = ["configuration", "gateway", "operator", "user", "visitor"] as const;
export type Author = (typeof AUTHORS)[number];

/** Kind and verb of every change that is recorded; for those who search the record, all that there can be. */
export const CHANGE_ACTIONS = [
  "auth.close_loopback",
  "auth.sign_in",
  "auth.sign_in_failed",
  "auth.sign_out",
  "budget.create",
  "budget.delete",
  "budget.update",
  "cache.clear",
  "identity.connect",
  "identity.disconnect",
  "identity.purge",
  "import.legacy",
  "key.create",
  "key.delete",
  "key.purge",
  "key.revoke",
  "key.rotate",
  "key.update",
  "ledger.chain",
  "ledger.rebuild",
  "ledger.reprice",
  "limit.create",
  "limit.delete",
  "limit.update",
  "link.create",
  "prices.adopt",
  "prices.refresh",
  "provider.create",
  "provider.delete",
  "provider.disable",
  "provider.drain",
  "provider.enable",
  "provider.encrypt",
  "provider.reset",
  "provider.update",
  "retention.hashes",
  "retention.payloads",
  "retention.rows",
  "route.create",
  "route.delete",
  "route.update",
  "session.end",
  "settings.reload",
  "settings.update",
  "user.create",
  "user.delete",
  "user.purge",
  "user.update",
] as const;
export type ChangeAction = (typeof CHANGE_ACTIONS)[number];

/** Who makes a change, and from where. */
export interface Origin {
  actor: Author;
  /** Of the user; null for everybody else. */
  actorId: string | null;
  /** E-mail of the user, what the machine calls the operator, or the identity provider by whose word a visitor came in. */
  actorName: string | null;
  /** Of the API key that speaks for the user; null for a session. */
  keyId: string | null;
  /** At the other end of the connection; null for a command. */
  address: string | null;
  requestId: string | null;
  at: Date;
}

export interface Change {
  action: ChangeAction;
  subjectKind: string;
  /** Null where it concerns all of them. */
  subjectId: string | null;
  /** As it was and as it is, field by field; null where there was or is nothing. Secrets are masked when it is sealed, whoever forgot them. */
  before: object | null;
  after: object | null;
}

type Fields = Readonly<Record<string, unknown>>;

export interface ChangeRow extends Origin, Omit<Change, "action" | "after" | "before"> {
  /** UUIDv7. */
  id: string;
  /** As it lies there, whoever wrote it. */
  action: string;
  chain: string;
  /** From 1, without gaps. */
  seq: number;
  before: Fields | null;
  after: Fields | null;
  /** Of the row before; empty for the first. */
  previous: string;
  hash: string;
}

/** The last link of the chain; 0 and empty before the first row. */
export interface ChangeHead {
  chain: string;
  seq: number;
  hash: string;
}

/** What the names of chains of changes begin with; those of the books begin with what is in hexadecimal. */
export const CHANGE_CHAIN = "changes-";

/** By its name, which its heads attest: those of both lie in one place where they are put off the machine. */
export function isChangeChain(chain: string): boolean {
  return chain.startsWith(CHANGE_CHAIN);
}

/** A change that nobody at all asked for, or of which nothing else is known. */
export function byProgram(actor: "configuration" | "gateway", at = new Date()): Origin {
  return { actor, actorId: null, actorName: null, keyId: null, address: null, requestId: null, at };
}

interface SealInit {
  by: Origin;
  newId: () => string;
  /** Takes known secrets, and what has the form of one, out of every text. */
  redact: Redact;
}

/** Gives changes their places behind `head`, in their order. */
export function sealChanges(
  head: ChangeHead,
  changes: readonly Change[],
  { by, newId, redact }: SealInit,
): ChangeRow[] {
  const told = (text: string | null): string | null => (text === null ? null : redact(cleanText(text)));
  const tell = (fields: object | null): Fields | null => (fields === null ? null : maskFields(fields, redact));
  const who = {
    at: by.at,
    actor: by.actor,
    actorId: told(by.actorId),
    actorName: told(by.actorName),
    keyId: told(by.keyId),
    address: told(by.address),
    requestId: told(by.requestId),
  };
  const { chain } = head;
  let { seq, hash: previous } = head;
  return changes.map(({ action, subjectId, subjectKind, before, after }) => {
    const what = { action, subjectKind, subjectId: told(subjectId), before: tell(before), after: tell(after) };
    const row = { id: newId(), chain, seq: ++seq, ...who, ...what, previous };
    const sealed: ChangeRow = { ...row, hash: linkChange(row) };
    previous = sealed.hash;
    return sealed;
  });
}

/** SHA-256 over the hash before and the digest of the rest, base64url: as the books are chained. */
export function linkChange(row: Omit<ChangeRow, "hash">): string {
  return linkTo(row.previous, hash("sha256", encodeChange(row), "base64url"));
}

/** SHA-256 over the hash before and a row's digest, as base64url: a row is proved by its digest alone, without being shown. */
export function linkTo(previousHash: string, digest: string): string {
  return hash("sha256", `${previousHash}.${digest}`, "base64url");
}

/** The attested bytes: canonical JSON (RFC 8785) of all columns but the two hashes; times are milliseconds, and what is null is left out. */
export function encodeChange(row: Omit<ChangeRow, "hash">): string {
  const { id, chain, seq, at, actor, actorId, actorName, keyId, address, requestId } = row;
  const { action, subjectKind, subjectId, before, after } = row;
  const who = { actor, actorId, actorName, keyId, address, requestId };
  const all = { id, chain, seq, at, ...who, action, subjectKind, subjectId, before, after };
  return canonicalize(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)));
}

const MASK = "[redacted]";

/** What bears such a name is a secret, or what a secret could be found by, whatever it looks like. Numbers are not: `limit_tokens` counts. */
const SECRET_NAME =
  /^key$|(?:^|[_.-])(?:api_?key|authorization|bind_?pw|cipher_?text|cookie|credentials?|digest|dsn|encrypted(?:_key)?|hash|nonce|pass(?:phrase|wd|word)?|pem|private_?key|salt|sealed|secrets?|token)$/iu;

/** Of a database row's fields, those that say nothing to people. */
const INNER = new Set(["revision"]);

/** Names as programs are told them, moments as ISO 8601, and no secret. */
export function maskFields(fields: object, redact: Redact): Fields {
  const named = Object.entries(fields).flatMap(([name, value]) =>
    INNER.has(name) || value === undefined ? [] : [[toSnake(name), value] as const],
  );
  return cleanJson(maskValue(Object.fromEntries(named), redact)) as Fields;
}

function maskValue(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (Array.isArray(value)) return value.map((item) => maskValue(item, redact));
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "object") return typeof value === "boolean" ? value : null;
  if (value === null) return null;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    members.map(([name, member]) => [redact(name), isHidden(name, member) ? MASK : maskValue(member, redact)]),
  );
}

function isHidden(name: string, value: unknown): boolean {
  const isTelling = value !== null && (typeof value === "string" || typeof value === "object");
  return isTelling && SECRET_NAME.test(toSnake(name));
}

function toSnake(name: string): string {
  return name.replaceAll(/(?<=[a-z\d])[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}
