// What may be said of users and keys: each function takes a caller's word and answers the value, or says what is wrong. Knows no store.

import { type GatewayError, invalidRequest } from "../ir/index.ts";
import { findNearest } from "../lib/nearest.ts";
import { findUnseen, sayUnseen, showUnseen } from "../lib/unseen.ts";
import { type Role, ROLES, type Scope, SCOPES, type Status, STATUSES } from "./model.ts";

const EMAIL_MAX = 254;
const LOCAL_PART_MAX = 64;
const NAME_MAX = 200;
/** Something, an @, something; no spaces, control characters, or what mail headers give a meaning to. `admin@local` is fine. */
const EMAIL = /^[^\s\p{C}@"(),:;<>[\\\]]+@[^\s\p{C}@"(),:;<>[\\\]]+$/u;
/** The last moment that both engines can write and read back. */
export const LAST_MOMENT = Date.UTC(9999, 11, 31);

/** Lower case and trimmed: the one spelling under which an address is kept and found. */
export function normalizeEmail(text: string): string {
  return text.trim().normalize("NFC").toLowerCase();
}

export function checkEmail(text: unknown): string {
  const email = typeof text === "string" ? normalizeEmail(text) : "";
  if (email === "") throw invalidRequest("An e-mail address is required.", "email");
  if (email.length > EMAIL_MAX) throw invalidRequest(`An e-mail address has at most ${EMAIL_MAX} characters.`, "email");
  const [local = "", domain = ""] = email.split("@");
  const dotted = `.${local}.${domain}.`;
  if (!EMAIL.test(email) || findUnseen(email) !== null || local.length > LOCAL_PART_MAX || dotted.includes("..")) {
    throw invalidRequest(`"${shorten(email)}" is not an e-mail address such as ada@example.com.`, "email");
  }
  return email;
}

/** What an address begins with, in the spelling in which it is kept. */
export function checkPrefix(text: string): string {
  const prefix = text.trimStart().normalize("NFC").toLowerCase();
  if (prefix === "" || prefix.length > EMAIL_MAX || /\p{C}/u.test(prefix)) {
    throw invalidRequest(`The beginning of an e-mail address has 1 to ${EMAIL_MAX} characters.`, "email");
  }
  return prefix;
}

export function checkRole(text: string): Role {
  return (
    ROLES.find((role) => role === text) ??
    fail(invalidRequest(`There is no role "${shorten(text)}"${suggest(text, ROLES)}; use ${list(ROLES)}.`, "role"))
  );
}

/** `inactive` is an old word for `suspended`. */
export function checkStatus(text: string): Status {
  const word = text === "inactive" ? "suspended" : text;
  return (
    STATUSES.find((status) => status === word) ??
    fail(
      invalidRequest(
        `There is no status "${shorten(text)}"${suggest(text, STATUSES)}; use ${list(STATUSES)}.`,
        "status",
      ),
    )
  );
}

/** A name to show; empty clears it. */
export function checkName(text: string | null, param: "display_name" | "name"): string | null {
  const name = text?.trim() ?? "";
  if (name === "") return null;
  if (name.length > NAME_MAX) throw invalidRequest(`A name has at most ${NAME_MAX} characters.`, param);
  const unseen = findUnseen(name);
  if (unseen !== null) throw invalidRequest(`A name cannot hold ${sayUnseen(unseen)}.`, param);
  return name;
}

/** Each once, in the order given. */
export function checkScopes(scopes: readonly string[]): Scope[] {
  const unknown = scopes.filter((scope) => !isScope(scope));
  if (unknown.length > 0) {
    const known = Object.keys(SCOPES);
    const near = unknown.length === 1 ? suggest(unknown[0] ?? "", known) : "";
    throw invalidRequest(`There is no scope ${quoteAll(unknown)}${near}; use ${list(known)}.`, "scopes");
  }
  return [...new Set(scopes.filter(isScope))];
}

/** @param now epoch milliseconds */
export function checkExpiry(expiresAt: Date | null | undefined, now: number): Date | null {
  if (expiresAt === undefined || expiresAt === null) return null;
  const moment = expiresAt.getTime();
  if (Number.isNaN(moment) || moment > LAST_MOMENT)
    throw invalidRequest(
      "The expiry is a date and time before the year 9999, such as 2026-12-31T00:00:00Z.",
      "expires_at",
    );
  if (moment <= now)
    throw invalidRequest("The expiry lies in the past; it is a moment to come, or null for none.", "expires_at");
  return expiresAt;
}

function isScope(text: string): text is Scope {
  return Object.hasOwn(SCOPES, text);
}

function suggest(text: string, known: readonly string[]): string {
  const [near] = findNearest(text.slice(0, EMAIL_MAX), known, 1);
  return near === undefined ? "" : ` (did you mean "${near}"?)`;
}

function list(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

const MAX_QUOTED = 10;

/** Several words that a caller wrote, likewise. */
export function quoteAll(words: readonly string[]): string {
  const quoted = [...new Set(words)].slice(0, MAX_QUOTED).map((word) => `"${shorten(word)}"`);
  return words.length > MAX_QUOTED ? `${quoted.join(", ")} …` : quoted.join(", ");
}

/** What a caller wrote, for a message: never long, never with line breaks. */
export function shorten(text: string): string {
  const plain = showUnseen(text);
  return plain.length > 60 ? `${plain.slice(0, 60)}…` : plain;
}

function fail(error: GatewayError): never {
  throw error;
}
