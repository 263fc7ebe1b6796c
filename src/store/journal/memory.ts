// Files as memory: what is stored there belongs to the system from that moment on, and so outlives the process, at the price of no call. Knows no journal.

import { statfsSync } from "node:fs";

/**
 * File systems on which a block that was written stays where it is, so that a store into it needs no new one: where it did and the disk was full, the
 * system would end the process. Those that copy what they change (btrfs, zfs, xfs with its shared blocks, overlays) and those of other machines
 * are none of them. https://man7.org/linux/man-pages/man2/statfs.2.html
 */
const STEADY: ReadonlySet<number> = new Set([
  // ext2, ext3 and ext4
  0xef_53,
  // tmpfs
  0x01_02_19_94,
]);

/** Whether files of a folder may lie in memory so. */
export function canMap(folder: string, platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== "linux") return false;
  try {
    return STEADY.has(statfsSync(folder).type);
  } catch {
    return false;
  }
}

/** Null where the system does not give it. The file itself is meant, whatever its name has become; `from` divides by the size of any page. */
export function mapFile(file: number, from: number, to: number): Buffer<ArrayBuffer> | null {
  try {
    const { buffer, byteOffset, length } = Bun.mmap(`/proc/self/fd/${file}`, { offset: from, size: to - from });
    return length === to - from ? Buffer.from(buffer, byteOffset, length) : null;
  } catch {
    return null;
  }
}

/** Gives it back at once: the collector would take its time, and all of it counts as memory of the process until then. Nothing can be stored there any more. */
export function unmapFile(memory: Buffer<ArrayBuffer>): void {
  memory.buffer.transfer(0);
}
