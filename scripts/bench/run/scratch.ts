// A folder for what a bench writes, which is gone when its process exits: whoever heeds signals exits on them. Knows no bench.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export function makeScratch(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `tokligence-${name}-`));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
