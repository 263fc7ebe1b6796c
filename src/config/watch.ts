// Notices that a file has changed, once an editor is done with it. Knows no format, no signal and nobody who reads the files.

import { existsSync } from "node:fs";
import { dirname, sep } from "node:path";

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
  let wanted = new Set(paths);
  let timer: ReturnType<typeof setTimeout> | null = null;
  const watcher = watch(listBases(wanted), {
    atomic: true,
    ignored: (path) => !isOnTheWay(path, wanted),
    ignoreInitial: true,
    persistent: false,
  });

  const change = async (): Promise<void> => {
    timer = null;
    try {
      const next = await onChange();
      if (next === undefined || watcher.closed) return;
      const added = new Set(next).difference(wanted);
      wanted = new Set(next);
      watcher.add(listBases(added));
    } catch (error) {
      onError(error);
    }
  };

  watcher.on("error", onError);
  watcher.on("all", (_, path) => {
    if (!wanted.has(path) && !wanted.has(dirname(path))) return;
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
function listBases(paths: ReadonlySet<string>): string[] {
  const bases = new Set<string>();
  for (const path of paths) {
    let base = dirname(path);
    while (!existsSync(base) && base !== dirname(base)) base = dirname(base);
    bases.add(base);
  }
  return [...bases];
}

/** What is watched, what is in it, and every folder above it. */
function isOnTheWay(path: string, wanted: ReadonlySet<string>): boolean {
  if (wanted.has(path) || wanted.has(dirname(path))) return true;
  const folder = path.endsWith(sep) ? path : `${path}${sep}`;
  return [...wanted].some((file) => file.startsWith(folder));
}
