// Asks the gateway that runs on this machine, with a pass that is signed for this one question and kept nowhere: whoever holds the database and the home
// folder may do all. What a process knows of its providers is in its memory, and nowhere else.

import type { Config } from "../../../config/index.ts";
import { makePass } from "../../../identity/index.ts";
import { PASS_HEADER } from "../../../server/index.ts";
import { CliError, EXIT } from "../../error.ts";
import { PLACE_ARGS, type PlaceFlags } from "../../flags.ts";
import { findLocalKey } from "../../local-key.ts";
import { byOperator, runWithStore } from "../../open.ts";
import { type Question, createRemote, printQuery } from "../../remote/client.ts";
import { explainAnswer } from "../../remote/failure.ts";
import { KEY_VARIABLE, STRAIGHT, findTarget, isHere } from "../../remote/target.ts";

export const GATEWAY_ARGS = {
  ...PLACE_ARGS,
  url: {
    type: "string",
    description: "Address of the gateway to ask; unless given, the one that the configuration says, on this machine",
    valueHint: "URL",
  },
} as const;

const PATIENCE_MS = 10_000;

/** Its answer, in the shape that the address has; `brings`: a field of it. */
export function askGateway<Answer>(flags: PlaceFlags, question: Question, brings: string): Promise<Answer> {
  const target = findGiven(flags);
  if (target !== null) return createRemote(target).ask(question, brings);
  return runWithStore(flags, async ({ config, directory }) => {
    const url = (flags.url ?? findAddress(config)).replace(/\/$/u, "");
    // Its certificate is made for the name that clients know it by; whoever is asked elsewhere must prove who he is, as he is given a key.
    const isOwn = flags.url === undefined || isLoopback(flags.url);
    const key = findLocalKey(config);
    if (key === null) {
      await reach(url, "/health/live", { method: "GET", isHere: isOwn });
      throw withoutKey(url, config);
    }
    const root = await directory.findRoot();
    const holder = { userId: root?.id ?? "", name: byOperator().actorName };
    const sign = ({ pathname, search }: URL): string =>
      makePass(key, holder, { method: question.method, target: pathname + search, now: Date.now() });
    return ask<Answer>(url, sign, { ...question, isHere: isOwn });
  });
}

/** An address of this machine without a key is one that this database's own gateway has; nobody elsewhere is given a key that was not meant for him. */
function findGiven(flags: PlaceFlags): ReturnType<typeof findTarget> {
  const isAlone = flags.key === undefined && (process.env[KEY_VARIABLE] ?? "") === "";
  return isAlone && flags.url !== undefined && isHere(flags.url) ? null : findTarget(flags);
}

/** Where the database of the gateway is that is asked: here, unless it is another machine's. */
export function toPlace(flags: PlaceFlags): PlaceFlags {
  return findGiven(flags) === null ? { ...flags, url: undefined } : flags;
}

function withoutKey(url: string, { home }: Config): CliError {
  return new CliError(`The gateway at ${url} has another home folder than ${home}, or this user cannot read it.`, {
    exitCode: EXIT.denied,
    hint: `Run this as the gateway's user, with its home and configuration; or name it with --url and put an API key into ${KEY_VARIABLE}.`,
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
  sign: (at: URL) => string,
  { method, path, query = {}, body, isHere }: Question & { isHere: boolean },
): Promise<Answer> {
  const target = `${path}${printQuery(query)}`;
  const response = await reach(url, target, {
    method,
    isHere,
    headers: { [PASS_HEADER]: sign(new URL(url + target)), "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text) as Answer;
  const failure = explainAnswer(response, text, { url, asked: `${method} ${path}` });
  if (response.status !== 401) throw failure;
  throw new CliError(failure.message, {
    exitCode: EXIT.denied,
    hint: `Give the command the gateway's own configuration, or name it with --url and put an API key into ${KEY_VARIABLE}.`,
  });
}

async function reach(
  url: string,
  path: string,
  { isHere, ...init }: { method: string; isHere: boolean; headers?: Record<string, string>; body?: string },
): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const way = isHere ? STRAIGHT : {};
    return await fetch(url + path, { ...init, ...way, signal, tls: { rejectUnauthorized: !isHere } });
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
