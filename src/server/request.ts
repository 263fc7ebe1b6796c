// Reads what HTTP brings: the request's id, the key in its headers, the body within its limit. Knows no route and no format.

import type { z } from "zod";
import {
  type Caller,
  type KeyFault,
  type KeyRing,
  explainFault,
  explainSessionFault,
  isTokenShaped,
} from "../identity/index.ts";
import { GatewayError, invalidRequest } from "../ir/index.ts";
import { parseBody, refuseRepeatedAnywhere } from "../gateway/index.ts";
import { holdsKey } from "../lib/redact.ts";
import { readShape } from "./problem.ts";
import { SESSION_COOKIE, readCookie } from "./sign-in/cookie.ts";
import { isSecure } from "./sign-in/origin.ts";

const SANE_ID = /^[\w.:-]{1,128}$/u;

/** The client's own id where it is harmless in headers, logs and rows, else a new one. */
export function chooseRequestId(headers: Headers, newId: () => string): string {
  const given = headers.get("x-request-id");
  return given !== null && SANE_ID.test(given) && !holdsKey(given) ? given : newId();
}

/**
 * Who calls, told from the key alone, or from a session's cookie where `sessions` are taken; at once where it is known. Throws unauthenticated, or
 * forbidden for a suspended user.
 */
export function identify(
  { headers, url }: Pick<Request, "headers" | "url">,
  ring: Pick<KeyRing, "resolve" | "resolveLate" | "resolveSession" | "resolveSessionLate">,
  sessions: { publicUrl: string | null } | null = null,
): Caller | Promise<Caller> {
  const cookie = sessions === null ? null : readCookie(headers, SESSION_COOKIE, isSecure(url, sessions.publicUrl));
  const token = readToken(headers) ?? readKeyParameter(url, cookie !== null);
  if (token === null) {
    if (cookie !== null) return identifySession(cookie, ring);
    throw new GatewayError({
      kind: "unauthenticated",
      code: "invalid_api_key",
      message:
        'No API key was sent. Send it as "Authorization: Bearer tok_…" or in one of the headers X-API-Key, API-Key and X-Goog-API-Key.',
    });
  }
  const found = ring.resolve(token);
  if (typeof found === "object") return found;
  return found === "unknown" ? ring.resolveLate(token).then(admit) : admit(found);
}

/** Throws invalid_request where the client's `Host` makes no address of it. */
export function readUrl({ url }: Pick<Request, "url">): URL {
  const found = URL.parse(url);
  if (found !== null) return found;
  throw invalidRequest("The header Host names no host.", "host", "invalid_header");
}

/** Without the caller's own key, which is no filter by a key. */
export function readQuery(request: Pick<Request, "url">): URLSearchParams {
  const { searchParams } = readUrl(request);
  for (const key of searchParams.getAll("key")) if (isTokenShaped(key)) searchParams.delete("key", key);
  return searchParams;
}

/** Whether a key was sent at all. */
export function hasKey({ headers, url }: Pick<Request, "headers" | "url">): boolean {
  return (readToken(headers) ?? readKeyParameter(url)) !== null;
}

function identifySession(
  cookie: string,
  ring: Pick<KeyRing, "resolveSession" | "resolveSessionLate">,
): Caller | Promise<Caller> {
  const found = ring.resolveSession(cookie);
  if (typeof found === "object") return found;
  const isLost = found === "unknown" || found === "expired";
  return isLost ? ring.resolveSessionLate(cookie).then(admitSession) : admitSession(found);
}

function admitSession(found: Caller | KeyFault): Caller {
  if (typeof found === "object") return found;
  throw explainSessionFault(found);
}

function admit(found: Caller | KeyFault): Caller {
  if (typeof found === "object") return found;
  throw explainFault(found);
}

function readToken(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const space = authorization.indexOf(" ");
    if (space > 0 && authorization.slice(0, space).toLowerCase() === "bearer")
      return authorization.slice(space + 1).trim();
  }
  for (const name of KEY_HEADERS) {
    const value = headers.get(name);
    if (value !== null) return value;
  }
  return readProtocols(headers).token;
}

const PROTOCOL_KEY = /^[\w-]+-insecure-api-key\.(.+)$/u;

