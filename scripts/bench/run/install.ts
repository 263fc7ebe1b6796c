// Gets what a comparison needs and this machine lacks: programs from Debian, packages from npm in a folder of their own, never as a dependency.

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DIST } from "../../compile.ts";

const POLICY = "/usr/sbin/policy-rc.d";
/** Debian puts servers where only root looks. */
const FOLDERS = ["/usr/sbin", "/usr/local/sbin"];

export async function installDebian(name: string, program = name): Promise<void> {
  if (hasProgram(program)) return;
  if (process.getuid?.() !== 0 || Bun.which("apt-get") === null) {
    throw new Error(
      `${name} is not here, and only root on Debian can install it from here. Install it, or leave it out with --only.`,
    );
  }
  console.error(`installing ${name} …`);
  const said = withoutStarting(() => install(name));
  if (!hasProgram(program)) throw new Error(`${name} could not be installed: ${said}`);
}

/** What went wrong, if anything. */
function install(name: string): string {
  const options = {
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  } as const;
  const command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", name];
  if (Bun.spawnSync(command, options).success) return "";
  Bun.spawnSync(["apt-get", "update", "-qq"], options);
  return Bun.spawnSync(command, options).stderr.toString().trim().slice(-500);
}

/** By itself, Debian starts what it installs: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt */
function withoutStarting<A>(action: () => A): A {
  if (existsSync(POLICY)) return action();
  writeFileSync(POLICY, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return action();
  } finally {
    rmSync(POLICY, { force: true });
  }
}

/** The package's folder; it stays for the next time. */
export async function installNpm(name: string, version: string): Promise<string> {
  const folder = join(DIST, "bench", `${name.replaceAll(/[^a-z0-9]+/giu, "-").replace(/^-/u, "")}-${version}`);
  const path = join(folder, "node_modules", name);
  if (existsSync(join(path, "package.json"))) return path;
  console.error(`installing ${name} ${version} …`);
  mkdirSync(folder, { recursive: true });
  await Bun.write(join(folder, "package.json"), JSON.stringify({ private: true, dependencies: { [name]: version } }));
  const { success, stderr } = Bun.spawnSync([process.execPath, "install", "--ignore-scripts", "--no-save"], {
    cwd: folder,
    stdout: "ignore",
    stderr: "pipe",
  });
  if (!success) throw new Error(`${name} ${version} could not be installed: ${stderr.toString().trim().slice(-500)}`);
  return path;
}

function hasProgram(name: string): boolean {
  return Bun.which(name) !== null || FOLDERS.some((folder) => existsSync(join(folder, name)));
}
