// From a setting's text to its value: fetches what is in a file, expands paths, parses, and notes what to show. Knows no layer.

import { isAbsolute, resolve } from "node:path";
import type { Disk } from "./disk.ts";
import { describeDiskError } from "./disk.ts";
import type { Gathered, Setting } from "./gathered.ts";
import { decodeText } from "./ini.ts";
import type { Key } from "./key.ts";
import type { Origin, Problem } from "./problem.ts";
import { describeBadValue, printOrigin, quote } from "./problem.ts";
import { MASK, isAddressLike, isDsn, listDsnPasswords, maskDsn } from "./dsn.ts";
import { listSourceSecrets, maskSource } from "./source.ts";
import { isPath, listTargetSecrets, nameTarget, splitTargets, type Target } from "../notice/index.ts";
import { parseText } from "./syntax.ts";

/** One line of `config show`. */
export interface EffectiveValue {
  key: string;
  /** Null: unset. Secrets are masked. */
  value: string | null;
  /** `config/setting.ini:12`, `TOKLIGENCE_LOG_LEVEL`, `--http-address`, `default`. */
  origin: string;
  secret: boolean;
}

/** What reading a value takes, and where it leaves its traces. */
export interface Reading {
  gathered: Gathered;
  disk: Disk;
  cwd: string;
  /** Null where there is none. */
  homedir: string | null;
  /** A file's name as it is shown: short where it lies under the working folder. */
  nameFile(path: string): string;
  /** Files that were read or looked for. */
  files: Set<string>;
  effective: EffectiveValue[];
  secrets: Set<string>;
}

/** What is shorter occurs in harmless text too, and is no secret worth the name. */
const SHORTEST_SECRET = 6;

export interface Wanted {
  /** As errors and `config show` name it. */
  name: string;
  key: Pick<Key, "fallback" | "path" | "secret" | "type">;
  setting: Setting | undefined;
}

/**
 * The value, the default's where the setting is unset or wrong (then the problem is noted), or null where there is no default.
 * Typed by the caller's table.
 */
export function readSetting(reading: Reading, { name, key, setting }: Wanted): unknown {
  const given = setting === undefined ? null : fetchText(reading, name, setting);
  if (setting !== undefined && given !== null) {
    const text = expandPath(reading, key.path, given);
    const parsed = parseText(key.type, text);
    if ("value" in parsed) {
      const secret = key.secret === true;
      show(reading, { name, value: parsed.value, text, origin: setting.origin, secret, path: key.path });
      return parsed.value;
    }
    reading.gathered.problems.push(describeBadValue(setting.origin, name, parsed.message));
  }
  const origin = { file: "default", line: null };
  if (key.fallback === undefined) {
    reading.effective.push({ key: name, value: null, origin: "default", secret: key.secret === true });
    return null;
  }
  const text = expandPath(reading, key.path, key.fallback);
  const parsed = parseText(key.type, text);
  if ("message" in parsed) throw new TypeError(`the default of ${name} is wrong: ${parsed.message}`);
  show(reading, { name, value: parsed.value, text, origin, secret: false, path: key.path });
  return parsed.value;
}

export interface NamedFile {
  /** Who names it. */
  origin: Origin;
  name: string;
  /** How it is written there. */
  written: string;
}

/** A file's text, or null with a problem noted. */
export function readText(reading: Reading, path: string, { origin, name, written }: NamedFile): string | null {
  // What has neither folder nor extension may be the secret itself, given in the wrong form.
  const shown = /[./\\~]/.test(written) ? quote(path) : "the file that it names (not repeated here)";
  const refuse = (message: string): null => {
    reading.gathered.problems.push(describeBadValue(origin, name, `${shown} ${message}`));
    return null;
  };
  reading.files.add(path);
  try {
    const bytes = reading.disk.readFile(path);
    if (bytes === null) return refuse("does not exist");
    const decoded = decodeText(bytes);
    return "text" in decoded ? decoded.text : refuse(`is of no use: ${decoded.fault.message}`);
  } catch (error) {
    return refuse(describeDiskError(error));
  }
}

/** `~` is the home folder; a relative path starts at the working folder, wherever it was written. */
export function expandPath(reading: Reading, path: Key["path"], text: string): string {
  if (path === undefined || (path === "log" && text === "-") || (path === "database" && isDsn(text))) return text;
  // Left for the parser to refuse.
  if (path === "database" && isAddressLike(text)) return text;
  if (path === "source" && /^https?:\/\//iu.test(text)) return text;
  if (path === "targets") return expandTargets(reading, text);
  if (/^~(?:[/\\]|$)/.test(text)) return resolve(reading.cwd, requireHomedir(reading), text.slice(2));
  return isAbsolute(text) ? text : resolve(reading.cwd, text);
}

function requireHomedir({ homedir, gathered: { problems } }: Reading): string {
  if (homedir === null && !problems.includes(NO_HOME)) problems.push(NO_HOME);
  return homedir ?? "/";
}

/** Such as of a number without a name, in a container or under a supervisor that sets no variables. */
const NO_HOME: Problem = {
  file: "HOME",
  line: null,
  key: null,
  message:
    "is not set, and the system knows no home folder of this user: set it, or say where the gateway's own folder is (TOKLIGENCE_HOME)",
  suggestion: null,
};

function expandTargets(reading: Reading, text: string): string {
  return splitTargets(text)
    .map((part) => (isPath(part) ? expandPath(reading, "file", part) : part))
    .join(", ");
}

/** Remembers it for the log's redaction. */
export function keepSecret(reading: Reading, secret: string): void {
  if (secret.length >= SHORTEST_SECRET) reading.secrets.add(secret);
}

function fetchText(reading: Reading, name: string, setting: Setting): string | null {
  if (!setting.isPath) return setting.text;
  const path = expandPath(reading, "file", setting.text);
  const file = { origin: setting.origin, name: `${name}_file`, written: setting.text };
  const text = readText(reading, path, file)?.trim();
  if (text !== "") return text ?? null;
  reading.gathered.problems.push(describeBadValue(setting.origin, `${name}_file`, "the file that it names is empty"));
  return null;
}

interface Shown {
  name: string;
  value: unknown;
  text: string;
  origin: Origin;
  secret: boolean;
  path: Key["path"];
}

function show(reading: Reading, { name, value, text, origin, secret, path }: Shown): void {
  if (path === "targets") {
    // Only the type of such keys makes these.
    const targets = value as readonly Target[];
    for (const found of targets.flatMap(listTargetSecrets)) keepSecret(reading, found);
    const names = targets.map(nameTarget).join(", ");
    reading.effective.push({ key: name, value: names, origin: printOrigin(origin), secret });
    return;
  }
  if (secret) keepSecret(reading, text);
  const plain = typeof value === "string" ? value : text;
  for (const password of isDsn(plain) ? listDsnPasswords(plain) : []) keepSecret(reading, password);
  for (const found of path === "source" ? listSourceSecrets(plain) : []) keepSecret(reading, found);
  const shown = secret ? MASK : isDsn(plain) ? maskDsn(plain) : path === "source" ? maskSource(plain) : plain;
  reading.effective.push({ key: name, value: shown, origin: printOrigin(origin), secret });
}
