// The repository's own files as text, for the tests that look at the code instead of running it. Judges nothing.

import { homedir } from "node:os";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

export interface Source {
  /** From the repository's root, with slashes. */
  path: string;
  text: string;
}

/** What is written by hand in these folders; recordings and generated files are left out. */
export function readSources(...folders: readonly ("scripts" | "src" | "test")[]): Promise<Source[]> {
  const paths = folders
    .flatMap((folder) => [...new Bun.Glob(`${folder}/**/*.ts`).scanSync({ cwd: ROOT })])
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !/^test\/(?:fixtures|golden)\/|\/migration\/index\.ts$/u.test(path))
    .toSorted();
  return readAll(paths);
}

/** Everything that is, or is about to be, in the repository. */
export function readTracked(): Promise<Source[]> {
  const list = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: ROOT });
  const paths = list.stdout.toString().split("\0");
  return readAll(paths.filter((path) => path !== "" && !/^test\/(?:fixtures|golden)\//u.test(path)));
}

async function readAll(paths: readonly string[]): Promise<Source[]> {
  const files = paths.map(async (path) => {
    const file = Bun.file(join(ROOT, path));
    return { path, text: (await file.exists()) ? await file.text() : "" };
  });
  return Promise.all(files);
}

/** Words that only this machine knows. */
export function listMachineWords(): string[] {
  return [ROOT, join(homedir(), "/")];
}