/** Sub-protocols that a WebSocket's client offers; browsers, which can set no header, put the key among them. */
export function readProtocols(headers: Headers): { names: string[]; token: string | null } {
  const offered = headers.get("sec-websocket-protocol");
  if (offered === null) return { names: [], token: null };
  const all = offered.split(",").map((name) => name.trim());
  const token = all.map((name) => PROTOCOL_KEY.exec(name)?.[1]).find((key) => key !== undefined) ?? null;
  return { names: all.filter((name) => name !== "" && !PROTOCOL_KEY.test(name)), token };
}

/** Each is what the clients of one format send. */
const KEY_HEADERS = ["x-api-key", "api-key", "x-goog-api-key"] as const;

/**
 * `?key=`, as some clients send it. No log, error or row ever shows a query. `isElsewhere`: who calls is said there, and what is no key is a filter by
 * one.
 */
function readKeyParameter(url: string, isElsewhere = false): string | null {
  const query = url.indexOf("?");
  if (query === -1 || !url.includes("key=", query)) return null;
  const said = new URLSearchParams(url.slice(query)).getAll("key");
  return said.find(isTokenShaped) ?? (isElsewhere ? null : (said[0] ?? null));
}

/** The body's text. Throws too_large past `limit` bytes, whether the client said the size beforehand or not. */
export async function readText(request: Request, limit: number): Promise<string> {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw invalidRequest(
      `Request bodies must not be compressed, and this one is (${encoding}).`,
      undefined,
      "unsupported_encoding",
    );
  }
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) > limit) throw tooLarge(limit);
  try {
    return length === null ? await readCounted(request, limit) : await request.text();
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError({
      kind: "cancelled",
      message: "The client broke off while it sent its request.",
      cause: error,
    });
  }
}

async function readCounted(request: Request, limit: number): Promise<string> {
  if (request.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.byteLength;
    if (bytes > limit) throw tooLarge(limit);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(limit: number): GatewayError {
  const advice = limit === BRIEF_BYTES ? "Nothing that is asked here is so long." : ADVICE;
  return new GatewayError({
    kind: "too_large",
    code: "request_too_large",
    message: `The request body is larger than ${limit} bytes. ${advice}`,
  });
}

/** Of what anybody may ask, without a key: nobody who is unknown fills memory. */
export const BRIEF_BYTES = 16_000;
const ADVICE = "Send less, or let the operator raise max_body_bytes.";

/** Says where a body breaks off without a word of it: it may be a key that lost its quotes. */
function parseQuietly(text: string): unknown {
  try {
    const said = parseBody(text);
    refuseRepeatedAnywhere(text);
    if (!MAY_BE_ENDLESS.test(text) || !holdsEndless(said)) return said;
    throw invalidRequest("The request body holds a number that is too large to be read.", undefined, "invalid_json");
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "invalid_json") throw error;
    throw invalidRequest(error.message.replaceAll(/\s*"[^"]*"/gu, ""), undefined, error.code);
  }
}

/** Spares all other bodies the walk. */
const MAY_BE_ENDLESS = /\de\+?\d{3}|\d{200}/iu;

/** Such as `1e400`, of which JSON makes no number. */
function holdsEndless(value: unknown): boolean {
  if (typeof value === "number") return !Number.isFinite(value);
  return typeof value === "object" && value !== null && Object.values(value).some(holdsEndless);
}

/** A JSON body checked against its schema; all that is wrong is told, with the fields' paths. An empty body counts as `{}`. */
export async function readJson<Schema extends z.ZodType>(
  request: Request,
  limit: number,
  schema: Schema,
  judge?: Parameters<typeof readShape<Schema>>[2],
): Promise<z.output<Schema>> {
  const text = await readText(request, limit);
  return readShape(text.trim() === "" ? {} : parseQuietly(text), schema, judge);
}

/** Both engines hold it, and nothing is changed so often. */
const NO_VERSION = 2_147_483_647;

/** `If-Match: "3"` or `*` for any that `isThere`, and `If-None-Match: *` for one that is not to be there. */
export function readExpected({ headers }: Request, isThere = true): number | undefined {
  if (headers.get("if-none-match") === "*") return 0;
  const tag = headers.get("if-match");
  if (tag === "*" && !isThere) return NO_VERSION;
  if (tag === null || tag === "*") return undefined;
  const [, version] = /^(?:W\/)?"?(\d{1,9})"?$/u.exec(tag.trim()) ?? [];
  if (version !== undefined) return Number(version);
  // Another thing's, or another program's: no version of ours is so called.
  if (/^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/u.test(tag.trim())) return NO_VERSION;
  throw invalidRequest(
    'If-Match names no version: send it as it came in ETag, such as "3".',
    "if-match",
    "invalid_header",
  );
}
