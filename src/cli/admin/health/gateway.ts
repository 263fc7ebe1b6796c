// Asks the gateway that runs on this machine, with a key that is made for this one question: whoever can write the database may do all.
// What a process knows of its providers is in its memory, and nowhere else.

import type { Config } from "../../../config/index.ts";
import { type Directory, type IssuedKey } from "../../../identity/index.ts";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS, type PlaceFlags } from "../../flags.ts";
import { OPERATOR, runWithStore } from "../../open.ts";
import { type Question, createRemote, printQuery } from "../../remote/client.ts";
import { KEY_VARIABLE, findTarget, isHere } from "../../remote/target.ts";

export const GATEWAY_ARGS = {
  ...PLACE_ARGS,
  url: {
    type: "string",
    description: "Address of the gateway to ask; unless given, the one that the configuration says, on this machine",
    valueHint: "URL",
  },
} as const;

const PATIENCE_MS = 10_000;

/** Its answer, in the shape that the address has. */
export function askGateway<Answer>(flags: PlaceFlags, question: Question): Promise<Answer> {
  const target = findGiven(flags);
  if (target !== null) return createRemote(target).ask(question);
  return runWithStore(flags, async ({ config, directory }) => {
    const url = (flags.url ?? findAddress(config)).replace(/\/$/u, "");
    // Its certificate is made for the name that clients know it by; whoever is asked elsewhere must prove who he is, as he is given a key.
    const isOwn = flags.url === undefined || isLoopback(flags.url);
    // No key is made, and none is on record as made, where there is nobody to ask.
    await reach(url, "/health/live", { method: "GET", isHere: isOwn });
    const { token, key } = await issue(directory, config);
    try {
      return await ask<Answer>(url, token, { ...question, isHere: isOwn });
    } finally {
      await directory.deleteKey(OPERATOR, key.id, { hard: true });
    }
  });
}

/** An address of this machine without a key is one that this database's own gateway has; nobody elsewhere is given a key that was not meant for him. */
function findGiven(flags: PlaceFlags): ReturnType<typeof findTarget> {
  const isAlone = flags.key === undefined && (process.env[KEY_VARIABLE] ?? "") === "";
  return isAlone && flags.url !== undefined && isHere(flags.url) ? null : findTarget(flags);
}

async function issue(directory: Directory, config: Config): Promise<IssuedKey> {
  const root = await directory.findRoot();
  const name = "admin health (made for one command)";
  return directory.createKey(OPERATOR, root?.id ?? config.adminEmail, {
    name,
    scopes: ["admin"],
    expiresAt: new Date(Date.now() + 6 * PATIENCE_MS),
  });
}

/** One that listens on all addresses listens on this machine's own. */
function findAddress({ http: { hostname, port, tlsCert } }: Config): string {
  const isEvery = hostname === null || hostname === "0.0.0.0" || hostname === "::" || hostname === "";
  const host = isEvery ? "127.0.0.1" : hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${tlsCert === null ? "http" : "https"}://${host}:${port}`;
}

function isLoopback(url: string): boolean {
  const { hostname = "" } = URL.parse(url) ?? {};
  return ["127.0.0.1", "[::1]", "localhost"].includes(hostname);
}

async function ask<Answer>(
  url: string,
  token: string,
  { method, path, query = {}, body, isHere }: Question & { isHere: boolean },
): Promise<Answer> {
  const response = await reach(url, `${path}${printQuery(query)}`, {
    method,
    isHere,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as Answer;
  throw new CliError(readMessage(text) ?? `The gateway at ${url} answered HTTP ${response.status}.`, {
    exitCode: response.status === 404 ? EXIT.notFound : [400, 422].includes(response.status) ? EXIT.usage : EXIT.failed,
    hint: response.status === 401 ? "It works with another database: --url may lead to another gateway." : undefined,
  });
}

async function reach(
  url: string,
  path: string,
  { isHere, ...init }: { method: string; isHere: boolean; headers?: Record<string, string>; body?: string },
): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return await fetch(url + path, { ...init, signal, tls: { rejectUnauthorized: !isHere } });
  } catch (cause) {
    throw new CliError(`No gateway answers at ${url}.`, {
      exitCode: EXIT.unavailable,
      hint: `Start it with "tokligence serve", or say where it is with --url.${nameCause(cause)}`,
    });
  }
}

function nameCause(cause: unknown): string {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : null;
  return typeof code === "string" ? ` (${code})` : "";
}

function readMessage(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    return typeof error?.message === "string" ? error.message : null;
  } catch {
    return null;
  }
}
