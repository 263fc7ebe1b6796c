// Reads the configuration as far as it can be used: what is wrong with it is found, left out, and the rest is read again. Knows no check.

import { isAbsolute, relative } from "node:path";
import { realDisk } from "../../config/disk.ts";
import { RUNTIME } from "../../config/gather-env.ts";
import { ConfigError, type Loaded, type LoadOptions, type Problem, loadConfig } from "../../config/index.ts";
import { findHomedir } from "../../lib/home.ts";

export interface LenientLoad {
  loaded: Loaded;
  problems: readonly Problem[];
  isBare: boolean;
}

/** Each round may show what the one before hid. */
const MOST_ROUNDS = 8;

export async function loadLeniently(options: LoadOptions): Promise<LenientLoad> {
  const problems: Problem[] = [];
  let left = options;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const found = await tryLoad(left);
    if (!(found instanceof ConfigError)) return { loaded: found, problems, isBare: false };
    // Of what the first round did not see, some is only there because something else was left out.
    if (round === 0) problems.push(...found.problems);
    left = leaveOut(left, found.problems);
  }
  return { loaded: await loadBare(options), problems, isBare: true };
}

async function tryLoad(options: LoadOptions): Promise<ConfigError | Loaded> {
  try {
    return await loadConfig(options);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Without files, and with nothing of the environment but the folder. */
function loadBare({ cwd, env, homedir }: LoadOptions): Promise<Loaded> {
  const { TOKLIGENCE_HOME: home } = env;
  const disk = { readFile: () => null, listFolder: () => null };
  const bare = { cwd, disk, homedir: homedir ?? findHomedir() ?? "/" };
  return loadConfig({ ...bare, env: home === undefined ? {} : { TOKLIGENCE_HOME: home } }).catch(() =>
    loadConfig({ ...bare, env: {} }),
  );
}

function leaveOut(options: LoadOptions, problems: readonly Problem[]): LoadOptions {
  const { cwd, env, flags = {}, disk = realDisk, runtime = {} } = options;
  const stale = problems.flatMap(({ file, key }) => (file === RUNTIME.file && key !== null ? [key] : []));
  const isNamed = (name: string): boolean => problems.some(({ file }) => file === name);
  const nameFile = (path: string): string => {
    const short = relative(cwd, path);
    return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short.replaceAll("\\", "/");
  };
  return {
    ...options,
    ...(isNamed("HOME") ? { homedir: "/" } : {}),
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !isNamed(name))),
    flags: Object.fromEntries(
      Object.entries(flags).filter(([name]) => !isNamed(`--${name.replaceAll("_", "-")}`) && !isNamed(`--${name}`)),
    ),
    runtime: Object.fromEntries(Object.entries(runtime).filter(([name]) => !stale.includes(name))),
    disk: {
      ...disk,
      readFile(path) {
        const own = problems.filter(({ file }) => file === nameFile(path) || file === path);
        if (own.length === 0) return disk.readFile(path);
        // Without a line it is the file as a whole.
        if (own.some(({ line }) => line === null)) return null;
        const bytes = disk.readFile(path);
        return bytes === null ? null : blank(bytes, new Set(own.map(({ line }) => line ?? 0)));
      },
    },
  };
}

/** Lines keep their numbers. With the head of a section goes what stands under it. */
function blank(bytes: Uint8Array, lines: ReadonlySet<number>): Uint8Array {
  let isInBadSection = false;
  const text = new TextDecoder().decode(bytes);
  const kept = text.split(/\r\n|\n|\r/u).map((line, index) => {
    const isBad = lines.has(index + 1);
    if (/^\s*\[/u.test(line)) isInBadSection = isBad;
    return isBad || isInBadSection ? "" : line;
  });
  return new TextEncoder().encode(kept.join("\n"));
}
