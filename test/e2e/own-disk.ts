// A daemon whose home lies on a file system of its own, which no other program sees, and commands that look through the daemon's eyes. Judges nothing.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BINARY, expectOk, run, serve } from "./binary.ts";

const isPossible = (...command: string[]): boolean =>
  Bun.spawnSync(command, { stdio: ["ignore", "ignore", "ignore"] }).exitCode === 0;

export const canMount = process.platform === "linux" && isPossible("unshare", "-m", "true");
export const canLoop = canMount && Bun.which("mkfs.ext4") !== null && isPossible("losetup", "-f");

/** What follows `mount`, but for the place. */
type Disk = string;

export function memoryDisk(megabytes: number): Disk {
  return `-t tmpfs -o size=${megabytes}m tmpfs`;
}

/** One that has what reached it from one mount to the next. */
export async function imageDisk(folder: string): Promise<Disk> {
  const image = join(folder, "disk.img");
  await expectOk(run(["if=/dev/zero", `of=${image}`, "bs=1M", "count=64"], { file: "dd" }));
  await expectOk(run(["-q", "-F", image], { file: "mkfs.ext4" }));
  return `-o loop,errors=remount-ro ${image}`;
}

export async function serveOn(disk: Disk, { folder, config }: { folder: string; config: string }) {
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  const script = join(folder, "serve.sh");
  const mount = `mount ${disk} "$TOKLIGENCE_HOME" && exec "$0" "$@"`;
  writeFileSync(script, `#!/bin/sh\nexec unshare -m sh -c '${mount}' ${BINARY} "$@"\n`, { mode: 0o755 });
  const gateway = await serve({ folder, file: script, config });
  const within = (file: string, args: readonly string[]) =>
    run(["-t", String(gateway.pid), "-m", file, ...args], {
      file: "nsenter",
      cwd: folder,
      env: { HOME: folder, TOKLIGENCE_HOME: home },
    });
  return { ...gateway, home, within, run: (args: readonly string[]) => within(BINARY, args) };
}
