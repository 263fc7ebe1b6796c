// What an address asks of the books: filters, stretches of time and groups, read from its query. Knows no SQL.

import { type Caller, type Directory, allows } from "../identity/index.ts";
import { GatewayError, checkAll, invalidRequest } from "../ir/index.ts";
import { type Dimension, DIMENSIONS, EXPORT_FORMATS, type ExportFormat, type LedgerFilter } from "../ledger/index.ts";
import { parseDuration } from "../lib/duration.ts";
import { isOwnerId } from "../lib/owner-id.ts";
import { type Bucket, BUCKETS, findZone, parseMoment, UTC, type Zone } from "../lib/zone.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1_000;
/** What both engines can hold, and what a row can be. */
const FIRST_MS = Date.UTC(1970, 0, 1);
const LAST_MS = Date.UTC(10_000, 0, 1);

interface Asked {
  query: URLSearchParams;
  caller: Caller;
  directory: Directory;
  nowMs: number;
  /** What else is read of the query: what is wrong there is told with the rest. */
  also?: () => unknown;
}

export async function readFilter({ query, caller, directory, nowMs, also }: Asked): Promise<LedgerFilter> {
  const userId = await readUser(query.get("user"), caller, directory);
  const [status, direction] = [query.get("status"), query.get("direction")];
  const {
    span,
    tags,
    also: _read,
    ...read
  } = checkAll({
    span: () => readSpan(query, nowMs),
    model: () => readText(query, "model"),
    provider: () => readText(query, "provider"),
    endpoint: () => readText(query, "endpoint"),
    apiKeyId: () => readText(query, "key"),
    status: () => (status === null ? null : readStatus(status)),
    tags: () => readTags(query),
    direction: () => (direction === null ? null : readDirection(direction)),
    also,
  });
  const said = Object.entries({ userId, ...read }).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(said), ...span, ...(tags.length === 0 ? {} : { tags }) };
}

/** `from`, `to` and `tz`. */
export function readSpan(query: URLSearchParams, nowMs: number): { from?: Date; to?: Date } {
  // Where the zone is none, what else is wrong is told as well.
  const zone = findZone(query.get("tz") ?? "UTC") ?? UTC;
  const { from, to } = checkAll({
    zone: () => readZone(query),
    from: () => readTime(query, "from", zone, nowMs),
    to: () => readTime(query, "to", zone, nowMs),
  });
  if (from !== null && to !== null && from >= to) throw invalidRequest("from must be before to.", "from");
  return { ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) };
}

function readTags(query: URLSearchParams): string[] {
  const tags = query.getAll("tag");
  if (tags.includes("")) throw invalidRequest("tag must not be empty.", "tag");
  return [...new Set(tags)];
}

/** Without `user`, the caller's own. `user=all` and other users' are for administrators. Null: everyone. */
async function readUser(wanted: string | null, caller: Caller, directory: Directory): Promise<string | null> {
  if (wanted === "") throw invalidRequest("user must be the id or e-mail of a user, or all.", "user");
  const name = wanted?.toLowerCase();
  if (name === undefined || name === caller.userId || name === caller.email) return caller.userId;
  if (!allows(caller, "ledger:read")) {
    throw new GatewayError({
      kind: "forbidden",
      message: "To read another user's usage takes the scope ledger:read, and an administrator.",
      param: "user",
    });
  }
  if (name === "all") return null;
  // Taken as it is: the books also hold what users did that are gone.
  return isOwnerId(name) ? name : (await directory.getUser(name)).id;
}

export function readZone(query: URLSearchParams): Zone {
  const name = query.get("tz");
  if (name === null) return UTC;
  const zone = findZone(name);
  if (zone === null) throw invalidRequest("tz must be a time zone of the IANA database, such as Europe/Berlin.", "tz");
  return zone;
}

export function readTime(query: URLSearchParams, name: string, zone: Zone, nowMs: number): Date | null {
  const text = query.get(name);
  if (text === null) return null;
  const age = parseDuration(text);
  const time = age === null ? parseMoment(text, zone) : Math.max(FIRST_MS, nowMs - age);
  if (time !== null && time >= FIRST_MS && time < LAST_MS) return new Date(time);
  throw invalidRequest(
    `${name} must be a time such as 2026-01-31T00:00:00Z or 2026-01-31 (in tz), or how long ago it was, such as 24h or 7d.`,
    name,
  );
}

export function readText(query: URLSearchParams, name: string): string | null {
  const text = query.get(name);
  if (text === "") throw invalidRequest(`${name} must not be empty.`, name);
  return text;
}

function readStatus(text: string): number {
  if (/^[1-5]xx$/iu.test(text)) return Number(text[0]);
  if (/^[1-5]\d\d$/u.test(text)) return Number(text);
  throw invalidRequest("status must be an HTTP status such as 429, or a class such as 5xx.", "status");
}

function readDirection(text: string): "consume" | "supply" {
  if (text === "consume" || text === "supply") return text;
  throw invalidRequest("direction must be consume or supply.", "direction");
}

export function readLimit(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,9}$/u.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_LIMIT) {
    throw invalidRequest(`limit must be a whole number from 1 to ${MAX_LIMIT}.`, "limit");
  }
  return limit;
}

/** `by=model,provider`, or `by` several times. */
export function readBy(query: URLSearchParams): Dimension[] {
  const names = query
    .getAll("by")
    .flatMap((text) => text.split(","))
    .map((name) => name.trim());
  const known = names.filter((name): name is Dimension => (DIMENSIONS as readonly string[]).includes(name));
  if (known.length > 0 && known.length === names.length && new Set(names).size === names.length) return known;
  throw invalidRequest(`by must be one or several of ${DIMENSIONS.join(", ")}, separated by commas.`, "by");
}

export function readFormat(query: URLSearchParams): ExportFormat {
  const format = query.get("format");
  const known = EXPORT_FORMATS.find((name) => name === format);
  if (known !== undefined) return known;
  throw invalidRequest(`format must be ${EXPORT_FORMATS.join(" or ")}.`, "format");
}

export function readBucket(query: URLSearchParams): Bucket {
  const text = query.get("bucket") ?? "day";
  const bucket = BUCKETS.find((name) => name === text);
  if (bucket !== undefined) return bucket;
  throw invalidRequest(`bucket must be one of ${BUCKETS.join(", ")}.`, "bucket");
}
