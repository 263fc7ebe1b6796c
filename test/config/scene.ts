// A disk that is a table, so that layers can be tried without one. Knows no assertion.

import type { Disk } from "../../src/config/disk.ts";
import type { Environment, Flags } from "../../src/config/gather-env.ts";
import type { Loaded, Problem } from "../../src/config/index.ts";
import { ConfigError, loadConfig } from "../../src/config/index.ts";

export const CWD = "/srv/gate";
export const HOME = "/home/ada";

export interface Scene {
  /** By path; relative ones lie under the working folder. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  env?: Environment;
  flags?: Flags;
  homedir?: string | null;
}

export function createDisk(files: Readonly<Record<string, string | Uint8Array>>): Disk {
  const table = new Map(
    Object.entries(files).map(([path, text]) => [
      path.startsWith("/") ? path : `${CWD}/${path}`,
      typeof text === "string" ? new TextEncoder().encode(text) : text,
    ]),
  );
  const listFolder = (folder: string): string[] | null => {
    const inside = [...table.keys()].filter((path) => path.startsWith(`${folder}/`));
    if (inside.length === 0) return null;
    return [...new Set(inside.map((path) => path.slice(folder.length + 1).split("/", 1)[0] ?? ""))];
  };
  return {
    listFolder,
    readFile(path) {
      if (listFolder(path) !== null) throw Object.assign(new Error("EISDIR"), { code: "EISDIR" });
      return table.get(path) ?? null;
    },
  };
}

export function load({ files = {}, env = {}, flags = {}, homedir = HOME }: Scene): Promise<Loaded> {
  return loadConfig({ cwd: CWD, homedir, env, flags, disk: createDisk(files) });
}

/** What `load` refuses with; a scene that loads is a failed test. */
export async function loadProblems(scene: Scene): Promise<{ text: string; problems: readonly Problem[] }> {
  const loaded = await load(scene).catch((error: unknown) => error);
  if (!(loaded instanceof ConfigError)) throw new Error("the configuration was accepted", { cause: loaded });
  return { text: loaded.message, problems: loaded.problems };
}

export function findOrigin(loaded: Loaded, key: string): string | undefined {
  return loaded.effective.find((value) => value.key === key)?.origin;
}

export function findShown(loaded: Loaded, key: string): string | null | undefined {
  return loaded.effective.find((value) => value.key === key)?.value;
}
