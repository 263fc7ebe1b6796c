// `bun run dist`: the executables for all platforms, with SHA256SUMS, into dist/. Words after it pick platforms: linux-x64, darwin …

import { rmSync } from "node:fs";
import { join } from "node:path";
import { namePlatform, type Platform } from "./base.ts";
import { compile, DIST, VERSION } from "./compile.ts";
import { failUsage, readWords } from "./flag.ts";

const PLATFORMS: readonly Platform[] = [
  { os: "darwin", arch: "arm64", libc: null },
  { os: "darwin", arch: "x64", libc: null },
  { os: "linux", arch: "arm64", libc: "glibc" },
  { os: "linux", arch: "arm64", libc: "musl" },
  { os: "linux", arch: "x64", libc: "glibc" },
  { os: "linux", arch: "x64", libc: "musl" },
  { os: "windows", arch: "arm64", libc: null },
  { os: "windows", arch: "x64", libc: null },
];

const { names: wanted } = readWords({});
const isMeant = (platform: Platform, word: string): boolean =>
  namePlatform(platform) === word || namePlatform(platform).startsWith(`${word}-`);
const unknown = wanted.filter((word) => !PLATFORMS.some((platform) => isMeant(platform, word)));
if (unknown.length > 0)
  failUsage(`There is no platform ${unknown.join(", ")}. There are: ${PLATFORMS.map(namePlatform).join(", ")}.`);
const chosen = PLATFORMS.filter((platform) => wanted.length === 0 || wanted.some((word) => isMeant(platform, word)));
const sums: string[] = [];
for (const platform of chosen) {
  const { os, arch, libc } = platform;
  const suffix = `${libc === "musl" ? "_musl" : ""}${os === "windows" ? ".exe" : ""}`;
  const name = `tokligence-gateway_${VERSION}_${os}_${arch}${suffix}`;
  const path = join(DIST, name);
  rmSync(path, { force: true });
  await compile(platform, path);
  const bytes = Buffer.from(await Bun.file(path).arrayBuffer());
  sums.push(`${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}  ${name}`);
  console.log(`${name} ${(bytes.length / 1e6).toFixed(1)} MB`);
}
await Bun.write(join(DIST, "SHA256SUMS"), `${sums.join("\n")}\n`);
