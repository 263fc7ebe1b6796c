// Which gateway a command is meant for: flags first, then the environment. Asks nobody.

import { isTokenShaped } from "../../identity/index.ts";
import { CliError, EXIT } from "../error.ts";
import type { PlaceFlags } from "../flags.ts";
import { refuseValue } from "../value.ts";

export interface Target {
  /** Without a slash at its end. */
  url: string;
  key: string;
}

const URL_VARIABLE = "TOKLIGENCE_URL";
export const KEY_VARIABLE = "TOKLIGENCE_KEY";

/** Whether a gateway is named at all, rightly or not. */
export function isNamed(flags: PlaceFlags): boolean {
  return (flags.url ?? readVariable(process.env, URL_VARIABLE)) !== undefined;
}

/** Its address, without a slash at its end; null where none is named. Throws a CliError for what is no address. */
export function findUrl(flags: PlaceFlags): string | null {
  const said = flags.url ?? readVariable(process.env, URL_VARIABLE);
  return said === undefined ? null : readUrl(said, flags.url === undefined ? URL_VARIABLE : "--url");
}

/** Null: the database here. Throws a CliError for what is no address or no key, without a word of the key. */
export function findTarget(flags: PlaceFlags, env: NodeJS.ProcessEnv = process.env): Target | null {
  const said = flags.url ?? readVariable(env, URL_VARIABLE);
  if (said === undefined) {
    if (flags.key === undefined) return null;
    throw refuseValue("key", `it is for a gateway elsewhere; say which, with --url or ${URL_VARIABLE}`);
  }
  const url = readUrl(said, flags.url === undefined ? URL_VARIABLE : "--url");
  const key = (flags.key ?? readVariable(env, KEY_VARIABLE))?.trim();
  if (key === undefined) {
    throw new CliError(`There is no API key for the gateway at ${url}.`, {
      exitCode: EXIT.usage,
      hint: `Put it into ${KEY_VARIABLE}, or give it with --key. Its administrator makes one: tokligence admin api-keys create --user EMAIL`,
    });
  }
  if (isTokenShaped(key)) return { url, key };
  throw new CliError(
    `${flags.key === undefined ? KEY_VARIABLE : "--key"} holds no API key of a gateway: these begin with tok_ and have 47 characters.`,
    {
      exitCode: EXIT.usage,
      hint: "tokligence admin api-keys create --user EMAIL prints one, at the gateway's machine.",
    },
  );
}

/** Whether the key could be read on its way. */
export function isClear(url: string): boolean {
  return URL.parse(url)?.protocol === "http:" && !isHere(url);
}

/** Whether it is an address of this very machine, whatever listens there. */
export function isHere(url: string): boolean {
  const { hostname = "" } = URL.parse(url) ?? {};
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/u.test(hostname);
}

/** How a gateway of this machine is asked: a proxy of the environment is for others, cannot reach it, and is to see no key for it. */
export const STRAIGHT = { proxy: false } as const;

/**
 * For commands where `--key` names a key of which they speak: a whole token is the key that opens the gateway elsewhere, where there is one, and
 * anything else is what they have always taken it for.
 */
export function splitKey<Flags extends PlaceFlags>(flags: Flags): { flags: Flags; named: string | undefined } {
  const { key } = flags;
  if (key !== undefined && isNamed(flags) && isTokenShaped(key)) return { flags, named: undefined };
  return { flags: { ...flags, key: undefined }, named: key };
}

function readVariable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const text = env[name]?.trim() ?? "";
  return text === "" ? undefined : text;
}

function readUrl(said: string, origin: string): string {
  const refuse = (what: string): CliError =>
    new CliError(`${origin}: ${what}`, {
      exitCode: EXIT.usage,
      hint: "Write it like https://gateway.example.com, or http://127.0.0.1:8081 on this machine.",
    });
  const url = URL.parse(said.trim());
  if (url === null || !["http:", "https:"].includes(url.protocol)) throw refuse("it is no http or https address");
  if (url.username !== "" || url.password !== "") throw refuse("a name and password in an address are not used");
  if (url.search !== "" || url.hash !== "") throw refuse("it is the address of the gateway alone, without ? and #");
  // As clients are given it: what lies under it is ours to know.
  return `${url.origin}${url.pathname.replace(/\/+$/u, "").replace(/\/v1$/u, "")}`;
}
