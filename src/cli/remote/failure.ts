// What a gateway elsewhere refused, or why it could not be asked, as the same failures that commands have on the database here. Prints nothing.

import { type ErrorKind, isJsonObject } from "../../ir/index.ts";
import { CliError, chooseExit, EXIT } from "../error.ts";
import { KEY_VARIABLE } from "./target.ts";
import { findNextStep } from "../next-step.ts";
import { printWord } from "../output.ts";

const KINDS: Readonly<Record<number, ErrorKind>> = {
  400: "invalid_request",
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  405: "not_found",
  408: "timeout",
  409: "conflict",
  412: "conflict",
  413: "too_large",
  422: "invalid_request",
  429: "rate_limited",
  500: "internal",
  502: "upstream_unavailable",
  503: "overloaded",
  504: "timeout",
};

/** Of an answer that is no success. `asked`: method and path. */
export function explainAnswer(
  response: Pick<Response, "headers" | "status">,
  text: string,
  { url, asked }: { url: string; asked: string },
): CliError {
  const { status, headers } = response;
  const said = readError(text);
  // A proxy's page, or another program's: nothing in it is to be believed.
  if (said === null) return explainStranger(status, url);
  if (said.code === "unknown_url") {
    return new CliError(`The gateway at ${url} does not know ${asked}.`, {
      exitCode: EXIT.failed,
      code: "older_gateway",
      hint: "It is older than this command: bring both to the same version (tokligence version), or work at its machine.",
    });
  }
  const kind = KINDS[status] ?? "internal";
  const known = findNextStep(said.message);
  const hint = known ?? findHint({ status, code: said.code, url, id: headers.get("x-request-id") });
  return new CliError(said.message, { exitCode: chooseExit(kind), code: said.code ?? kind, hint });
}

export const ADD_PROVIDER =
  '"tokligence admin providers list" shows all, with why one is not in force; "tokligence admin providers add" adds one.';

interface Refused {
  status: number;
  code: string | null;
  url: string;
  id: string | null;
}

function findHint({ status, code, url, id }: Refused): string | undefined {
  switch (status) {
    case 401:
      return `The gateway at ${url} was asked: check ${KEY_VARIABLE} (or --key). tokligence admin api-keys create --user EMAIL makes a key at its machine.`;
    case 403:
      return OF_THIS_KEY.has(code ?? "")
        ? undefined
        : "Use a key whose owner has that role, and that is limited to no scopes or has that one: tokligence admin api-keys create --user EMAIL --scopes admin";
    case 404:
      return code === "unknown_provider" ? ADD_PROVIDER : undefined;
    case 413:
      return "Raise max_body_bytes there, or send less.";
    case 429:
      return "Try again later; the limits there are listed by: tokligence admin limits list";
    default:
      if (status < 500) return undefined;
      return id === null
        ? "The gateway's log tells more."
        : `The gateway's log tells more, under the request id ${id}.`;
  }
}

/** Refusals that another role or scope would not change; what would, they say themselves. */
const OF_THIS_KEY: ReadonlySet<string> = new Set([
  "ip_not_allowed",
  "lifts_bounds",
  "metered_key",
  "own_bounds",
  "root_out_of_reach",
  "scope_not_held",
  "user_suspended",
  "wider_than_own",
]);

function explainStranger(status: number, url: string): CliError {
  if (status === 429 || status >= 500) {
    return new CliError(`What answers at ${url} said HTTP ${status}.`, {
      exitCode: EXIT.unavailable,
      code: "unavailable",
      hint: "Something stands before the gateway, or it is starting: see whether GET /health/ready there says that it is ready.",
    });
  }
  return new CliError(`What answers at ${url} (HTTP ${status}) is no Tokligence Gateway.`, {
    exitCode: EXIT.failed,
    code: "not_a_gateway",
    hint: "Check the address; where the gateway lies behind a path of a proxy, it takes that path, too.",
  });
}

/** In the shape of the gateway's own errors; fields that do not hold stand below the first of them. */
function readError(text: string): { message: string; code: string | null } | null {
  const body = parse(text);
  if (!isJsonObject(body) || !isJsonObject(body["error"])) return null;
  const { message, code } = body["error"] as { message?: unknown; code?: unknown };
  if (typeof message !== "string") return null;
  const { errors } = body;
  const problems = Array.isArray(errors) && errors.length > 1 ? errors.slice(1) : [];
  const lines = problems.flatMap((problem) =>
    isJsonObject(problem) ? [`${printWord(problem["path"])}: ${printWord(problem["message"])}`] : [],
  );
  return { message: [message, ...lines].join("\n"), code: typeof code === "string" ? code : null };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export function explainRedirect(status: number, location: string | null, url: string): CliError {
  const to = location === null ? null : URL.parse(location, url);
  const place = to === null ? "elsewhere" : `to ${to.origin}`;
  return new CliError(`The gateway at ${url} sends us ${place} (HTTP ${status}); the key does not go there.`, {
    exitCode: EXIT.failed,
    code: "redirected",
    hint: "If that is the gateway's address, say it with --url.",
  });
}

/** It could not be asked at all, or broke off. */
export function explainSilence(cause: unknown, url: string): CliError {
  const code = findCode(cause);
  if (isTimeout(cause)) {
    return new CliError(`The gateway at ${url} does not answer.`, {
      exitCode: EXIT.unavailable,
      code: "timeout",
      hint: "See whether it is up, and whether a change was made already: what was asked may still be done.",
    });
  }
  const why = code === null ? "" : ` (${code})`;
  if (code !== null && TLS_CODE.test(code)) {
    return new CliError(`The gateway at ${url} cannot prove who it is${why}.`, {
      exitCode: EXIT.unavailable,
      code: "tls",
      hint: "Its certificate must be made for that name, and be valid. Where its authority is your own, name it in NODE_EXTRA_CA_CERTS=/path/to/ca.pem.",
    });
  }
  return new CliError(`No gateway answers at ${url}${why}.`, {
    exitCode: EXIT.unavailable,
    code: "unavailable",
    hint: 'Check the address, and that it runs ("tokligence serve" starts it).',
  });
}

const TLS_CODE = /CERT|TLS|SSL|UNABLE_TO|SELF_SIGNED|ALTNAME/u;

function findCode(cause: unknown): string | null {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : null;
  return typeof code === "string" ? code : null;
}

function isTimeout(cause: unknown): boolean {
  return cause instanceof Error && ["AbortError", "TimeoutError"].includes(cause.name);
}
