// Where the file of a thread lies, in the executable and in the sources. Starts none.

/** What a Worker is begun with. Takes its file's place below the repository; inside the executable it must be one that scripts/compile.ts lists. */
export function findWorker(file: `src/${string}.ts`): string {
  return isBuilt(import.meta.path) ? `./${file}` : new URL(`../../${file}`, import.meta.url).href;
}

/** Whether this is the path of a file inside an executable. Of a path, and not of a URL, which has the `~` of Windows' place as `%7E`. */
export function isBuilt(path: string): boolean {
  return /^(?:\/\$bunfs\/|[A-Za-z]:[\\/]~BUN[\\/])/u.test(path);
}
