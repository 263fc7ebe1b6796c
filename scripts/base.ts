// The runtime that executables are built from: found or fetched for a platform, and deaf to the variables that would let an
// environment steer a finished executable. Knows nothing of our own code.

import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

export interface Platform {
  os: "darwin" | "linux" | "windows";
  arch: "arm64" | "x64";
  /** Only Linux has a choice. */
  libc: "glibc" | "musl" | null;
}

/** The machine that builds. */
export function findHost(): Platform {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const { arch } = process;
  if ((os !== "darwin" && os !== "linux" && os !== "windows") || (arch !== "arm64" && arch !== "x64")) {
    throw new Error(`No executable can be built on ${os} ${arch}; build on another machine with: bun run dist`);
  }
  const header = os === "linux" ? process.report?.getReport() : undefined;
  return { os, arch, libc: os === "linux" ? readLibc(header) : null };
}

function readLibc(report: unknown): "glibc" | "musl" {
  return JSON.stringify(report ?? {}).includes("glibcVersionRuntime") ? "glibc" : "musl";
}

/** `linux-x64-musl`, as the runtime's makers name it; glibc goes without saying. */
export function namePlatform({ os, arch, libc }: Platform): string {
  return `${os}-${arch}${libc === "musl" ? "-musl" : ""}`;
}

/** Variables that the runtime reads before any of our code runs; each of these is also how longer names begin. */
const VARIABLES = ["BUN_BE_BUN", "BUN_INSPECT", "BUN_OPTIONS"] as const;

/** The place of the first underscore, and what stands there instead: no shell, `.env` or unit file can write such a name. */
const UNDERSCORE_AT = 3;
const UNWRITABLE = 0x01;

/**
 * The variables' names, spoilt in place: the runtime asks the environment for names that nobody sets. No switch does this.
 * Throws where a name is not found, so that a new version of the runtime cannot bring it back unnoticed.
 */
export function deafen(runtime: Buffer): void {
  for (const name of VARIABLES) {
    let count = 0;
    for (let at = runtime.indexOf(name); at !== -1; at = runtime.indexOf(name, at + 1)) {
      runtime[at + UNDERSCORE_AT] = UNWRITABLE;
      count++;
    }
    if (count === 0) throw new Error(`The runtime no longer holds the name ${name}: find out how it reads it now.`);
  }
}

/** Path of a runtime to build from, kept in `cache` for the next time. */
export async function prepareBase(platform: Platform, cache: string): Promise<string> {
  const path = join(cache, `base-${Bun.version}-${namePlatform(platform)}${platform.os === "windows" ? ".exe" : ""}`);
  if (await Bun.file(path).exists()) return path;
  const isHost = namePlatform(platform) === namePlatform(findHost());
  const source = isHost ? process.execPath : await fetchRuntime(platform, cache);
  const runtime = Buffer.from(await Bun.file(source).arrayBuffer());
  deafen(runtime);
  mkdirSync(cache, { recursive: true });
  const draft = `${path}.${process.pid}`;
  await Bun.write(draft, runtime, { mode: 0o755 });
  renameSync(draft, path);
  return path;
}

/** The package that the runtime's makers publish for a platform, installed into the cache by the runtime itself. */
async function fetchRuntime(platform: Platform, cache: string): Promise<string> {
  const { os, libc } = platform;
  const arch = platform.arch === "arm64" ? "aarch64" : "x64";
  const name = `@oven/bun-${os}-${arch}${libc === "musl" ? "-musl" : ""}`;
  const folder = join(cache, `runtime-${namePlatform(platform)}`);
  mkdirSync(folder, { recursive: true });
  await Bun.write(
    join(folder, "package.json"),
    JSON.stringify({ private: true, dependencies: { [name]: Bun.version } }),
  );
  const install = Bun.spawnSync([process.execPath, "install", "--cpu=*", "--os=*", "--ignore-scripts", "--no-save"], {
    cwd: folder,
    stdout: "ignore",
    stderr: "pipe",
  });
  if (!install.success) throw new Error(`${name}@${Bun.version} could not be fetched: ${install.stderr.toString()}`);
  return join(folder, "node_modules", name, "bin", os === "windows" ? "bun.exe" : "bun");
}
