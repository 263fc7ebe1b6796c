// The local key: a file in the home folder, made by the first gateway that starts there, with which commands at this machine sign what they ask of it. Only
// this user can read it.

import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import type { Config } from "../config/index.ts";
import { createPassGate, makeLocalKey, readLocalKey } from "../identity/index.ts";
import { normalizeAddress } from "../lib/address.ts";
import type { AppParts } from "../server/index.ts";
import type { Log } from "../telemetry/log.ts";

type Home = Pick<Config, "home">;

/** Null where there is none that this user can read. */
export function findLocalKey({ home }: Home): Buffer | null {
  try {
    return readLocalKey(readFileSync(place(home), "utf8"));
  } catch {
    return null;
  }
}

/** A gateway whose home cannot be written works without: commands then take an API key. */
export function openLocalPasses(config: Home, log: Log): Pick<AppParts, "localPasses"> {
  try {
    const key = findLocalKey(config) ?? makeFile(place(config.home));
    return { localPasses: { gate: createPassGate(key, Date.now), isOwn } };
  } catch (error) {
    log.warn("Commands at this machine need an API key: the local key could not be made", { error });
    return {};
  }
}

function place(home: string): string {
  return join(home, "local.key");
}

/** Of two that start together one wins, and both read the same key afterwards. */
function makeFile(path: string): Buffer {
  const draft = `${path}.${randomUUID()}`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(draft, `${makeLocalKey().toString("base64url")}\n`, { mode: 0o600, flag: "wx", flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const key = readLocalKey(readFileSync(path, "utf8"));
  if (key === null) throw new Error(`${path} holds no key: remove it, and start again`);
  return key;
}

/** Loopback, or what an interface of this machine has. */
function isOwn(address: string): boolean {
  const written = normalizeAddress(address);
  if (written === null) return false;
  if (written === "::1" || written.startsWith("127.")) return true;
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return own.some((each) => normalizeAddress(each.address) === written);
}
