// Installs clients in their exact versions, each into a folder of its own in the machine's temporary folder, where the next run finds it.
// Uses the ordinary clients of the package registries and knows no gateway.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Guide } from "../../src/cli/connect/guide.ts";

const CACHE = join(tmpdir(), "tokligence-clients");
/** Most clients want a newer Node than many machines have. */
const NODE = "node@24.21.0";

/** The folder in which a client's programs run. */
export function findFolder(name: string): string {
  return join(CACHE, name);
}

/** Folders for PATH in which the commands of a client are found, its Node before any other. */
export function listCommandFolders(name: string): string[] {
  return [
    join(CACHE, name, "node_modules/.bin"),
    join(CACHE, name, "venv/bin"),
    join(CACHE, "node", "node_modules/.bin"),
  ];
}

export async function installNode(): Promise<void> {
  await installFromNpm("node", [NODE]);
}

export async function install(name: string, { packages, installer }: Guide): Promise<void> {
  if (installer === "none") return;
  await (installer === "pip" ? installFromPip(name, packages) : installFromNpm(name, packages));
}

async function installFromNpm(name: string, packages: readonly string[]): Promise<void> {
  const folder = findFolder(name);
  const wanted = packages.map((spec) => {
    const at = spec.lastIndexOf("@");
    return [spec.slice(0, at), spec.slice(at + 1)] as const;
  });
  const isThere = wanted.every(([id, version]) => readVersion(join(folder, "node_modules", id)) === version);
  if (isThere) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ private: true, dependencies: Object.fromEntries(wanted) }),
  );
  await run(["npm", "install", "--no-audit", "--no-fund", "--no-progress"], folder);
}

function readVersion(folder: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version?: string };
    return version ?? null;
  } catch {
    return null;
  }
}

async function installFromPip(name: string, packages: readonly string[]): Promise<void> {
  const folder = findFolder(name);
  const mark = join(folder, "installed.txt");
  const wanted = packages.join("\n");
  if ((await Bun.file(mark).exists()) && (await Bun.file(mark).text()) === wanted) return;
  mkdirSync(folder, { recursive: true });
  await run(["python3", "-m", "venv", "venv"], folder);
  await run(["venv/bin/pip", "install", "--quiet", ...packages], folder);
  writeFileSync(mark, wanted);
}

async function run(command: string[], cwd: string): Promise<void> {
  const child = Bun.spawn(command, { cwd, stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [said, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${command.join(" ")} in ${cwd} ended with ${code}: ${said.slice(-2_000)}`);
}
