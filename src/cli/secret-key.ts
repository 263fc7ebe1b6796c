// The keys that providers' credentials are encrypted with: what the configuration says, or else a file of our own, made at first use. Knows no
// database and no cipher.

import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "../config/index.ts";
import type { SecretKeys } from "../gateway/index.ts";
import { GatewayError } from "../ir/index.ts";
import { type SealKey, makeSealKey, printSealKey, readSealKeys } from "../lib/seal.ts";

const ABOUT = `# Providers' keys that were set while the gateway ran are encrypted with the first of these; the others only open what is older.
# Whoever has this file and the database can read them. Without it they must be set again: keep a copy, apart from the database's.
`;

/** Every look is at the file as it is now: another process may have changed it. Throw GatewayErrors that name the file, and nothing of a key. */
export function openSecretKeys(config: () => Pick<Config, "home" | "secretKeys">): SecretKeys {
  const place = (): string => join(config().home, "secret.key");
  const said = (): SealKey[] => config().secretKeys.flatMap((text) => readSealKeys(text) ?? []);
  const list = (): SealKey[] => {
    const own = said();
    // What was encrypted before the configuration said one is still opened.
    return own.length > 0 ? [...own, ...readQuietly(place())] : (readFile(place()) ?? []);
  };
  return {
    list,
    current() {
      const [first] = list();
      if (first !== undefined) return first;
      makeFile(place());
      const [made] = list();
      if (made === undefined) throw refuse(place(), "it could not be made");
      return made;
    },
    isOwn: () => said().length === 0,
    begin: () =>
      withLock(place(), () => {
        const key = makeSealKey();
        writeFile(place(), [key, ...(readFile(place()) ?? [])]);
        return key;
      }),
    forgetBehind: (id) =>
      withLock(place(), () => {
        const known = readFile(place()) ?? [];
        const at = known.findIndex((key) => key.id === id);
        if (at !== -1 && at < known.length - 1) writeFile(place(), known.slice(0, at + 1));
      }),
  };
}

/** The work takes moments: what is older was left behind by a process that died. */
const STALE_MS = 10_000;

/** Of two that change the file at once, neither may lose what the other wrote: a key that is lost takes with it all that it encrypted. */
function withLock<T>(path: string, work: () => T): T {
  const lock = `${path}.lock`;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  takeLock(path, lock);
  try {
    return work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(path: string, lock: string): void {
  for (const isLast of [false, true]) {
    try {
      writeFileSync(lock, "", { mode: 0o600, flag: "wx" });
      return;
    } catch (error) {
      if (readCode(error) !== "EEXIST") throw refuse(path, `it could not be locked (${readCode(error)})`);
      const ageMs = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if (isLast || ageMs < STALE_MS) throw refuse(path, "another process is changing it; try again in a moment");
      rmSync(lock, { force: true });
    }
  }
}

function readQuietly(path: string): SealKey[] {
  try {
    return readFile(path) ?? [];
  } catch {
    return [];
  }
}

function readFile(path: string): SealKey[] | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (readCode(error) === "ENOENT") return null;
    throw refuse(path, `it cannot be read (${readCode(error)})`);
  }
  const keys = readSealKeys(text);
  if (keys === null) throw refuse(path, "it holds something that is no key (32 bytes in base64, one a line)");
  return keys;
}

/** Of two that start together one wins, and both read the same key afterwards. */
function makeFile(path: string): void {
  const draft = writeDraft(path, [makeSealKey()]);
  try {
    linkSync(draft, path);
  } catch (error) {
    if (readCode(error) !== "EEXIST") throw refuse(path, `it could not be made (${readCode(error)})`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Put in place whole, so that nobody reads half of it. */
function writeFile(path: string, keys: readonly SealKey[]): void {
  const draft = writeDraft(path, keys);
  try {
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw refuse(path, `it could not be written (${readCode(error)})`);
  }
}

function writeDraft(path: string, keys: readonly SealKey[]): string {
  const draft = `${path}.${randomUUID()}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const lines = keys.map((key) => `${printSealKey(key)}\n`).join("");
    writeFileSync(draft, ABOUT + lines, { mode: 0o600, flag: "wx", flush: true });
    return draft;
  } catch (error) {
    rmSync(draft, { force: true });
    throw refuse(path, `it could not be written (${readCode(error)})`);
  }
}

function readCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown error";
}

function refuse(path: string, why: string): GatewayError {
  return new GatewayError({
    kind: "internal",
    code: "secret_key_unusable",
    message: `The key that providers' credentials are encrypted with, ${path}: ${why}. Put it right, or set secret_key.`,
  });
}
