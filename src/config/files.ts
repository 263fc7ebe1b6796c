// Finds the INI files and gathers them: config/setting.ini, then the overlay that it, a variable or a flag names. Reads no value.

import { join } from "node:path";
import { describeDiskError } from "./disk.ts";
import type { Environment, Flags } from "./gather-env.ts";
import { CONFIG_VARIABLE, nameFlag } from "./gather-env.ts";
import { gatherFile } from "./gather-file.ts";
import type { Gathered, Layer } from "./gathered.ts";
import { decodeText, readIni } from "./ini.ts";
import { describeKey, listVariables } from "./key.ts";
import type { Origin } from "./problem.ts";
import { quote } from "./problem.ts";
import type { Reading } from "./read.ts";
import { expandPath } from "./read.ts";
import { isName } from "./syntax.ts";

/** setting.ini and its overlay, or the one file that was asked for. Returns those that exist. */
export function gatherFiles(reading: Reading, env: Environment, flags: Flags): string[] {
  const wanted = findConfigPath(env, flags);
  const path = expandPath(reading, "file", wanted?.path ?? "config");
  const isFolder = listFolder(reading, path) !== null;
  if (wanted !== null && !isFolder) {
    const read = gatherOne(reading, path, "setting");
    if (!read) {
      const message = `there is no file or folder ${quote(path)}`;
      reading.gathered.problems.push({ ...wanted.origin, key: "config", message, suggestion: null });
    }
    return read ? [path] : [];
  }
  const setting = join(path, "setting.ini");
  const read = gatherOne(reading, setting, "setting") ? [setting] : [];
  const environment = findEnvironment(reading.gathered, env, flags);
  const overlay = join(path, environment.name, "gateway.ini");
  if (gatherOne(reading, overlay, "overlay")) return [...read, overlay];
  if (isFolder && environment.origin !== null) {
    const missing = reading.nameFile(overlay);
    reading.gathered.warnings.push(
      `${environment.origin}: environment is ${environment.name}, but there is no ${missing}`,
    );
  }
  return read;
}

/** False where there is no such file. What is wrong with it is noted. */
function gatherOne(reading: Reading, path: string, layer: Extract<Layer, "overlay" | "setting">): boolean {
  const file = reading.nameFile(path);
  const refuse = (line: number | null, message: string): true => {
    reading.gathered.problems.push({ file, line, key: null, message, suggestion: null });
    return true;
  };
  reading.files.add(path);
  try {
    const bytes = reading.disk.readFile(path);
    if (bytes === null) return false;
    const decoded = decodeText(bytes);
    if ("fault" in decoded) return refuse(decoded.fault.line, decoded.fault.message);
    gatherFile(reading.gathered, { ini: readIni(decoded.text), file, layer });
    return true;
  } catch (error) {
    return refuse(null, `this file ${describeDiskError(error)}`);
  }
}

function listFolder(reading: Reading, path: string): string[] | null {
  try {
    return reading.disk.listFolder(path);
  } catch {
    // It is there but may not be listed; its files may still be readable, and say so themselves if they are not.
    return [];
  }
}

function findConfigPath(env: Environment, flags: Flags): { path: string; origin: Origin } | null {
  const flag = flags.config?.trim() ?? "";
  if (flag !== "") return { path: flag, origin: nameFlag("config") };
  const variable = env[CONFIG_VARIABLE]?.trim() ?? "";
  return variable === "" ? null : { path: variable, origin: { file: CONFIG_VARIABLE, line: null } };
}

/** The overlay's name is needed before the other layers are read. A bad one is refused later, with the rest; here it opens nothing. */
function findEnvironment(gathered: Gathered, env: Environment, flags: Flags): { name: string; origin: string | null } {
  const fallback = describeKey("environment").fallback ?? "";
  const candidates = [
    { text: flags.environment, origin: "--environment" },
    ...listVariables("environment").map((variable) => ({ text: env[variable], origin: variable })),
    { text: gathered.settings.get("environment")?.text, origin: "setting.ini" },
  ];
  const chosen = candidates.find(({ text }) => (text?.trim() ?? "") !== "");
  const name = chosen?.text?.trim() ?? fallback;
  return isName(name) ? { name, origin: chosen?.origin ?? null } : { name: fallback, origin: null };
}
