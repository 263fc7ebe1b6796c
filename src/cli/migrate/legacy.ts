// What becomes of rows of the earlier edition here: users, keys and rows of the books, each under an id that follows from what it was, so that
// whoever imports twice imports once. Knows no database.

import { GatewayError } from "../../ir/index.ts";
import { checkEmail, checkName, checkRole, checkStatus, LAST_MOMENT } from "../../identity/check.ts";
import { type ApiKey, SCOPES, type Scope, type User } from "../../identity/index.ts";
import { BLANK_ENTRY, type LedgerEntry } from "../../ledger/index.ts";
import { makeStableId } from "../../lib/stable-id.ts";
import type { LegacyRow } from "../../store/sqlite/legacy.ts";

/** What a row says in `reason`: its figures are the earlier edition's word, and nobody here has measured them. */
export const IMPORTED = "imported";

const refuse = (message: string): GatewayError => new GatewayError({ kind: "invalid_request", message });

/** Throws a GatewayError that says what is wrong with it. */
export function toUser(row: LegacyRow): User {
  const email = checkEmail(row["email"]);
  const createdAt = readMoment(row, "created_at");
  return {
    id: makeStableId(createdAt.getTime(), `legacy user ${email}`),
    email,
    role: checkRole(readText(row, "role")),
    displayName: checkName(readOptional(row, "display_name"), "display_name"),
    status: checkStatus(readOptional(row, "status") ?? "active"),
    createdAt,
    updatedAt: readOptional(row, "updated_at") === null ? createdAt : readMoment(row, "updated_at"),
  };
}

/** Of one that was deleted, and so is not made again: rows of the books go on naming it. */
export function nameGone(row: LegacyRow): string {
  return `legacy-${row.id}`;
}

/** Two people must not become one: the keys of one would open what the other may. */
export function refuseTwin(id: number): GatewayError {
  return refuse(`its e-mail is that of user ${id} but for capital letters or blanks; give one of the two another`);
}

export function refuseOrphan(id: number): GatewayError {
  return refuse(`its user ${id} cannot be taken`);
}

export function isGone(row: LegacyRow): boolean {
  return readOptional(row, "deleted_at") !== null;
}

const HASH = /^[0-9a-f]{64}$/u;
const PREFIX_CHARS = 12;

export interface LegacyKey {
  key: ApiKey;
  hash: string;
  /** Scopes that are none here: the earlier edition wrote them down and never looked at them. */
  unknown: string[];
}

/** The token's hash is the same in both editions, so it goes on working. */
export function toKey(row: LegacyRow, userId: string): LegacyKey {
  const hash = readText(row, "key_hash").trim().toLowerCase();
  if (!HASH.test(hash)) throw refuse("its key_hash is no SHA-256 in hex");
  const createdAt = readMoment(row, "created_at");
  const { scopes, unknown } = readScopes(row);
  const key: ApiKey = {
    id: makeStableId(createdAt.getTime(), `legacy key ${hash}`),
    userId,
    name: null,
    prefix: readText(row, "key_prefix").slice(0, PREFIX_CHARS),
    scopes,
    strict: false,
    allowedModels: [],
    allowedProviders: [],
    allowedIps: [],
    tags: [],
    former: [],
    expiresAt: readOptional(row, "expires_at") === null ? null : readMoment(row, "expires_at"),
    lastUsedAt: null,
    revokedAt: null,
    createdAt,
    updatedAt: createdAt,
  };
  return { key, hash, unknown };
}

/** None stands for all that the owner may do, so a key that had only words which mean nothing here gets to call models, and no more. */
function readScopes(row: LegacyRow): { scopes: Scope[]; unknown: string[] } {
  const text = readOptional(row, "scopes") ?? "";
  if (text.trim() === "" || text.trim() === "null") return { scopes: [], unknown: [] };
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw refuse("its scopes are no JSON");
  }
  if (!Array.isArray(list) || !list.every((scope) => typeof scope === "string"))
    throw refuse("its scopes are no list of words");
  const words: string[] = [...new Set(list)];
  const scopes = words.filter(isScope);
  const unknown = words.filter((word) => !isScope(word));
  return { scopes: words.length > 0 && scopes.length === 0 ? ["inference"] : scopes, unknown };
}

function isScope(word: string): word is Scope {
  return Object.hasOwn(SCOPES, word);
}

/** What two machines may differ by. */
const CLOCKS_APART_MS = 24 * 3_600_000;

interface Owners {
  user: string;
  key: string;
}

