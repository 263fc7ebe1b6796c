// `bun run test [filters]`: builds the executable, runs the tests, and ends with one line: N passed, N failed.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./compile.ts";
import { providePostgres } from "./postgres.ts";

/** For one test; generous, as a loaded machine is slow and a hang is a failure all the same. */
const TIMEOUT_MS = 60_000;

providePostgres();
// In a process of its own, so that the tests start with its memory given back.
const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build.ts")], {
  cwd: ROOT,
  stdio: ["ignore", "inherit", "inherit"],
});
const { exitCode, counts } = build.success
  ? await runTests(Bun.argv.slice(2))
  : { exitCode: 1, counts: { passed: 0, failed: 0, skipped: 0 } };
const isGood = exitCode === 0 && counts.failed === 0 && counts.passed > 0;
// A file that does not load, or a run without tests, is a failure too, though no test says so.
const failed = isGood ? 0 : Math.max(1, counts.failed);
console.log(`${counts.passed} passed, ${failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}`);
process.exit(isGood ? 0 : 1);

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

async function runTests(filters: readonly string[]): Promise<{ exitCode: number; counts: Counts }> {
  const folder = mkdtempSync(join(tmpdir(), "tokligence-junit-"));
  const report = join(folder, "report.xml");
  try {
    const run = Bun.spawn(
      [
        process.execPath,
        "test",
        `--timeout=${TIMEOUT_MS}`,
        "--reporter=junit",
        `--reporter-outfile=${report}`,
        ...filters,
      ],
      {
        cwd: ROOT,
        stdio: ["ignore", "inherit", "inherit"],
      },
    );
    const code = await run.exited;
    const file = Bun.file(report);
    return { exitCode: code, counts: readCounts((await file.exists()) ? await file.text() : "") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** From the report's root element. */
function readCounts(report: string): Counts {
  const root = /<testsuites\b[^>]*>/u.exec(report)?.[0] ?? "";
  const read = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`, "u").exec(root)?.[1] ?? 0);
  const [failed, skipped] = [read("failures") + read("errors"), read("skipped")];
  return { passed: read("tests") - failed - skipped, failed, skipped };
}
