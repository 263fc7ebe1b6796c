// `bun run dist`: the executables for all platforms, with SHA256SUMS, into dist/. Words after it pick platforms: linux-x64, darwin …

import { rmSync } from "node:fs";
import { join } from "node:path";
import { namePlatform, type Platform } from "./base.ts";
import { compile, DIST, VERSION } from "./compile.ts";

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

const wanted = Bun.argv.slice(2);
const chosen = PLATFORMS.filter((platform) => {
  const name = namePlatform(platform);
  return wanted.length === 0 || wanted.some((word) => name === word || name.startsWith(`${word}-`));
});
if (chosen.length === 0) {
  console.error(`There is no platform ${wanted.join(", ")}. There are: ${PLATFORMS.map(namePlatform).join(", ")}`);
  process.exit(2);
}
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
