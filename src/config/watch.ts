// Notices that a file has changed, once an editor is done with it. Knows no format, no signal and nobody who reads the files.

import { existsSync } from "node:fs";
import { dirname } from "node:path";

export interface WatchOptions {
  /** Absolute files and folders; what is not there yet may appear. Folders are watched without the folders inside them. */
  paths: readonly string[];
  /** May answer with what to watch from then on. */
  onChange: () => Promise<readonly string[] | void> | readonly string[] | void;
  /** Something cannot be watched, or `onChange` threw. */
  onError: (error: unknown) => void;
  /** Files are written in several steps: for how long nothing may happen before `onChange` is called. */
  quietMs?: number;
}

/** Resolves when changes are noticed, with the function that ends it. */
export async function watchConfig({
  paths,
  onChange,
  onError,
  quietMs = 100,
}: WatchOptions): Promise<() => Promise<void>> {
  // Only the daemon watches: every other command starts sooner without it.
  const { watch } = await import("chokidar");
  let wanted = listWanted(paths);
  let timer: ReturnType<typeof setTimeout> | null = null;
  const watcher = watch(listBases(paths), {
    atomic: true,
    ignored: (path) => !wanted.isOnTheWay(path),
    ignoreInitial: true,
    persistent: false,
  });

  const change = async (): Promise<void> => {
    timer = null;
    try {
      const next = await onChange();
      if (next === undefined || watcher.closed) return;
      const added = next.filter((path) => !wanted.has(path));
      wanted = listWanted(next);
      watcher.add(listBases(added));
    } catch (error) {
      onError(error);
    }
  };

  watcher.on("error", onError);
  watcher.on("all", (_, path) => {
    if (!wanted.has(path)) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(() => void change(), quietMs);
  });
  await new Promise<void>((resolve) => watcher.once("ready", () => resolve()));
  return async () => {
    if (timer !== null) clearTimeout(timer);
    await watcher.close();
  };
}

/** The nearest folder of each that is there: a path that is missing, folders and all, is noticed from above when it appears. */
function listBases(paths: readonly string[]): string[] {
  const bases = new Set<string>();
  for (const path of paths) {
    let base = dirname(path);
    while (!existsSync(base) && base !== dirname(base)) base = dirname(base);
    bases.add(base);
  }
  return [...bases];
}

export interface Wanted {
  /** Whether it is watched itself, or lies in a folder that is. */
  has(path: string): boolean;
  /** Whether it is that, or a folder above what is watched. */
  isOnTheWay(path: string): boolean;
}

/** By whatever slashes: on Windows the watcher asks about paths with those of others, and tells of what happened with Windows' own. */
export function listWanted(paths: readonly string[]): Wanted {
  const wanted = new Set(paths.map(spell));
  const has = (path: string): boolean => wanted.has(path) || wanted.has(dirname(path));
  return {
    has: (path) => has(spell(path)),
    isOnTheWay(path) {
      const spelled = spell(path);
      const folder = spelled.endsWith("/") ? spelled : `${spelled}/`;
      return has(spelled) || [...wanted].some((file) => file.startsWith(folder));
    },
  };
}

function spell(path: string): string {
  return path.replaceAll("\\", "/");
}
