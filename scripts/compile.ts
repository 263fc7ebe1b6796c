// Builds one executable: the flags that were measured, in one place. Knows no list of platforms.

import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { BunPlugin } from "bun";
import { version } from "../package.json";
import { namePlatform, type Platform, prepareBase } from "./base.ts";
import { countBadPages, signMach } from "./mach.ts";

export const ROOT = join(import.meta.dir, "..");
export const DIST = join(ROOT, "dist");
export const VERSION: string = version;
const CACHE = join(DIST, ".cache");
/** Threads begin at a file of their own, which the executable finds by its place in the sources. */
export const WORKERS: readonly `src/${string}.ts`[] = [
  "src/audit/recount/worker.ts",
  "src/cli/bindery-worker.ts",
  "src/cli/ledger/scan-worker.ts",
  "src/server/reader/worker.ts",
  "src/store/sqlite/checkpoint-worker.ts",
];

/** Writes the executable, and its source maps to dist/maps/, which are not shipped. `plugins` change the sources: what is shipped has none. */
export async function compile(platform: Platform, outfile: string, plugins: BunPlugin[] = []): Promise<void> {
  const base = await prepareBase(platform, CACHE);
  const draft = join(CACHE, `build-${process.pid}-${namePlatform(platform)}`);
  rmSync(draft, { recursive: true, force: true });
  try {
    await build({ platform, base, outfile: join(draft, basename(outfile)), plugins });
    if (platform.os === "darwin") await sign(join(draft, basename(outfile)));
    const maps = join(DIST, "maps", basename(outfile));
    rmSync(maps, { recursive: true, force: true });
    mkdirSync(maps, { recursive: true });
    for (const file of readdirSync(draft).filter((name) => name.endsWith(".map"))) {
      renameSync(join(draft, file), join(maps, file));
    }
    mkdirSync(dirname(outfile), { recursive: true });
    // Another process may be running the old one: a rename leaves it its file.
    renameSync(join(draft, basename(outfile)), outfile);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

interface Build {
  platform: Platform;
  /** The runtime that the executable is made from. */
  base: string;
  outfile: string;
  plugins: BunPlugin[];
}

async function build({ platform, base, outfile, plugins }: Build): Promise<void> {
  const { os, arch, libc } = platform;
  const target =
    os === "linux" && libc === "musl" ? (`bun-${os}-${arch}-musl` as const) : (`bun-${os}-${arch}` as const);
  const result = await Bun.build({
    entrypoints: [join(ROOT, "src/main.ts"), ...WORKERS.map((path) => join(ROOT, path))],
    root: ROOT,
    target: "bun",
    format: "esm",
    minify: true,
    bytecode: true,
    splitting: true,
    sourcemap: "linked",
    plugins,
    define: {
      TOKLIGENCE_VERSION: JSON.stringify(VERSION),
      TOKLIGENCE_COMMIT: JSON.stringify(readCommit()),
    },
    compile: {
      target,
      outfile,
      executablePath: base,
      execArgv: ["--disallow-code-generation-from-strings=strict"],
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  if (!result.success) throw new AggregateError(result.logs, "The build failed");
}

/**
 * macOS ends a program, without a word, whose pages do not have the hashes that its signature gives them. The builder renews
 * the signature on arm64 only, so it is done here for both.
 */
async function sign(path: string): Promise<void> {
  const signed = signMach(Buffer.from(await Bun.file(path).arrayBuffer()));
  await Bun.write(path, signed, { mode: 0o755 });
  if (countBadPages(signed) !== 0) throw new Error(`The signature of ${basename(path)} does not fit its bytes.`);
}

/** Short hash of the commit that is built, with a mark where files differ from it; from the environment where there is no git. */
export function readCommit(): string {
  const given = process.env["TOKLIGENCE_COMMIT"] ?? "";
  if (given !== "") return given;
  const run = (...args: string[]) => Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" });
  try {
    const head = run("rev-parse", "--short=12", "HEAD");
    if (!head.success) return "unknown";
    const isDirty = run("status", "--porcelain").stdout.length > 0;
    return `${head.stdout.toString().trim()}${isDirty ? "-dirty" : ""}`;
  } catch {
    return "unknown";
  }
}
