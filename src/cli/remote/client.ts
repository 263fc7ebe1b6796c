// Asks a gateway elsewhere, with a key. What cannot be asked twice without harm is asked once; where it leads elsewhere, nobody follows. Knows no
// address of the API.

import { isJsonObject } from "../../ir/index.ts";
import { CliError, EXIT } from "../error.ts";
import { findNextStep } from "../next-step.ts";
import { say } from "../output.ts";
import { explainAnswer, explainRedirect, explainSilence } from "./failure.ts";
import { STRAIGHT, type Target, isClear, isHere } from "./target.ts";

type QueryValue = number | string | readonly string[] | null | undefined;

export interface Question {
  method: "DELETE" | "GET" | "PATCH" | "POST" | "PUT";
  /** From /api on; parts of it that are somebody's words come from `segment`. */
  path: string;
  /** What is undefined or null is left out. */
  query?: Readonly<Record<string, QueryValue>>;
  body?: object;
  headers?: Readonly<Record<string, string>>;
  /** Unless given, two minutes. */
  patienceMs?: number;
}

/** Throws CliErrors that say what is to be done. */
export interface Remote {
  readonly url: string;
  /** The answer's JSON; null where there is none. `brings`: a field that it has, where it is a gateway's. */
  ask<Answer>(question: Question, brings?: string): Promise<Answer>;
  /** The answer as it comes, of any length. */
  open(question: Question, form: Form): Promise<Response>;
}

interface Tools {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  sleep: (ms: number) => Promise<void>;
}

const PATIENCE_MS = 120_000;
/** Longer than that nobody is kept waiting without being asked. */
const MOST_WAIT_MS = 60_000;
const TRIES = 3;
const PAUSE_MS = 250;

export function createRemote({ url, key }: Target, tools: Tools = { fetch, sleep: Bun.sleep }): Remote {
  if (isClear(url)) say(`warning: ${url} is not encrypted: the API key can be read on its way there. Use https.`);
  const open = (question: Question, form: Form): Promise<Response> => send(question, { url, key, tools, form });
  return {
    url,
    open,
    async ask<Answer>(question: Question, brings?: string): Promise<Answer> {
      const response = await open(question, "json");
      return response.status === 204 ? (null as Answer) : readJson<Answer>(response, { url, question, brings });
    },
  };
}

/** Throws a CliError where it is no object, or none of a gateway's, or breaks off. */
export async function readJson<Answer>(
  response: Response,
  { url, question, brings }: { url: string; question: Question; brings?: string | undefined },
): Promise<Answer> {
  const text = await response.text().catch((cause: unknown) => Promise.reject(explainSilence(cause, url)));
  const found = parse(text);
  if (isJsonObject(found) && (brings === undefined || found[brings] !== undefined)) return found as Answer;
  throw refuseStranger(`at ${url}`, question);
}

/** In what the API answers. A page to sign in at, which something before the gateway shows for it, is in none of them. */
const FORMS = { csv: /^text\/csv\b/iu, json: /^application\/json\b/iu, jsonl: /^application\/x-ndjson\b/iu };
type Form = keyof typeof FORMS;

function isSpoken({ status, headers }: Response, { method }: Question, form: Form): boolean {
  return status === 204 ? method !== "GET" : FORMS[form].test(headers.get("content-type") ?? "");
}