/** As a row of the books that says where it is from: no model, no provider and no cost were written down then. */
export function toEntry(row: LegacyRow, { user, key }: Owners, nowMs: number): LedgerEntry {
  const createdAt = readMoment(row, "created_at");
  // It would hold up what is removed by age behind it.
  if (createdAt.getTime() > nowMs + CLOCKS_APART_MS) throw refuse("its created_at lies in the future");
  const direction = readOptional(row, "direction") ?? "consume";
  if (direction !== "consume" && direction !== "supply") throw refuse(`its direction is neither consume nor supply`);
  const memo = readOptional(row, "memo") ?? "";
  const [input, output] = [readCount(row, "prompt_tokens"), readCount(row, "completion_tokens")];
  const uuid = readOptional(row, "uuid");
  // By nothing of what is here: the same row is the same whenever it comes.
  const own = [row.id, uuid ?? "", String(row["user_id"]), input, output].join(" ");
  const id = makeStableId(createdAt.getTime(), `legacy usage ${own}`);
  return {
    ...BLANK_ENTRY,
    id,
    requestId: uuid ?? id,
    createdAt,
    userId: user,
    apiKeyId: key,
    tags: [IMPORTED],
    reason: IMPORTED,
    endpoint: nameEndpoint(memo),
    direction,
    freshInputTokens: input,
    outputTokens: output,
    // Some were the provider's own count and some a guess; which, nobody wrote down, nor how long it took.
    usageSource: "imported",
    status: 200,
    streamed: /stream/iu.test(memo),
  };
}

/** `chat.completions(stream)`, `anthropic.messages(passthrough)`: the surface without what stands behind it. */
function nameEndpoint(memo: string): string {
  const name = memo
    .replace(/\(.*$/u, "")
    .replace(/^[a-z]+\.(?=messages$)/u, "")
    .trim();
  return name === "" ? "unknown" : name;
}

function readText(row: LegacyRow, name: string): string {
  const text = readOptional(row, name);
  if (text === null) throw refuse(`its ${name} is missing`);
  return text;
}

/** Null where it is empty, or where this file has no such column. */
function readOptional(row: LegacyRow, name: string): string | null {
  const value = row[name];
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") return String(value);
  throw refuse(`its ${name} cannot be read`);
}

/** What a provider says beyond it is taken for no count, either. */
const MOST_TOKENS = 1e9;

function readCount(row: LegacyRow, name: string): number {
  const text = readOptional(row, name) ?? "0";
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0 || count > MOST_TOKENS)
    throw refuse(`its ${name} is no count: ${JSON.stringify(text)}`);
  return count;
}

/**
 * As its drivers wrote and read them: `2025-01-02 03:04:05.678901+02:00`, with a T, with a zone's name behind, or none, which is UTC; without seconds
 * or a time; or seconds, or milliseconds, since 1970. https://github.com/mattn/go-sqlite3/blob/master/sqlite3.go (SQLiteTimestampFormats)
 */
const MOMENT =
  /^(?<day>\d{4}-\d\d-\d\d)(?:[ T](?<time>\d\d:\d\d(?::\d\d)?)(?<fraction>\.\d+)?\s*(?:(?<zone>Z|[+-]\d\d:?\d\d)(?:\s.*)?)?)?$/u;
const SINCE_1970 = /^\d{9,13}$/u;
/** What is more are milliseconds. */
const MOST_SECONDS = 1e11;

function readMoment(row: LegacyRow, name: string): Date {
  const text = readText(row, name);
  const ms = SINCE_1970.test(text.trim()) ? readNumber(Number(text)) : parseMoment(text.trim());
  if (Number.isNaN(ms) || ms < 0 || ms > LAST_MOMENT)
    throw refuse(`its ${name} is no moment: ${JSON.stringify(text.slice(0, 60))}`);
  return new Date(ms);
}

function readNumber(since: number): number {
  return since > MOST_SECONDS ? since : since * 1_000;
}

function parseMoment(text: string): number {
  const { day = "", time = "00:00", fraction = "", zone = "Z" } = MOMENT.exec(text)?.groups ?? {};
  // Else the thirtieth of February would be one of March.
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, day.length) !== day) return Number.NaN;
  const offset = zone.replace(/^([+-]\d\d):?(\d\d)$/u, "$1:$2");
  // Parts of a millisecond are dropped.
  return Date.parse(`${day}T${time.length === 5 ? `${time}:00` : time}${fraction.slice(0, 4)}${offset}`);
}