function refuseStranger(where: string, { path }: Question): CliError {
  return new CliError(`What answers ${where} is no Tokligence Gateway: ${path} brought something else.`, {
    exitCode: EXIT.failed,
    code: "not_a_gateway",
    hint: "Check the address, and whether something before the gateway wants a sign-in.",
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const A_PAGE = 1_000;

/** All of a list that comes a page at a time. `name`: of the list in the answer. */
export async function askAll<Of>(remote: Pick<Remote, "ask">, question: Question, name: string): Promise<Of[]> {
  const all: Of[] = [];
  const follow = createTrail();
  for (let cursor: string | null = null; ;) {
    const query: Question["query"] = { ...question.query, limit: A_PAGE, cursor };
    const page: Record<string, unknown> = await remote.ask({ ...question, query });
    const items = page[name];
    if (!Array.isArray(items)) throw refuseStranger("there", question);
    all.push(...(items as Of[]));
    cursor = follow(typeof page["next_cursor"] === "string" ? page["next_cursor"] : null);
    if (cursor === null) return all;
  }
}

/** Takes the cursor of each page of a list and gives it back. Throws a CliError where one comes again: that list would never end. */
export function createTrail(): (cursor: string | null) => string | null {
  const seen = new Set<string>();
  return (cursor) => {
    if (cursor === null || !seen.has(cursor)) {
      if (cursor !== null) seen.add(cursor);
      return cursor;
    }
    throw new CliError(
      "The list does not end: the gateway's answer names a page as the next one that it named before.",
      {
        exitCode: EXIT.failed,
        code: "endless_list",
        hint: "Something before the gateway may answer from a cache, or leave out the query of what it is asked.",
      },
    );
  };
}

/** Somebody's words as one part of a path. Such as would lead to another address name nothing. */
export function segment(text: string, what: string): string {
  const word = text.trim();
  if (word !== "" && word !== "." && word !== "..") return encodeURIComponent(word);
  const message = `There is no such ${what}.`;
  throw new CliError(message, { exitCode: EXIT.notFound, code: "not_found", hint: findNextStep(message) });
}

interface Line {
  url: string;
  key: string;
  tools: Tools;
  /** Of the answer. */
  form: Form;
}

async function send(question: Question, line: Line): Promise<Response> {
  const { method, path } = question;
  const { sleep } = line.tools;
  const isHarmless = method === "GET";
  let hasWaited = false;
  for (let attempt = 1; ; attempt++) {
    const isLast = !isHarmless || attempt >= TRIES;
    const response = await call(question, line).catch((cause: unknown) => {
      if (isLast) throw explainSilence(cause, line.url);
      return null;
    });
    if (response?.ok === true && isSpoken(response, question, line.form)) return response;
    if (response?.ok === true) throw refuseStranger(`at ${line.url}`, question);
    if (response !== null) {
      const { status, headers } = response;
      if (status >= 300 && status < 400) throw explainRedirect(status, headers.get("location"), line.url);
      const waitMs = status === 429 ? readWait(headers) : null;
      const isPassing = [502, 503, 504].includes(status) && !isLast;
      if (waitMs !== null && !hasWaited && waitMs <= MOST_WAIT_MS) {
        hasWaited = true;
        await response.body?.cancel();
        say(`note: the gateway takes no more for now; trying again in ${Math.ceil(waitMs / 1000)} s`);
        await sleep(waitMs);
        continue;
      }
      if (!isPassing) {
        const text = await response.text().catch(() => "");
        throw explainAnswer(response, text, { url: line.url, asked: `${method} ${path}` });
      }
      await response.body?.cancel();
    }
    await sleep(PAUSE_MS * 2 ** (attempt - 1));
  }
}

async function call(question: Question, { url, key, tools }: Line): Promise<Response> {
  const { method, path, query = {}, body, headers, patienceMs = PATIENCE_MS } = question;
  const stop = new AbortController();
  // Until it begins to answer: what comes then may be long.
  const timer = setTimeout(() => stop.abort(), patienceMs);
  try {
    return await tools.fetch(`${url}${path}${printQuery(query)}`, {
      method,
      headers: {
        accept: "application/json, */*;q=0.5",
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "manual",
      signal: stop.signal,
      ...(isHere(url) ? STRAIGHT : {}),
    });
  } finally {
    clearTimeout(timer);
  }
}

export function printQuery(query: Readonly<Record<string, QueryValue>>): string {
  const pairs = Object.entries(query).flatMap(([name, value]): [string, string][] => {
    if (value === null || value === undefined) return [];
    return typeof value === "object" ? value.map((each) => [name, each]) : [[name, String(value)]];
  });
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs).toString()}`;
}

function readWait(headers: Headers): number | null {
  const ms = headers.get("retry-after-ms");
  if (ms !== null && /^\d{1,9}$/u.test(ms)) return Number(ms);
  const seconds = headers.get("retry-after");
  return seconds !== null && /^\d{1,6}$/u.test(seconds) ? Number(seconds) * 1000 : null;
}
